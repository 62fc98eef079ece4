"""What a customer wrote goes from ToDos that ended long ago; the ToDos stay and are counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.router.todos.usecases import retention
from services.router.todos.worker import count_old, remove_once
from shared.events.inquiries import ReplyWithdrawn
from tests.services.router.desk import Desk, Inquiry, everything_kept

DAY = timedelta(days=1)
AGE = 30 * DAY


async def test_words_go_and_todos_stay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    now, database = desk.clock.now(), desk.service.database
    done = [Inquiry(now) for _ in range(5)]
    open_ = await desk.new_todo("Der offene Fehler bleibt.")
    for each in done:
        await desk.hears(each.received("Die Anmeldung ist abgestürzt.", "Vertraulich"))
        todo = await desk.todo_of(each)
        assert todo["reasons"]
        assert (await desk.post(f"/todos/{todo['id']}/complete")).status_code == 200
    desk.clock.advance(AGE + DAY)
    before = desk.clock.now() - AGE
    assert await count_old(database, before=now) == 0
    assert await count_old(database, before=before) == 5
    gone = await remove_once(database, before=before, now=desk.clock.now(), stop=asyncio.Event())
    assert gone == 5
    assert await count_old(database, before=before) == 0

    shown = await desk.todo_of(done[0])
    assert (shown["state"], shown["message_count"], shown["reasons"]) == ("done", 1, [])
    assert [each["text"] for each in shown["messages"]] == [None]
    assert shown["removed_at"] is not None
    everything = await database.read(everything_kept)
    assert "abgestürzt" not in everything
    assert "Vertraulich" not in everything
    assert len((await desk.get("/todos", state="done"))["items"]) == 5
    assert (await desk.get(f"/todos/{open_['id']}"))["messages"][0]["text"].startswith("Der offene")
    refused = await desk.post(f"/todos/{shown['id']}/reopen", {"reason": "late"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:inbound-desk:problem:inquiry-removed"


async def gone(desk: Desk) -> int:
    now, database = desk.clock.now(), desk.service.database
    return await remove_once(database, before=now - AGE, now=now, stop=asyncio.Event())


async def test_words_stay_while_the_conversation_goes_on(desk: Desk) -> None:
    first = Inquiry(desk.clock.now())
    await desk.hears(first.received("Die erste Frage."), first.answered())
    desk.clock.advance(AGE + DAY)
    second = replace(Inquiry(desk.clock.now()), conversation_id=first.conversation_id)
    await desk.hears(second.received("Die zweite Frage."))
    assert await gone(desk) == 0
    await desk.hears(second.answered())
    assert await gone(desk) == 0
    desk.clock.advance(AGE + DAY)
    assert await gone(desk) == 2


async def test_one_that_goes_on_loses_its_words_when_it_has_ended_again(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    answer = one.answered()
    await desk.hears(one.received("Die Anmeldung ist abgestürzt."), answer)
    desk.clock.advance(AGE + DAY)
    assert await gone(desk) == 1
    now = desk.clock.now()
    await desk.hears(
        ReplyWithdrawn(
            inquiry_id=one.inquiry_id,
            conversation_id=one.conversation_id,
            message_id=answer.message_id,
            withdrawn_at=now,
            withdrawn_by="Anna",
            revision=1,
        )
    )
    todo = await desk.todo_of(one)
    assert (todo["state"], todo["removed_at"]) == ("open", None)
    await desk.hears(one.added("Noch etwas Vertrauliches."))
    assert (await desk.post(f"/todos/{todo['id']}/complete")).status_code == 200
    desk.clock.advance(AGE + DAY)
    assert await gone(desk) == 1
    assert "Vertrauliches" not in await desk.service.database.read(everything_kept)


async def test_what_somebody_said_of_it_goes_too(desk: Desk) -> None:
    todo = await desk.new_todo("Die Anmeldung ist abgestürzt.")
    said = {"desk": "inbound", "reason": "Herr Muster wartet dringend"}
    assert (await desk.post(f"/todos/{todo['id']}/reroute", said)).status_code == 200
    assert (await desk.post(f"/todos/{todo['id']}/complete")).status_code == 200
    desk.clock.advance(AGE + DAY)
    assert await gone(desk) == 1
    assert "Muster" not in await desk.service.database.read(everything_kept)


async def test_what_comes_after_the_removal_has_no_words_either(desk: Desk) -> None:
    """As a dead letter that was tried again after months."""
    one = Inquiry(desk.clock.now())
    late = one.added("Sie sind ein Vollidiot, Herr Muster.")
    await desk.hears(one.received("Die Anmeldung ist abgestürzt."), one.answered())
    desk.clock.advance(AGE + DAY)
    assert await gone(desk) == 1
    await desk.hears(late)
    todo = await desk.todo_of(one)
    assert (todo["message_count"], todo["messages"][-1]["text"]) == (2, None)
    everything = await desk.service.database.read(everything_kept)
    assert "Muster" not in everything
    assert "idiot" not in everything


SOONER = {"netiquette": 10 * DAY, "spam": 5 * DAY}


async def gone_sooner(desk: Desk) -> int:
    now, database = desk.clock.now(), desk.service.database
    sooner = {reason: now - age for reason, age in SOONER.items()}
    found = await count_old(database, before=now - AGE, sooner=sooner)
    removed = await remove_once(
        database, before=now - AGE, sooner=sooner, now=now, stop=asyncio.Event()
    )
    assert removed == found
    return removed


async def test_what_was_dismissed_as_netiquette_or_spam_goes_sooner(desk: Desk) -> None:
    todos = {}
    for reason in ("netiquette", "spam", "no_answer_needed"):
        todos[reason] = await desk.new_todo()
        path = f"/todos/{todos[reason]['id']}/dismiss"
        assert (await desk.post(path, {"reason": reason})).is_success
    desk.clock.advance(6 * DAY)
    assert await gone_sooner(desk) == 1
    shown = await desk.get(f"/todos/{todos['spam']['id']}")
    assert (shown["dismiss_reason"], shown["messages"][0]["text"]) == ("spam", None)
    line = shown["history"][-1]
    assert (line["who"], line["what"], line["why"]) == ("router", "words_removed", "spam")
    desk.clock.advance(5 * DAY)
    assert await gone_sooner(desk) == 1
    kept = await desk.get(f"/todos/{todos['no_answer_needed']['id']}")
    assert kept["messages"][0]["text"] is not None
    desk.clock.advance(AGE)
    assert await gone_sooner(desk) == 1
    assert "words_removed" not in [
        line["what"]
        for line in (await desk.get(f"/todos/{todos['no_answer_needed']['id']}"))["history"]
    ]


async def test_words_stay_while_an_appeal_is_open_or_something_else_was_answered(
    desk: Desk,
) -> None:
    appealed = await desk.new_todo()
    answered = Inquiry(desk.clock.now())
    spam = Inquiry(desk.clock.now(), conversation_id=answered.conversation_id)
    await desk.hears(answered.received(), answered.answered(), spam.received())
    for todo in (appealed, await desk.todo_of(spam)):
        assert (await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})).is_success
    appeal = await desk.post(f"/todos/{appealed['id']}/appeal", {"reason": "it is none"})
    assert appeal.is_success
    desk.clock.advance(20 * DAY)
    assert await gone_sooner(desk) == 0
    again = await desk.post(f"/todos/{appealed['id']}/verdict", {"verdict": "spam"})
    assert again.is_success
    desk.clock.advance(6 * DAY)
    assert await gone_sooner(desk) == 1
    desk.clock.advance(AGE)
    assert await gone_sooner(desk) == 2

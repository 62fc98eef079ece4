"""What ended long ago is removed, is still counted, and is known when it is sent again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.inquiries.usecases import retention
from services.intake.tables import awaited, conversations, metadata
from services.intake.worker import Gone, count_old, remove_once
from shared.db import DatabaseUnavailableError, Read, Write
from shared.events.todos import TodoDismissed, TodoReopened
from shared.runtime.ids import new_id
from tests.services.intake.desk import OWN_ID, Desk, message, problem

DAY = timedelta(days=1)
AGE = 30 * DAY
WORDS = "Ganz vertrauliche Worte"
NAME = "Erika Vertraulich"


async def removed(desk: Desk) -> Gone:
    now, gone = desk.clock.now(), Gone()
    database = desk.service.database
    await remove_once(database, before=now - AGE, now=now, gone=gone, stop=asyncio.Event())
    return gone


async def would_go(desk: Desk) -> Gone:
    return await count_old(desk.service.database, before=desk.clock.now() - AGE)


async def answered(desk: Desk, channel: str, **fields: Any) -> str:
    """An inquiry with those fields that is answered a minute later."""
    said = message(text=WORDS, author={"id": "erika", "name": NAME}, **fields)
    (inquiry_id,) = await desk.accepted(said, channel=channel)
    desk.clock.advance(timedelta(minutes=1))
    reply = {"kind": "answer", "text": "Gern.", "external_id": f"reply-{said['id']}"}
    assert (await desk.post(f"/inquiries/{inquiry_id}/replies", reply)).status_code == 201
    return inquiry_id


def _everything(tx: Read) -> str:
    kept = [each for each in metadata.sorted_tables if each.name != "outbox"]
    return repr([tuple(row) for table in kept for row in tx.execute(select(table))])


@pytest.mark.parametrize("channel", ["email", "facebook"])
async def test_words_and_people_go_and_counts_stay(desk: Desk, channel: str) -> None:
    inquiry_id = await answered(desk, channel, id="q-1", thread_id="geheim-thread")
    desk.clock.advance(AGE + DAY)
    assert await would_go(desk) == Gone(1, 2, 0)
    assert (await desk.detail(inquiry_id))["removed_at"] is None
    assert await removed(desk) == Gone(1, 2, 1)
    assert await removed(desk) == await would_go(desk) == Gone()

    shown = await desk.detail(inquiry_id)
    assert (shown["messages"], shown["excerpt"], shown["subject"]) == ([], "", None)
    assert (shown["contact"]["name"], shown["contact"]["identities"]) == (None, [])
    assert (shown["state"], shown["channel"]) == ("answered", channel)
    assert shown["removed_at"] is not None
    assert len((await desk.get("/inquiries", channel=channel, state="answered"))["items"]) == 1
    everything = await desk.service.database.read(_everything)
    for each in (WORDS, NAME, "erika", "q-1", "geheim-thread", "Gern."):
        assert each not in everything


@pytest.mark.parametrize("channel", ["email", "facebook"])
async def test_a_delivery_that_is_sent_again_a_year_later_changes_nothing(
    desk: Desk, channel: str
) -> None:
    inquiry_id = await answered(desk, channel, id="q-1", thread_id="t-1")
    ours = message(id="p-1", thread_id="t-1", author=OWN_ID, text="Auch so geht es.")
    await desk.deliver(ours, channel=channel)
    desk.clock.advance(AGE + DAY)
    await removed(desk)
    told = await desk.types()
    desk.clock.advance(365 * DAY)
    again = message(id="q-1", thread_id="t-1", text=WORDS, author="erika")
    reply = message(id="reply-q-1", thread_id="t-1", text="Gern.", author=OWN_ID)
    for each in (again, ours, reply):
        answer = (await desk.deliver(each, channel=channel)).json()
        assert (answer["accepted"], answer["broken"]) == (0, 0)
    assert (await desk.deliver(again, channel=channel)).json()["inquiries"] == [inquiry_id]
    repeated = await desk.post(
        "/inquiries",
        {"channel": channel, "external_id": "q-1", "text": WORDS, "author": {"id": "erika"}},
    )
    assert repeated.status_code == 200
    assert repeated.json()["inquiry_id"] == inquiry_id
    assert await desk.types() == told
    assert await desk.stored() == 0
    # What is new in that thread begins anew.
    (fresh,) = await desk.accepted(message(thread_id="t-1", author="erika"), channel=channel)
    assert fresh != inquiry_id
    assert (await desk.detail(fresh))["state"] == "open"


async def test_what_goes_on_stays(desk: Desk) -> None:
    old = await answered(desk, "email", id="a", thread_id="goes-on")
    unanswered = await desk.accepted(message(id="b"), channel="email")
    desk.clock.advance(AGE - DAY)
    recent = await answered(desk, "email", id="c", thread_id="recent")
    again = await answered(desk, "email", id="d", thread_id="goes-on")
    desk.clock.advance(2 * DAY)
    assert await would_go(desk) == await removed(desk) == Gone()
    for inquiry_id in (old, *unanswered, recent, again):
        assert (await desk.detail(inquiry_id))["messages"]


async def test_a_person_with_another_conversation_stays(desk: Desk) -> None:
    old = await answered(desk, "email", id="a", thread_id="old")
    desk.clock.advance(AGE)
    recent = await answered(desk, "email", id="b", thread_id="new")
    desk.clock.advance(DAY)
    assert await removed(desk) == Gone(1, 2, 0)
    assert (await desk.detail(recent))["contact"]["name"] == NAME
    assert (await desk.detail(old))["messages"] == []


async def test_a_long_conversation_goes_in_small_transactions_beside_new_messages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    monkeypatch.setattr(retention, "LOOKED_AT", 2)
    for number in range(4):
        await answered(desk, "email", id=f"q{number}", thread_id="long")
    await answered(desk, "email", id="other", thread_id="other")
    desk.clock.advance(AGE + DAY)
    removing = asyncio.create_task(removed(desk))
    await asyncio.sleep(0.02)
    # Another question comes into the thread that is being removed.
    (fresh,) = await desk.accepted(message(thread_id="long", author="erika"), channel="email")
    gone = await removing
    assert (gone.conversations, gone.messages) in {(2, 10), (1, 2)}
    assert (await desk.detail(fresh))["state"] == "open"
    assert len((await desk.detail(fresh))["messages"]) in {1, 9}


async def test_the_names_of_threads_that_became_one_go_with_it(desk: Desk) -> None:
    """Named after a parent that comes later: twice, so that the second became a part of a part."""
    for parent, child in (("m1", "m2"), ("m0", "m1")):
        said = message(id=child, thread_id=..., parent_id=parent, author="u", text=WORDS)
        await desk.accepted(said, channel="email")
    root = message(id="m0", thread_id="geheim", author="u", text=WORDS)
    (inquiry_id,) = await desk.accepted(root, channel="email")
    shown = await desk.detail(inquiry_id)
    inquiry_id = shown["merged_into"] or inquiry_id
    close = {"reason": "no_answer_needed"}
    assert (await desk.post(f"/inquiries/{inquiry_id}/close", close)).status_code == 200
    desk.clock.advance(AGE + DAY)
    assert await removed(desk) == Gone(1, 3, 1)
    threads = select(conversations.c.thread)
    names = await desk.service.database.read(lambda tx: list(tx.execute(threads).scalars()))
    assert all(name.startswith("removed:") for name in names), names
    assert len(names) == 3


async def test_a_removed_inquiry_is_not_gone_on_with(desk: Desk) -> None:
    inquiry_id = await answered(desk, "email", id="q")
    (reply,) = [m for m in (await desk.detail(inquiry_id))["messages"] if m["kind"] == "answer"]
    desk.clock.advance(AGE + DAY)
    await removed(desk)
    path = f"/inquiries/{inquiry_id}"
    for below, body in (
        ("replies", {"kind": "answer", "text": "Noch etwas."}),
        ("close", {"reason": "spam"}),
        (f"replies/{reply['id']}/reclassify", {"kind": "none"}),
    ):
        problem(await desk.post(f"{path}/{below}", body), 409, "inquiry-removed")
    told = await desk.types()
    shown = await desk.detail(inquiry_id)
    await desk.hears(
        TodoReopened(
            todo_id=new_id(),
            inquiry_id=UUID(inquiry_id),
            conversation_id=UUID(shown["conversation_id"]),
            desk="inbound",
            reason="late",
            reopened_at=desk.clock.now(),
            reopened_by="Anna",
        )
    )
    assert await desk.types() == told
    assert (await desk.detail(inquiry_id))["state"] == "answered"


async def test_an_idempotency_key_is_forgotten_with_its_message(desk: Desk) -> None:
    body = {"channel": "web_form", "author": {"email": "e@example.org"}, "text": WORDS}
    placed = (await desk.post("/inquiries", body, idempotency="once")).json()
    close = {"reason": "no_answer_needed"}
    await desk.post(f"/inquiries/{placed['inquiry_id']}/close", close)
    desk.clock.advance(AGE + DAY)
    await removed(desk)
    again = await desk.post("/inquiries", body, idempotency="once")
    assert again.status_code == 201


@pytest.mark.parametrize("channel", ["email", "facebook"])
async def test_a_post_under_a_removed_message_answers_what_came_since(
    desk: Desk, channel: str
) -> None:
    """In flat threads every comment, and every answer of ours, hangs under the first post."""
    await answered(desk, channel, id="root", thread_id="t-1")
    desk.clock.advance(AGE + DAY)
    await removed(desk)
    below = {"thread_id": "t-1", "parent_id": "root"}
    (fresh,) = await desk.accepted(message(id="q-2", author="erika", **below), channel=channel)
    desk.clock.advance(timedelta(minutes=5))
    ours = message(id="p-2", author=OWN_ID, text="Die Antwort", **below)
    await desk.deliver(ours, channel=channel)
    assert (await desk.detail(fresh))["state"] == "answered"


async def test_nobody_waits_for_a_removed_parent(desk: Desk) -> None:
    await answered(desk, "email", id="root", thread_id="t-1")
    desk.clock.advance(AGE + DAY)
    await removed(desk)
    below = {"thread_id": ..., "parent_id": "root", "author": "erika"}
    for each in ("q-2", "q-3"):
        await desk.accepted(message(id=each, **below), channel="email")
    waits = await desk.service.database.read(lambda tx: tx.rows(select(awaited)))
    named = await desk.service.database.read(
        lambda tx: tx.rows(select(conversations).where(conversations.c.thread == "root"))
    )
    assert (waits, [each["guessed"] for each in named]) == ([], [False])


async def test_no_name_of_a_thread_keeps_another_from_being_removed(desk: Desk) -> None:
    inquiry_id = await answered(desk, "email", id="a", thread_id="t-1")
    conversation = (await desk.detail(inquiry_id))["conversation_id"]
    await answered(desk, "email", id="b", thread_id=f"removed:{conversation}")
    desk.clock.advance(AGE + DAY)
    assert await removed(desk) == Gone(2, 4, 1)


async def test_what_cannot_be_removed_keeps_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, second) = [await answered(desk, "email", id=each, thread_id=each) for each in "ab"]
    cursed = (await desk.detail(first))["conversation_id"]
    remove = retention.remove

    def failing(tx: Write, conversation_id: UUID, **when: Any) -> retention.Removed:
        if str(conversation_id) == cursed:
            raise LookupError("it cannot be removed")
        return remove(tx, conversation_id, **when)

    monkeypatch.setattr(retention, "remove", failing)
    desk.clock.advance(AGE + DAY)
    with capture_logs() as logs:
        assert (await removed(desk)).conversations == 1
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["retention.failed"]
    assert (await desk.detail(second))["removed_at"] is not None


async def test_people_go_also_when_the_desk_stopped_in_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await answered(desk, "email", id="q-1")
    desk.clock.advance(AGE + DAY)

    def away(_tx: Write) -> tuple[int, int]:
        raise DatabaseUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(retention, "forget_people", away)
        with pytest.raises(DatabaseUnavailableError):
            await removed(desk)
    assert NAME in await desk.service.database.read(_everything)
    assert await removed(desk) == Gone(0, 0, 1)
    assert NAME not in await desk.service.database.read(_everything)


async def test_a_person_who_wrote_in_anothers_conversation_stays(desk: Desk) -> None:
    old = message(id="b-1", thread_id="bobs", author={"id": "bob", "name": "Bob"})
    (inquiry_id,) = await desk.accepted(old, channel="email")
    reply = {"kind": "answer", "text": "Gern."}
    assert (await desk.post(f"/inquiries/{inquiry_id}/replies", reply)).status_code == 201
    desk.clock.advance(AGE + DAY)
    for number, who in enumerate(("al", "bob")):
        said = message(id=f"s-{number}", thread_id="shared", author={"id": who, "name": who})
        (shared,) = await desk.accepted(said, channel="email")
    assert await removed(desk) == Gone(1, 2, 0)
    again = message(id="b-2", thread_id="another", author={"id": "bob"})
    (fresh,) = await desk.accepted(again, channel="email")
    assert (await desk.detail(fresh))["contact"]["name"] == "bob"
    assert len((await desk.detail(shared))["messages"]) == 2


async def test_what_goes_in_several_transactions_is_counted_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for each in ("a", "b", "c"):
        await answered(desk, "email", id=each, thread_id=each)
    for number in range(4):
        await answered(desk, "email", id=f"q{number}", thread_id="long")
    desk.clock.advance(AGE + DAY)
    assert await removed(desk) == Gone(4, 14, 1)


@pytest.mark.parametrize("late", [False, True])
async def test_a_key_of_a_removed_message_gives_the_same_answer_twice(
    desk: Desk, *, late: bool
) -> None:
    """The key came with a repeat: after the removal, or before it and long after the message."""
    inquiry_id = await answered(desk, "email", id="q-1", thread_id="t-1")
    body = {"channel": "email", "external_id": "q-1", "text": WORDS, "author": {"id": "erika"}}
    if late:
        desk.clock.advance(AGE - DAY)
        assert (await desk.post("/inquiries", body, idempotency="k")).status_code == 200
        desk.clock.advance(2 * DAY)
    else:
        desk.clock.advance(AGE + DAY)
    await removed(desk)
    for _ in range(3):
        again = await desk.post("/inquiries", body, idempotency="k")
        assert (again.status_code, again.json()["inquiry_id"]) == (200, inquiry_id)


SOONER = {"netiquette": 10 * DAY, "spam": 5 * DAY}


async def removed_sooner(desk: Desk) -> int:
    now, gone = desk.clock.now(), Gone()
    sooner = {reason: now - age for reason, age in SOONER.items()}
    database = desk.service.database
    counted = await count_old(database, before=now - AGE, sooner=sooner)
    await remove_once(
        database, before=now - AGE, sooner=sooner, now=now, gone=gone, stop=asyncio.Event()
    )
    assert (gone.conversations, gone.messages) == (counted.conversations, counted.messages)
    return gone.conversations


async def dismissed(desk: Desk, reason: Any, name: str) -> str:
    (inquiry_id,) = await desk.accepted(message(text=WORDS, id=name), channel="facebook")
    found = await desk.detail(inquiry_id)
    fact = TodoDismissed(
        todo_id=new_id(),
        inquiry_id=UUID(inquiry_id),
        conversation_id=UUID(found["conversation_id"]),
        reason=reason,
        dismissed_at=desk.clock.now(),
        dismissed_by="Anna",
    )
    await desk.hears(fact)
    return inquiry_id


async def test_what_was_dismissed_as_netiquette_or_spam_goes_sooner(desk: Desk) -> None:
    rude = await dismissed(desk, "netiquette", "rude")
    spam = await dismissed(desk, "spam", "spam")
    await dismissed(desk, "no_answer_needed", "thanks")
    desk.clock.advance(6 * DAY)
    assert await removed_sooner(desk) == 1
    assert (await desk.detail(spam))["removed_at"] is not None
    assert (await desk.detail(rude))["removed_at"] is None
    desk.clock.advance(5 * DAY)
    assert await removed_sooner(desk) == 1
    assert (await desk.detail(rude))["removed_at"] is not None
    desk.clock.advance(AGE)
    assert await removed_sooner(desk) == 1


async def test_it_stays_while_it_is_open_again(desk: Desk) -> None:
    spam = UUID(await dismissed(desk, "spam", "spam"))
    desk.clock.advance(DAY)
    found = await desk.detail(str(spam))
    fact = TodoReopened(
        todo_id=new_id(),
        inquiry_id=spam,
        conversation_id=UUID(found["conversation_id"]),
        desk="review",
        reason="it is none",
        reopened_at=desk.clock.now(),
        reopened_by="Carla",
        time_left=True,
    )
    await desk.hears(fact)
    desk.clock.advance(40 * DAY)
    assert await removed_sooner(desk) == 0

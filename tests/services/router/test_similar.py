"""Answers that were given before are found from the first question like theirs, and leave the index
with what they stand on.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.router.todos.terms import hold_once
from services.router.todos.worker import remove_once
from shared.events.inquiries import (
    InquiryHeld,
    MessageEdited,
    MessageWithdrawn,
)
from shared.runtime.ids import new_id
from tests.services.router.desk import (
    TOLD_AT,
    Desk,
    Inquiry,
    everything_kept,
    record_of,
)
from tests.services.router.similar_desk import (
    ADVICE,
    DAY,
    FORGOTTEN,
    INVOICE,
    LIKE_IT,
    answered,
    indexed,
    rows,
    similar,
    withdrawal,
)


async def test_an_answer_is_found_from_a_question_like_its_own(desk: Desk) -> None:
    one, _ = await answered(desk)
    await answered(desk, INVOICE, "Unter »Meine Bestellungen«.")
    todo = await desk.new_todo(LIKE_IT)
    (found,) = await similar(desk, todo)
    assert found["inquiry_id"] == str(one.inquiry_id)
    assert found["conversation_id"] == str(one.conversation_id)
    assert (found["question"], found["answer"]) == (FORGOTTEN, ADVICE)
    assert (found["answered_by"], found["answered_at"]) == ("Carla", "2026-11-24T12:00:00Z")
    answered_todo = await desk.todo_of(one)
    assert (found["todo_id"], found["desk"]) == (answered_todo["id"], answered_todo["desk"])
    assert {"Passwort", "vergessen", "Zurücksetzen"} <= set(found["words"])
    assert 0.5 < found["similarity"] <= 1
    assert found["reused"] == 0


async def test_its_own_answer_is_not_shown(desk: Desk) -> None:
    one, _ = await answered(desk)
    assert await similar(desk, await desk.todo_of(one)) == []


async def test_what_is_not_alike_is_not_shown(desk: Desk) -> None:
    await answered(desk, f"{INVOICE} Das Passwort habe ich noch.")
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    (found,) = await similar(desk, todo, least=0)
    assert found["similarity"] < 0.2
    assert found["words"] == ["Passwort"]
    refused = await desk.request("GET", f"/todos/{todo['id']}/similar", params={"least": "nan"})
    assert refused.status_code == 422


async def test_the_subject_and_later_messages_are_compared(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    await desk.hears(
        one.received("Guten Tag", subject="Passwort vergessen"),
        one.added("Die Mail zum Zurücksetzen kommt nicht an.", at=one.at + timedelta(minutes=1)),
        one.answered(text=ADVICE),
    )
    (found,) = await similar(desk, await desk.new_todo(FORGOTTEN))
    assert found["question"].startswith("Passwort vergessen\nGuten Tag\nDie Mail")


async def test_an_answer_without_its_words_is_found_once_they_are_told(desk: Desk) -> None:
    """The facts of before had none; the backfill tells them again, under the same revision."""
    one = Inquiry(desk.clock.now())
    before = one.answered()
    await desk.hears(one.received(FORGOTTEN), before)
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    kept, told = await desk.todo_of(one), len(await desk.facts())
    await desk.hears(before.model_copy(update={"text": ADVICE}))
    (found,) = await similar(desk, todo)
    assert found["answer"] == ADVICE
    assert await desk.todo_of(one) == kept
    assert len(await desk.facts()) == told


async def test_an_answer_says_what_its_highest_revision_says(desk: Desk) -> None:
    _, answer = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)

    async def told(text: str, *, revision: int, minutes: int) -> None:
        fact = answer.model_copy(update={"revision": revision, "text": text})
        await desk.hears_batch([record_of(fact, told_at=TOLD_AT + timedelta(minutes=minutes))])

    await told("Neu.", revision=2, minutes=1)
    await told("Alt.", revision=1, minutes=3)
    assert (await similar(desk, todo))[0]["answer"] == "Neu."
    await told("Berichtigt.", revision=2, minutes=2)
    await told("Vorher.", revision=2, minutes=1)
    assert (await similar(desk, todo))[0]["answer"] == "Berichtigt."


async def test_the_earliest_answer_that_stands_is_shown(desk: Desk) -> None:
    one, first = await answered(desk)
    later = one.answered(text="Später.").model_copy(update={"answered_at": one.at + DAY})
    await desk.hears(later)
    todo = await desk.new_todo(LIKE_IT)
    assert (await similar(desk, todo))[0]["answer"] == ADVICE
    await desk.hears(withdrawal(one, first, revision=1))
    assert (await similar(desk, todo))[0]["answer"] == "Später."


async def test_an_answer_that_was_none_leaves_and_may_come_again(desk: Desk) -> None:
    one, answer = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    assert len(await similar(desk, todo)) == 1
    await desk.hears(withdrawal(one, answer, revision=1))
    assert await rows(desk) == (0, 0)
    assert await similar(desk, todo) == []
    await desk.hears(answer.model_copy(update={"revision": 2}))
    assert len(await similar(desk, todo)) == 1


async def test_an_answer_that_is_a_holding_reply_leaves(desk: Desk) -> None:
    one, answer = await answered(desk)
    await indexed(desk)
    await desk.hears(
        InquiryHeld(
            inquiry_id=one.inquiry_id,
            conversation_id=one.conversation_id,
            message_id=answer.message_id,
            held_at=one.at,
            held_by="Carla",
            revision=1,
        )
    )
    assert await rows(desk) == (0, 0)


@pytest.mark.parametrize("reason", ["netiquette", "spam", "no_answer_needed"])
async def test_what_was_dismissed_is_never_in_it(desk: Desk, reason: str) -> None:
    todo = await desk.new_todo(FORGOTTEN)
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": reason})
    one = Inquiry(desk.clock.now(), todo["inquiry_id"], todo["conversation_id"])
    one.at += DAY
    await desk.hears(one.answered(text=ADVICE))
    assert await rows(desk) == (0, 0)


async def test_a_dismissal_of_before_the_answer_takes_it_out(desk: Desk) -> None:
    one, _ = await answered(desk)
    assert (await rows(desk))[0] == 1
    one.at -= DAY
    await desk.hears(one.closed("spam"))
    assert await rows(desk) == (0, 0)


async def test_an_inquiry_that_became_part_of_another_leaves(desk: Desk) -> None:
    one, _ = await answered(desk)
    await desk.hears(one.closed("duplicate").model_copy(update={"merged_into": new_id()}))
    assert await rows(desk) == (0, 0)


async def test_an_edited_question_is_found_by_what_it_says_now(desk: Desk) -> None:
    one = Inquiry(desk.clock.now())
    received = one.received(INVOICE)
    await desk.hears(received, one.answered(text=ADVICE))
    todo = await desk.new_todo(LIKE_IT)
    assert await similar(desk, todo) == []
    message: dict[str, Any] = {
        "inquiry_id": one.inquiry_id,
        "conversation_id": one.conversation_id,
        "message_id": received.message_id,
    }
    await desk.hears(
        MessageEdited(**message, channel="web_form", edited_at=one.at + DAY, text=FORGOTTEN)
    )
    (found,) = await similar(desk, todo)
    assert found["question"] == FORGOTTEN
    await desk.hears(MessageWithdrawn(**message, withdrawn_at=one.at + DAY))
    assert await rows(desk) == (0, 0)


async def test_words_that_were_removed_leave_with_the_answer(desk: Desk) -> None:
    _, answer = await answered(desk)
    await indexed(desk)
    desk.clock.advance(31 * DAY)
    before = desk.clock.now() - 30 * DAY
    database = desk.service.database
    gone = await remove_once(database, before=before, now=desk.clock.now(), stop=asyncio.Event())
    assert gone == 1
    assert await rows(desk) == (0, 0)
    everything = await database.read(everything_kept)
    assert "Passwort" not in everything
    assert "unerwünscht" not in everything
    await desk.hears(answer)
    assert "unerwünscht" not in await database.read(everything_kept)


async def test_words_that_a_platform_lends_leave_in_time(desk: Desk) -> None:
    await answered(desk, channel="linkedin")
    await indexed(desk)
    desk.clock.advance(2 * DAY)
    database, lent = desk.service.database, {"linkedin": DAY}
    assert await hold_once(database, lent, now=desk.clock.now(), stop=asyncio.Event()) == 1
    assert await rows(desk) == (0, 0)
    assert "Passwort" not in await database.read(everything_kept)

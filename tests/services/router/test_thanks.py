"""Thanks after an answer: suggested, and dismissed by itself only where the policy says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.bus.port import Received
from shared.events.inquiries import MessageEdited
from shared.events.todos import TodoCreated, TodoDismissed, TodoFact
from shared.messaging.codec import to_envelope
from tests.services.router.desk import POLICY, Desk, Inquiry, history, opened, record_of
from tests.support.clock import ManualClock

MINUTE = timedelta(minutes=1)
THANKS = "Danke, hat geklappt!"
ROUTING = POLICY.routing.model_copy(update={"dismiss_thanks_above": 0.95})
DISMISSING = POLICY.model_copy(update={"routing": ROUTING})


@pytest.fixture
async def dismissing(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    async with opened(database_url, tmp_path, clock, policy=DISMISSING) as desk:
        yield desk


async def answered(desk: Desk) -> Inquiry:
    """An inquiry that was answered a minute after it came."""
    first = Inquiry(desk.clock.now())
    await desk.hears(first.received())
    first.at += MINUTE
    await desk.hears(first.answered())
    return first


def following(first: Inquiry, minutes: float) -> Inquiry:
    """The next inquiry of the conversation, so long after the answer."""
    at = first.at + minutes * MINUTE
    return Inquiry(at, conversation_id=first.conversation_id, contact_id=first.contact_id)


async def todo_after_answer(
    desk: Desk, text: str, *, minutes: float = 1, subject: str | None = None
) -> dict[str, Any]:
    then = following(await answered(desk), minutes)
    await desk.hears(then.received(text, subject))
    return await desk.todo_of(then)


async def test_thanks_after_an_answer_are_suggested_to_need_none(desk: Desk) -> None:
    todo = await todo_after_answer(desk, THANKS)
    assert (todo["kind"], todo["desk"], todo["state"]) == ("no_answer_needed", "review", "open")
    assert todo["decided_by"] == "no_answer_needed"
    assert {why["rule"] for why in todo["reasons"]} == {"thanks"}


async def test_thanks_before_the_answer_are_an_inquiry(desk: Desk) -> None:
    todo = await todo_after_answer(desk, THANKS, minutes=-0.5)
    assert todo["kind"] != "no_answer_needed"


async def test_thanks_to_nobody_are_an_inquiry(desk: Desk) -> None:
    assert (await desk.new_todo(THANKS))["kind"] != "no_answer_needed"


async def test_a_withdrawn_answer_was_none(desk: Desk) -> None:
    first = Inquiry(desk.clock.now())
    await desk.hears(first.received())
    todo = await desk.todo_of(first)
    await desk.post(f"/todos/{todo['id']}/complete")
    desk.clock.advance(MINUTE)
    await desk.post(f"/todos/{todo['id']}/reopen", {"reason": "nobody was answered"})
    then = following(first, 5)
    await desk.hears(then.received(THANKS))
    assert (await desk.todo_of(then))["kind"] != "no_answer_needed"


async def test_what_a_desk_completed_is_an_answer(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/complete")
    first = Inquiry(desk.clock.now())
    first.conversation_id = todo["conversation_id"]
    then = following(first, 5)
    await desk.hears(then.received(THANKS))
    assert (await desk.todo_of(then))["kind"] == "no_answer_needed"


async def test_thanks_that_are_edited_into_a_question_go_to_a_desk(desk: Desk) -> None:
    then = following(await answered(desk), 1)
    fact = then.received(THANKS)
    await desk.hears(fact)
    question = "Danke! Und wann kommt die Rechnung für die Bestellung?"
    await desk.hears(
        MessageEdited(
            inquiry_id=fact.inquiry_id,
            conversation_id=fact.conversation_id,
            message_id=fact.message_id,
            channel=fact.channel,
            edited_at=fact.received_at + MINUTE,
            text=question,
        )
    )
    assert (await desk.todo_of(then))["kind"] != "no_answer_needed"


async def test_the_policy_dismisses_what_it_says(dismissing: Desk) -> None:
    then = following(await answered(dismissing), 1)
    fact = then.received(THANKS)
    record = record_of(fact)
    await dismissing.hears_batch([record])
    await dismissing.hears_batch([record])
    todo = await dismissing.todo_of(then)
    assert (todo["state"], todo["dismiss_reason"]) == ("dismissed", "no_answer_needed")
    assert (todo["ended_by"], todo["ended_by_key_name"]) == ("policy", None)
    assert history(todo)[-1] == ("policy", "dismissed", "no_answer_needed")
    facts = [each for each in await dismissing.facts() if isinstance(each, TodoFact)]
    created, dismissed = [each for each in facts if each.inquiry_id == then.inquiry_id]
    assert isinstance(created, TodoCreated)
    assert isinstance(dismissed, TodoDismissed)
    assert (dismissed.reason, dismissed.dismissed_by) == ("no_answer_needed", "policy")
    assert (dismissed.covers_until, dismissed.edits_until) == (fact.message_id, fact.received_at)


async def test_the_policy_dismisses_nothing_of_before(dismissing: Desk) -> None:
    """As when a database was lost and intake's facts of a year come again: by the policy of then, a
    person may have decided otherwise.
    """
    then = following(await answered(dismissing), 1)
    received = record_of(then.received(THANKS))
    dismissing.clock.set(received_at(received) + timedelta(days=1, seconds=1))
    await dismissing.hears_batch([received])
    todo = await dismissing.todo_of(then)
    assert (todo["kind"], todo["desk"], todo["state"]) == ("no_answer_needed", "review", "open")


def received_at(record: Received) -> datetime:
    return to_envelope(record).time


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Danke! Und wann kommt die Rechnung?", None),
        ("Danke, aber es geht immer noch nicht", None),
        ("Danke, hat geklappt", "Wie lange noch?"),
        ("Danke im Voraus", None),
    ],
)
async def test_the_policy_never_dismisses_a_question(
    dismissing: Desk, text: str, subject: str | None
) -> None:
    todo = await todo_after_answer(dismissing, text, subject=subject)
    assert todo["state"] == "open"


async def test_below_the_threshold_a_person_decides(dismissing: Desk) -> None:
    todo = await todo_after_answer(dismissing, "Danke für die tolle Hilfe an Kollegin Mayerhofer")
    assert (todo["kind"], todo["state"]) == ("no_answer_needed", "open")


async def test_a_person_takes_the_dismissal_back(dismissing: Desk) -> None:
    todo = await todo_after_answer(dismissing, THANKS)
    await dismissing.post(f"/todos/{todo['id']}/reopen", {"reason": "it was a question after all"})
    assert (await dismissing.get(f"/todos/{todo['id']}"))["state"] == "open"

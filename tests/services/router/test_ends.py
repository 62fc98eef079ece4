"""How a ToDo ends: by when it happened, whatever is heard first; and how that is taken back."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from shared.events.inquiries import OwnPostSeen, ReplyWithdrawn
from shared.events.todos import TodoCompleted, TodoReopened
from shared.runtime.ids import new_id
from tests.services.router.desk import Desk, Inquiry, history, types

HOUR = timedelta(hours=1)


@pytest.fixture
def inquiry(desk: Desk) -> Inquiry:
    return Inquiry(desk.clock.now())


async def path_of(desk: Desk, inquiry: Inquiry) -> str:
    return f"/todos/{(await desk.todo_of(inquiry))['id']}"


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    assert found["type"] == f"urn:inbound-desk:problem:{code}"
    return found


async def test_an_answer_that_came_before_the_dismissal_is_the_end(
    desk: Desk, inquiry: Inquiry
) -> None:
    await desk.hears(inquiry.received())
    desk.clock.advance(2 * HOUR)
    await desk.post(f"{await path_of(desk, inquiry)}/dismiss", {"reason": "spam"})
    inquiry.at += HOUR
    answered = inquiry.answered("Carla")
    await desk.hears(answered)
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["dismiss_reason"], todo["ended_by"]) == ("done", None, "Carla")
    told = (await desk.facts())[-1]
    assert isinstance(told, TodoCompleted)
    assert told.answer_id == answered.message_id


async def test_any_order_of_answers_and_withdrawals_ends_the_same(desk: Desk) -> None:
    ends = []
    for order in permutations(range(4)):
        inquiry = Inquiry(desk.clock.now())
        await desk.hears(inquiry.received())
        answer = inquiry.answered("Carla")
        later = answer.model_copy(
            update={"message_id": new_id(), "answered_at": inquiry.at + HOUR, "answered_by": "Anna"}
        )
        withdrawn = ReplyWithdrawn(
            inquiry_id=inquiry.inquiry_id,
            conversation_id=inquiry.conversation_id,
            message_id=answer.message_id,
            revision=1,
            withdrawn_at=inquiry.at + 2 * HOUR,
            withdrawn_by="Bert",
        )
        told = [answer, later, withdrawn, answer]
        await desk.hears(*(told[number] for number in order))
        todo = await desk.todo_of(inquiry)
        ends.append((todo["state"], todo["ended_by"], todo["ended_at"]))
    assert set(ends) == {("done", "Anna", "2026-11-24T13:00:00Z")}


async def test_a_withdrawn_answer_gives_the_todo_back_to_whoever_had_it(
    desk: Desk, inquiry: Inquiry
) -> None:
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    await desk.post(f"{path}/claim", {"assignee": "Anna"})
    answer = inquiry.answered("Carla")
    gone = ReplyWithdrawn(
        inquiry_id=inquiry.inquiry_id,
        conversation_id=inquiry.conversation_id,
        message_id=answer.message_id,
        revision=1,
        withdrawn_at=inquiry.at,
        withdrawn_by="Bert",
    )
    await desk.hears(answer, gone)
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["assignee"], todo["ended_at"]) == ("claimed", "Anna", None)
    assert history(todo)[-1][:2] == ("Bert", "reply_withdrawn")


@pytest.mark.parametrize("how", ["complete", "dismiss", "closed"])
async def test_what_a_desk_or_a_person_decided_can_be_reopened(
    desk: Desk, inquiry: Inquiry, how: str
) -> None:
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    if how == "closed":
        await desk.hears(inquiry.closed("withdrawn"))
    else:
        await desk.post(f"{path}/{how}", {"reason": "spam"} if how == "dismiss" else None)
    answer = await desk.post(f"{path}/reopen", {"by": "Bert", "reason": "rief wieder an"})
    assert answer.status_code == 200, answer.text
    todo = answer.json()
    assert (todo["state"], todo["assignee"], todo["ended_at"]) == ("open", None, None)
    assert todo["dismiss_reason"] is None
    assert history(todo)[-1] == ("Bert", "reopened", "rief wieder an")
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoReopened)
    ended_at = desk.clock.now()
    assert fact.reopened_at > ended_at
    # Ended anew in the same moment it is over, though the clock stands still.
    assert (await desk.post(f"{path}/complete")).json()["state"] == "done"
    again = (await desk.facts())[-1]
    assert isinstance(again, TodoCompleted)
    assert again.completed_at > fact.reopened_at


async def test_while_an_answer_stands_the_reopened_todo_stays_done(
    desk: Desk, inquiry: Inquiry
) -> None:
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    await desk.post(f"{path}/complete")
    inquiry.at += HOUR
    await desk.hears(inquiry.answered("Carla"))
    todo = (await desk.post(f"{path}/reopen", {"reason": "zu früh"})).json()
    assert (todo["state"], todo["ended_by"]) == ("done", "Carla")
    assert types(await desk.facts())[-1] == "todo.reopened"


async def test_what_cannot_be_reopened(desk: Desk, inquiry: Inquiry) -> None:
    await desk.hears(inquiry.received())
    path, body = await path_of(desk, inquiry), {"reason": "x"}
    problem(await desk.post(f"{path}/reopen", body), 409, "todo-not-ended")
    await desk.hears(inquiry.answered())
    problem(await desk.post(f"{path}/reopen", body), 409, "todo-answered")
    problem(await desk.post(f"{path}/reopen", {}), 422, "invalid-request")
    merged = Inquiry(desk.clock.now())
    closed = merged.closed("duplicate").model_copy(update={"merged_into": inquiry.inquiry_id})
    await desk.hears(merged.received(), closed)
    problem(await desk.post(f"{await path_of(desk, merged)}/reopen", body), 409, "todo-merged")


@pytest.mark.parametrize("move", ["complete", "dismiss", "reroute"])
async def test_what_was_not_read_is_not_ended(desk: Desk, inquiry: Inquiry, move: str) -> None:
    received = inquiry.received()
    later = inquiry.added("Noch etwas", at=inquiry.at + HOUR)
    await desk.hears(received, later)
    path = await path_of(desk, inquiry)
    body = {
        "complete": {},
        "dismiss": {"reason": "spam"},
        "reroute": {"desk": "inbound", "reason": "x"},
    }[move]
    first = {**body, "read_until": str(received.message_id)}
    found = problem(await desk.post(f"{path}/{move}", first), 409, "newer-message")
    assert found["messages"] == [str(later.message_id)]
    strange = {**body, "read_until": str(new_id())}
    problem(await desk.post(f"{path}/{move}", strange), 422, "invalid-request")
    assert (await desk.get(path))["state"] == "open"
    whole = {**body, "read_until": str(later.message_id)}
    assert (await desk.post(f"{path}/{move}", whole)).status_code == 200


async def test_an_end_says_which_message_was_the_last(desk: Desk, inquiry: Inquiry) -> None:
    late = inquiry.added("eher", at=inquiry.at - HOUR)
    received = inquiry.received()
    await desk.hears(received, late)
    todo = await desk.todo_of(inquiry)
    assert (todo["message_count"], todo["excerpt"]) == (2, received.text)
    await desk.post(f"{await path_of(desk, inquiry)}/complete")
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoCompleted)
    assert fact.covers_until == received.message_id


async def test_a_message_that_an_end_did_not_cover_has_a_todo_of_its_own(
    desk: Desk, inquiry: Inquiry
) -> None:
    received = inquiry.received()
    second = inquiry.added("Und noch eine Frage")
    await desk.hears(received)
    path = await path_of(desk, inquiry)
    await desk.post(f"{path}/complete")
    await desk.hears(second)
    assert len((await desk.get(path))["messages"]) == 2
    own = Inquiry(desk.clock.now(), conversation_id=inquiry.conversation_id)
    moved = own.received(second.text).model_copy(
        update={"message_id": second.message_id, "moved_from": inquiry.inquiry_id}
    )
    await desk.hears(moved, moved)
    old = await desk.get(path)
    assert [each["message_id"] for each in old["messages"]] == [str(received.message_id)]
    assert (old["message_count"], old["excerpt"]) == (1, received.text)
    assert history(old)[-1] == ("router", "message_moved", str(second.message_id))
    new = await desk.todo_of(own)
    assert new["state"] == "open"
    assert [each["message_id"] for each in new["messages"]] == [str(second.message_id)]


async def test_messages_of_a_merged_inquiry_are_with_the_older(desk: Desk) -> None:
    older, younger = Inquiry(desk.clock.now()), Inquiry(desk.clock.now() + HOUR)
    first, second = older.received("Erste"), younger.received("Zweite")
    joined = older.added("Zweite").model_copy(
        update={"message_id": second.message_id, "moved_from": younger.inquiry_id}
    )
    closed = younger.closed("duplicate").model_copy(update={"merged_into": older.inquiry_id})
    await desk.hears(first, second, joined, closed)
    mine = await desk.todo_of(older)
    assert [each["text"] for each in mine["messages"]] == ["Erste", "Zweite"]
    empty = await desk.todo_of(younger)
    assert (empty["state"], empty["messages"], empty["excerpt"]) == ("dismissed", [], None)
    assert empty["merged_into"] == str(older.inquiry_id)


async def test_a_moved_message_whose_old_todo_is_not_here(desk: Desk, inquiry: Inquiry) -> None:
    moved = inquiry.received().model_copy(update={"moved_from": UUID(int=7)})
    await desk.hears(moved)
    assert (await desk.todo_of(inquiry))["message_count"] == 1


async def test_somebody_wrote_on_the_platform(desk: Desk, inquiry: Inquiry) -> None:
    seen = OwnPostSeen(
        inquiry_id=inquiry.inquiry_id,
        conversation_id=inquiry.conversation_id,
        message_id=new_id(),
        posted_at=inquiry.at,
        posted_by="Infopark",
    )
    await desk.hears(inquiry.received(), seen)
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["own_post_at"]) == ("open", "2026-11-24T12:00:00Z")
    assert history(todo)[-1] == ("Infopark", "own_post_seen", None)

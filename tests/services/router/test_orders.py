"""What is heard late, again or in another order ends the same: nothing goes by the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest

from shared.events.inquiries import (
    InquiryAnswered,
    InquiryClosed,
    InquiryFact,
    InquiryHeld,
    OwnPostSeen,
    ReplyWithdrawn,
)
from shared.events.todos import TodoDismissed, TodoReopened
from shared.runtime.ids import new_id
from tests.services.router.desk import ANNA, BERT, Desk, Inquiry, types

HOUR = timedelta(hours=1)
SHOWN = (
    "state",
    "assignee",
    "ended_at",
    "ended_by",
    "dismiss_reason",
    "follow_up_at",
    "own_post_at",
    "merged_into",
    "message_count",
    "latest_message_at",
    "excerpt",
)


def at(inquiry: Inquiry, hours: float) -> datetime:
    return inquiry.at + hours * HOUR


def answered(inquiry: Inquiry, hours: float, **more: Any) -> InquiryAnswered:
    return inquiry.answered().model_copy(update={"answered_at": at(inquiry, hours), **more})


def closed(inquiry: Inquiry, hours: float, **more: Any) -> InquiryClosed:
    return inquiry.closed("spam").model_copy(update={"closed_at": at(inquiry, hours), **more})


def held(inquiry: Inquiry, hours: float, **more: Any) -> InquiryHeld:
    until = at(inquiry, hours + 24)
    return inquiry.held(until).model_copy(update={"held_at": at(inquiry, hours), **more})


def withdrawn(reply: Any, revision: int, by: str = "Bert") -> ReplyWithdrawn:
    return ReplyWithdrawn(
        inquiry_id=reply.inquiry_id,
        conversation_id=reply.conversation_id,
        message_id=reply.message_id,
        revision=revision,
        withdrawn_at=reply.model_dump().get("answered_at") or reply.model_dump()["held_at"],
        withdrawn_by=by,
    )


def seen(inquiry: Inquiry, hours: float, **more: Any) -> OwnPostSeen:
    return OwnPostSeen(
        inquiry_id=inquiry.inquiry_id,
        conversation_id=inquiry.conversation_id,
        message_id=more.get("message_id", new_id()),
        posted_at=at(inquiry, hours),
        posted_by="Infopark",
    )


async def shown(desk: Desk, inquiry: Inquiry) -> dict[str, Any]:
    todo = await desk.todo_of(inquiry)
    return {name: todo[name] for name in SHOWN}


async def path_of(desk: Desk, inquiry: Inquiry) -> str:
    return f"/todos/{(await desk.todo_of(inquiry))['id']}"


def story(inquiry: Inquiry, name: str) -> Sequence[InquiryFact]:
    answer, hold, post = answered(inquiry, 2), held(inquiry, 1), seen(inquiry, 3)
    return {
        "a close and an earlier answer": [closed(inquiry, 3), answered(inquiry, 1)],
        "a close and a later answer": [closed(inquiry, 1), answered(inquiry, 3)],
        "at one moment": [closed(inquiry, 2), answered(inquiry, 2)],
        "an answer withdrawn, a close": [answer, withdrawn(answer, 1), closed(inquiry, 3)],
        "an answer that becomes a hold": [
            answer,
            withdrawn(answer, 1),
            held(inquiry, 2, message_id=answer.message_id, revision=2),
        ],
        "a hold that becomes an answer": [
            hold,
            withdrawn(hold, 1),
            answered(inquiry, 1, message_id=hold.message_id, revision=2),
            held(inquiry, 0.5),
        ],
        "a post that becomes an answer": [
            post,
            answered(inquiry, 3, message_id=post.message_id, revision=1),
        ],
        "a post that becomes a hold": [
            post,
            held(inquiry, 3, message_id=post.message_id, revision=1),
            seen(inquiry, 2),
        ],
        "part of another, and closed before": [
            closed(inquiry, 4, reason="duplicate", merged_into=new_id()),
            answered(inquiry, 2),
            closed(inquiry, 3),
        ],
    }[name]


STORIES = [
    "a close and an earlier answer",
    "a close and a later answer",
    "at one moment",
    "an answer withdrawn, a close",
    "an answer that becomes a hold",
    "a hold that becomes an answer",
    "a post that becomes an answer",
    "a post that becomes a hold",
    "part of another, and closed before",
]


@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.parametrize("name", STORIES)
async def test_a_todo_stands_the_same_in_whatever_order_it_is_told(
    desk: Desk, name: str, *, claimed: bool
) -> None:
    found = []
    for order in permutations(range(len(story(Inquiry(desk.clock.now()), name)))):
        inquiry = Inquiry(desk.clock.now())
        told = story(inquiry, name)
        if merged := [each for each in told if getattr(each, "merged_into", None)]:
            told = [
                each.model_copy(update={"merged_into": inquiry.contact_id})
                if each in merged
                else each
                for each in told
            ]
        await desk.hears(inquiry.received())
        if claimed:
            await desk.post(f"{await path_of(desk, inquiry)}/claim")
        await desk.hears(*(told[number] for number in order))
        await desk.hears(*(told[number] for number in order))
        end = await shown(desk, inquiry)
        end["merged_into"] = end["merged_into"] is not None
        found.append(tuple(end.items()))
    assert len(set(found)) == 1


@pytest.mark.parametrize("name", STORIES)
async def test_what_is_told_again_under_another_id_adds_nothing(desk: Desk, name: str) -> None:
    inquiry = Inquiry(desk.clock.now())
    told = story(inquiry, name)
    await desk.hears(inquiry.received(), *told)
    before, recorded = await desk.todo_of(inquiry), await desk.facts()
    await desk.hears(*told)
    assert await desk.todo_of(inquiry) == before
    assert await desk.facts() == recorded


async def test_who_answered_late_does_not_inherit_the_closer_as_assignee(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), closed(inquiry, 3), answered(inquiry, 1))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["assignee"], todo["ended_by"]) == ("done", None, "Carla")


async def test_what_became_part_of_another_is_a_duplicate_however_it_ended(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    await desk.post(f"{await path_of(desk, inquiry)}/complete")
    await desk.hears(closed(inquiry, 4, reason="duplicate", merged_into=new_id()))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["dismiss_reason"]) == ("dismissed", "duplicate")


async def test_a_post_is_shown_until_somebody_says_what_it_was(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    first, second = seen(inquiry, 1), seen(inquiry, 2)
    await desk.hears(inquiry.received(), first, second)
    assert (await desk.todo_of(inquiry))["own_post_at"] == "2026-11-24T14:00:00Z"
    await desk.hears(held(inquiry, 2, message_id=second.message_id, revision=1))
    assert (await desk.todo_of(inquiry))["own_post_at"] == "2026-11-24T13:00:00Z"
    await desk.hears(answered(inquiry, 1, message_id=first.message_id, revision=1))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["own_post_at"]) == ("done", None)


# Taking back


async def test_the_sentence_says_why_it_cannot_be_reopened(desk: Desk) -> None:
    inquiry, body = Inquiry(desk.clock.now()), {"reason": "x"}
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    open_ = (await desk.post(f"{path}/reopen", body)).json()
    assert "no end to take back" in open_["detail"]
    await desk.hears(answered(inquiry, 1))
    done = (await desk.post(f"{path}/reopen", body)).json()
    assert "reclassify" in done["detail"]
    assert "reopen" not in done["errors"][0]["expected"]
    await desk.hears(closed(inquiry, 4, reason="duplicate", merged_into=new_id()))
    part = (await desk.post(f"{path}/reopen", body)).json()
    assert part["type"].endswith(":todo-merged")
    assert "part of" in part["detail"]
    assert "reopen" not in part["errors"][0]["expected"]


async def test_a_close_heard_after_the_reopening_that_took_it_back(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    desk.clock.advance(2 * HOUR)
    await desk.post(f"{path}/complete")
    await desk.post(f"{path}/reopen", {"reason": "zu früh"})
    await desk.hears(closed(inquiry, 1))
    assert (await desk.todo_of(inquiry))["state"] == "open"
    await desk.hears(closed(inquiry, 3))
    assert (await desk.todo_of(inquiry))["state"] == "dismissed"


async def test_a_reopening_is_later_than_a_close_from_a_host_whose_clock_is_ahead(
    desk: Desk,
) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), closed(inquiry, 5))
    path = await path_of(desk, inquiry)
    assert (await desk.post(f"{path}/reopen", {"reason": "x"})).json()["state"] == "open"
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoReopened)
    assert fact.reopened_at == at(inquiry, 5) + timedelta(microseconds=1)
    await desk.post(f"{path}/dismiss", {"reason": "spam"})
    later = (await desk.facts())[-1]
    assert isinstance(later, TodoDismissed)
    assert later.dismissed_at > fact.reopened_at


async def test_what_was_claimed_is_the_desks_again_after_reopening(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    await desk.post(f"{path}/claim")
    await desk.post(f"{path}/complete")
    todo = (await desk.post(f"{path}/reopen", {"reason": "x"}, key=BERT)).json()
    assert (todo["state"], todo["assignee"]) == ("open", None)
    assert (await desk.post(f"{path}/claim", key=BERT)).status_code == 200


async def test_what_stays_done_by_an_answer_stays_whose_it_was(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    path = await path_of(desk, inquiry)
    await desk.post(f"{path}/claim", key=ANNA)
    await desk.post(f"{path}/complete", key=ANNA)
    answer = answered(inquiry, 1)
    await desk.hears(answer)
    todo = (await desk.post(f"{path}/reopen", {"reason": "x"}, key=BERT)).json()
    assert (todo["state"], todo["assignee"], todo["ended_by"]) == ("done", "Anna", "Carla")
    await desk.hears(withdrawn(answer, 1))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["assignee"]) == ("claimed", "Anna")


async def test_a_refused_reroute_says_that_it_is_closed_first(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    first = inquiry.received()
    await desk.hears(first, inquiry.added("Zweite", at=at(inquiry, 1)), answered(inquiry, 2))
    path = await path_of(desk, inquiry)
    for move, body in (
        ("complete", {}),
        ("dismiss", {"reason": "spam"}),
        ("reroute", {"desk": "inbound", "reason": "x"}),
    ):
        answer = await desk.post(f"{path}/{move}", {**body, "read_until": str(first.message_id)})
        assert answer.json()["type"].endswith(":todo-closed"), move


async def test_at_most_fifty_later_messages_are_named(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    first = inquiry.received()
    later = [inquiry.added(f"{n}", at=at(inquiry, n)) for n in range(1, 61)]
    heard = list(later)
    Random(9).shuffle(heard)
    await desk.hears(first, *heard)
    path = await path_of(desk, inquiry)
    answer = await desk.post(f"{path}/complete", {"read_until": str(first.message_id)})
    assert answer.json()["messages"] == [str(each.message_id) for each in later[:50]]
    assert types(await desk.facts()) == ["todo.created"]

"""Random lives of a ToDo: what the service shows is what the pure state machine says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.router.domain import todo as moves
from services.router.domain.todo import Actor, DismissReason, IllegalTransition, TodoStatus
from tests.services.router.desk import Desk, Inquiry, record_of

DESKS = ("technical", "inbound", "review")
PEOPLE = ("Anna", "Bert", "Carla")
STEPS = 25


@pytest.mark.parametrize("seed", range(8))
async def test_a_random_life_follows_the_state_machine(desk: Desk, seed: int) -> None:
    chance = Random(seed)
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    todo = await desk.todo_of(inquiry)
    path = f"/todos/{todo['id']}"
    expected = TodoStatus(todo["desk"])
    told = 1
    for _ in range(STEPS):
        desk.clock.advance(timedelta(minutes=1))
        move, body, after = _move(chance, expected)
        answer = await desk.post(f"{path}/{move}", body)
        assert answer.status_code == (409 if after is None else 200), (move, body, expected)
        if after is not None:
            told += after != expected
            expected = after
        shown = await desk.get(path)
        assert _status(shown) == expected
        assert len(await desk.facts()) == told == len(shown["history"])
    if expected.state in ("open", "claimed"):
        await desk.hears(inquiry.answered())
        assert _status(await desk.get(path)) == moves.complete_by_answer(expected)


def _move(chance: Random, now: TodoStatus) -> tuple[str, dict[str, Any], TodoStatus | None]:
    """A move, its body, and what the domain makes of it; None when it must be refused."""
    person = chance.choice(PEOPLE)
    actor = Actor(person)
    body: dict[str, Any] = {"by": person}
    # Endings are rarer, so that a life is long enough to be interesting.
    move = chance.choices(
        ["claim", "release", "reroute", "complete", "dismiss"], [6, 4, 4, 0.7, 0.7]
    )[0]
    try:
        match move:
            case "claim":
                return move, {"assignee": person}, moves.claim(now, actor)
            case "release":
                return move, body, moves.release(now, actor)
            case "reroute":
                body |= {"desk": chance.choice(DESKS), "reason": "because"}
                return move, body, moves.reroute(now, actor, desk=body["desk"])
            case "complete":
                return move, body, moves.complete(now, actor)
            case _:
                body["reason"] = chance.choice(list(DismissReason)).value
                why = DismissReason(body["reason"])
                return move, body, moves.dismiss(now, actor, reason=why)
    except IllegalTransition:
        return move, {"assignee": person} if move == "claim" else body, None


def _status(shown: dict[str, Any]) -> TodoStatus:
    why = shown["dismiss_reason"] and DismissReason(shown["dismiss_reason"])
    state = moves.TodoState(shown["state"])
    return TodoStatus(shown["desk"], state, shown["assignee"], why)


async def test_an_inquiry_and_its_deadline_at_the_same_moment_find_each_other(desk: Desk) -> None:
    """Two instances, each with one of the two topics, in transactions that overlap."""
    due = desk.clock.now() + timedelta(hours=24)
    for _ in range(15):
        batch = [Inquiry(desk.clock.now()) for _ in range(10)]
        received = [record_of(each.received()) for each in batch]
        started = [record_of(each.started(due)) for each in reversed(batch)]
        await asyncio.gather(desk.hears_batch(received), desk.hears_batch(started))
    found = (await desk.get("/todos", sort="age", limit=200))["items"]
    assert len(found) == 150
    assert {each["due_at"] for each in found} == {"2026-11-25T12:00:00Z"}
    listed = (await desk.get("/todos", sort="due", limit=200))["items"]
    assert len(listed) == 150


async def test_the_same_inquiry_on_two_instances_is_one_todo(desk: Desk) -> None:
    for _ in range(10):
        batch = [Inquiry(desk.clock.now()) for _ in range(10)]
        told = [each.received() for each in batch]
        once = [record_of(fact) for fact in told]
        again = [record_of(fact) for fact in reversed(told)]
        await asyncio.gather(desk.hears_batch(once), desk.hears_batch(again))
    assert len(await desk.facts()) == 100
    assert len((await desk.get("/todos", limit=200))["items"]) == 100

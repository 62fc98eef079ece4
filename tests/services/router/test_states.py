"""Random lives of a ToDo: what the service shows is what the pure state machine says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import select, text

from services.router.deciding.decide import Decider
from services.router.tables import todos
from services.router.todos.domain import todo as moves
from services.router.todos.domain.todo import Actor, DismissReason, IllegalTransition, TodoStatus
from services.router.todos.handlers import EventHandlers
from shared.db import Write
from shared.messaging.codec import to_envelope
from shared.messaging.envelope import Envelope, Fact
from tests.services.router.desk import POLICY, Desk, Inquiry, record_of

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
        assert _status(await desk.get(path)) == moves.complete(expected, moves.SYSTEM)


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


@pytest.mark.parametrize("first", ["inquiry", "deadline"])
async def test_an_inquiry_and_its_deadline_in_overlapping_transactions_find_each_other(
    desk: Desk, first: str
) -> None:
    """Two instances, each with one of the two topics; the first is slow to commit."""
    inquiry = Inquiry(desk.clock.now())
    told = [inquiry.received(), inquiry.started(desk.clock.now() + timedelta(hours=24))]
    slow, quick = told if first == "inquiry" else told[::-1]
    await _overlapping(desk, slow, quick)
    sorted_by = await desk.service.database.read(
        lambda tx: tx.execute(select(todos.c.due_at)).scalars().all()
    )
    assert sorted_by == [desk.clock.now() + timedelta(hours=24)]
    assert (await desk.todo_of(inquiry))["due_at"] == "2026-11-25T12:00:00Z"


@pytest.mark.parametrize("first", ["original", "move"])
async def test_a_message_and_its_move_in_overlapping_transactions_find_each_other(
    desk: Desk, first: str
) -> None:
    """Of two conversations that became one the facts have two keys, so perhaps two instances."""
    older, younger = Inquiry(desk.clock.now()), Inquiry(desk.clock.now())
    original = younger.received("Zweite")
    move = older.added("Zweite").model_copy(
        update={"message_id": original.message_id, "moved_from": younger.inquiry_id}
    )
    await desk.hears(older.received("Erste"))
    slow, quick = (original, move) if first == "original" else (move, original)
    await _overlapping(desk, slow, quick)
    texts = [each["text"] for each in (await desk.todo_of(older))["messages"]]
    assert sorted(texts) == ["Erste", "Zweite"]
    assert (await desk.todo_of(younger))["messages"] == []


async def _overlapping(desk: Desk, slow: Fact, quick: Fact) -> None:
    """Two transactions of two instances; the first is slow to commit."""
    decisions = Counter("decisions", "By kind.", ["kind"], registry=CollectorRegistry())
    handlers = EventHandlers(Decider.of(POLICY), desk.clock, decisions).listener().handlers
    worked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(tx: Write) -> None:
        handlers[slow.TYPE](tx, [_envelope(slow)])
        loop.call_soon_threadsafe(worked.set)
        if tx.dialect == "postgresql":
            tx.execute(text("SELECT pg_sleep(0.5)"))

    def quickly(tx: Write) -> None:
        handlers[quick.TYPE](tx, [_envelope(quick)])

    holding = asyncio.create_task(desk.service.database.write(slowly))
    await worked.wait()
    await desk.service.database.write(quickly)
    await holding


def _envelope(fact: Fact) -> Envelope:
    return to_envelope(record_of(fact))


async def test_the_same_inquiry_on_two_instances_is_one_todo(desk: Desk) -> None:
    for _ in range(10):
        batch = [Inquiry(desk.clock.now()) for _ in range(10)]
        told = [each.received() for each in batch]
        once = [record_of(fact) for fact in told]
        again = [record_of(fact) for fact in reversed(told)]
        await asyncio.gather(desk.hears_batch(once), desk.hears_batch(again))
    assert len(await desk.facts()) == 100
    assert len((await desk.get("/todos", limit=200))["items"]) == 100

"""Two instances take in one public thread at once: messages, posts, replies and ends of ToDos."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import make_url, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.worker import bring_together
from services.intake.tables import conversations, inquiries, messages
from shared.events.inquiries import InquiryReceived, MessageAdded
from shared.events.todos import TodoClaimed, TodoCompleted, TodoReopened
from shared.messaging.envelope import Fact
from shared.policy import known_hashtags
from shared.runtime.ids import new_id
from tests.services.intake.desk import OWN_ID, Desk, message, opened, policy, record_of
from tests.support.clock import ManualClock

OURS = {"id": OWN_ID, "name": "Support"}
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
PEOPLE = [f"person-{number}" for number in range(6)]


async def test_one_thread_at_two_instances(
    postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    chance = random.Random(5)
    async with (
        opened(postgres_copy, tmp_path, clock) as one,
        opened(postgres_copy, tmp_path, clock) as other,
    ):
        desks = (one, other)
        for turn in range(6):
            acts = [_deliver(chance.choice(desks), chance, turn) for _ in range(12)]
            acts += [_end_one(chance.choice(desks), chance) for _ in range(3)]
            chance.shuffle(acts)
            await asyncio.gather(*acts)
        await bring_together(one.service.database, _context(clock))
        await _check(one)


async def _deliver(desk: Desk, chance: random.Random, turn: int) -> None:
    parent = f"c-{chance.randrange(20)}" if chance.random() < 0.3 else ...
    # Two of twelve come twice, perhaps through both instances.
    name = f"c-{turn}-{chance.randrange(10)}"
    item = message(
        id=name,
        thread_id=chance.choice(["t", "t", ...]) if parent is not ... else "t",
        parent_id=parent,
        author=OURS if chance.random() < 0.25 else chance.choice(PEOPLE),
        text=name,
    )
    answer = await desk.deliver(item)
    assert answer.status_code in (200, 202), answer.text
    assert answer.json()["broken"] == 0


async def _end_one(desk: Desk, chance: random.Random) -> None:
    listed = (await desk.get("/inquiries", limit=200))["items"]
    if not listed:
        return
    one = chance.choice(listed)
    ids: dict[str, Any] = {
        "todo_id": new_id(),
        "inquiry_id": UUID(one["id"]),
        "conversation_id": UUID(one["conversation_id"]),
    }
    match chance.randrange(3):
        case 0:
            body = {"kind": "answer", "text": f"Antwort {chance.random()}"}
            answer = await desk.post(f"/inquiries/{one['id']}/replies", body)
            assert answer.status_code in (201, 409), answer.text
        case 1:
            now = desk.clock.now()
            await desk.hears(TodoCompleted(**ids, completed_at=now, completed_by="Anna"))
        case _:
            await desk.hears(
                TodoReopened(
                    **ids,
                    desk="inbound",
                    reason="x",
                    reopened_at=desk.clock.now(),
                    reopened_by="Anna",
                )
            )


async def _check(desk: Desk) -> None:
    """Each message is told once as it is now, and belongs to an inquiry that is there."""
    rows = await desk.service.database.read(
        lambda tx: (
            tx.rows(select(messages).where(messages.c.kind == "inbound")),
            tx.rows(select(inquiries)),
        )
    )
    stored, there = rows[0], {row["id"]: row for row in rows[1]}
    told: dict[UUID, UUID] = {}
    for envelope in await desk.told():
        fact = envelope.data
        if isinstance(fact, InquiryReceived | MessageAdded):
            assert told.get(fact.message_id) == fact.moved_from
            told[fact.message_id] = fact.inquiry_id
    assert told == {row["id"]: row["inquiry_id"] for row in stored}
    for row in stored:
        assert there[row["inquiry_id"]]["contact_id"] is not None
    begun = {row["id"]: row["received_at"] for row in rows[1]}
    for row in stored:
        assert begun[row["inquiry_id"]] <= row["received_at"]


def _context(clock: ManualClock) -> WriteContext:
    return WriteContext(known_hashtags(policy().hashtags), clock.now())


@pytest.mark.parametrize("decides", [True, False])
async def test_a_batch_locks_conversations_in_the_order_of_all_others(
    postgres_copy: str, tmp_path: Path, clock: ManualClock, *, decides: bool
) -> None:
    async with opened(postgres_copy, tmp_path, clock) as desk:
        first = await desk.new_inquiry(thread_id="a", author={"id": "a"}, text="eins")
        second = await desk.new_inquiry(thread_id="b", author={"id": "b"}, text="zwei")
        told: list[Fact] = [_claimed(second, clock), _claimed(first, clock)]
        if decides:
            told += [_completed(second, clock), _completed(first, clock)]
        async with _held(postgres_copy, "a", free=(1, 2)):
            batch = asyncio.create_task(desk.hears_batch([record_of(fact) for fact in told]))
        await batch
        shown = await desk.detail(second["inquiry_id"])
        assert shown["state"] == ("answered" if decides else "open")


async def test_two_conversations_that_become_one_are_locked_in_that_order(
    postgres_copy: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(postgres_copy, tmp_path, clock) as desk:
        await desk.accepted(message(id="m", thread_id="t", author="u"), channel="email")
        early = message(id="c", thread_id=..., parent_id="b", author="u")
        await desk.accepted(early, channel="email")
        async with _held(postgres_copy, "b", free=(1, 2)):
            parent = message(id="b", thread_id="t", author="u")
            coming = asyncio.create_task(desk.accepted(parent, channel="email"))
        await coming
        states = {each["merged_into"] is None for each in (await desk.get("/inquiries"))["items"]}
        assert states == {True, False}


@asynccontextmanager
async def _held(url: str, thread: str, *, free: tuple[int, int]) -> AsyncIterator[None]:
    """Hold that conversation until what is begun meanwhile waits for it.

    So many conversations and inquiries are free then: who waits for this one has no later one.
    """
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    c = conversations.c
    async with engine.begin() as holding, engine.connect() as looking:
        await holding.execute(select(c.id).where(c.thread == thread).with_for_update())
        yield
        async with asyncio.timeout(9):
            while not (await looking.execute(text(WAITING))).scalar():
                await looking.rollback()
                await asyncio.sleep(0.02)
        for table, count in zip((conversations, inquiries), free, strict=True):
            unlocked = select(table.c.id).with_for_update(skip_locked=True)
            assert len((await looking.execute(unlocked)).all()) == count
        await looking.rollback()
    await engine.dispose()


def _claimed(placed: dict[str, Any], clock: ManualClock) -> TodoClaimed:
    return TodoClaimed(
        todo_id=new_id(),
        inquiry_id=UUID(placed["inquiry_id"]),
        conversation_id=UUID(placed["conversation_id"]),
        assignee="Carla",
        claimed_at=clock.now(),
    )


def _completed(placed: dict[str, Any], clock: ManualClock) -> TodoCompleted:
    return TodoCompleted(
        todo_id=new_id(),
        inquiry_id=UUID(placed["inquiry_id"]),
        conversation_id=UUID(placed["conversation_id"]),
        completed_at=clock.now(),
        completed_by="Carla",
    )

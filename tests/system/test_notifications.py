"""Notifications of ToDos by a desk that is killed while it takes in inquiries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from shared.db import Read
from shared.events.todos import TodoCreated
from shared.messaging.outbox import OUTBOX
from shared.notifications.table import NOTIFICATION_DELIVERIES
from tests.support.deliveries import SECRET
from tests.support.receiver import Receiver, receiver
from tests.system.desk import Caller, Desk, delivered, desk_of

KILLS = 2
BURST = 24
TARGET = """
[[notifications]]
name = "ops"
via = "webhook"
url = "{url}"
kinds = ["todo.created", "todo.completed"]
"""


def a_desk(
    mode: str, folder: Path, hook: Receiver, request: pytest.FixtureRequest
) -> AbstractAsyncContextManager[Desk]:
    policy = folder / "desk.toml"
    policy.write_text((files("services") / "desk.toml").read_text() + TARGET.format(url=hook.url))
    return desk_of(mode, folder, request, DESK_POLICY=str(policy), DESK_NOTIFY_OPS_SECRET=SECRET)


@pytest.mark.parametrize("mode", ["embedded", "distributed"])
async def test_every_fact_has_its_notification_whoever_dies(
    mode: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with (
        receiver() as hook,
        a_desk(mode, tmp_path, hook, request) as desk,
        Caller(desk) as caller,
    ):
        await asyncio.to_thread(desk.start)
        for number in range(KILLS):
            letters = [f"ext-{number}-{place}" for place in range(BURST)]
            async with asyncio.TaskGroup() as together:
                together.create_task(_send(caller, letters))
                together.create_task(_die(desk, hook, after=BURST // 2))
        await desk.quiet(lambda: desk.read("router", _created))
        created = await desk.read("router", _created)
        assert len(created) == KILLS * BURST
        stored = await desk.read("router", _stored)
        assert set(stored) == created
        called = {UUID(call.headers["webhook-id"]) for call in hook.calls}
        assert {event for event, state in stored.items() if state == "delivered"} <= called
        assert called <= created, "what was not committed was sent"
        for call in hook.calls:
            Webhook(SECRET).verify(call.body, call.headers)


async def _send(caller: Caller, letters: Sequence[str]) -> None:
    for external_id in letters:
        data = {"id": external_id, "author": {"id": f"u-{external_id}"}, "text": "Fehler!"}
        await delivered(partial(caller.webhook, "email", data))


async def _die(desk: Desk, hook: Receiver, *, after: int) -> None:
    """When so many more notifications have come in: in the middle of taking in, and of sending."""
    wanted = len(hook.calls) + after
    async with asyncio.timeout(90):
        while len(hook.calls) < wanted:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.01)
    victims = desk.parts["run" if desk.embedded else "router"]
    await asyncio.gather(*(asyncio.to_thread(each.kill) for each in victims))
    await asyncio.to_thread(desk.start)


def _created(tx: Read) -> set[UUID]:
    query = select(OUTBOX.c.id).where(OUTBOX.c.type == TodoCreated.TYPE)
    return set(tx.execute(query).scalars())


def _stored(tx: Read) -> dict[UUID, str]:
    c = NOTIFICATION_DELIVERIES.c
    return {row.event_id: row.state for row in tx.execute(select(c.event_id, c.state))}

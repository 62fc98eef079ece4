"""A router that loses its database, and what it has to have again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select, text

from shared.db import Read, Write, open_database
from shared.messaging.outbox import OUTBOX
from tests.system.desk import SERVICES, Caller, Desk

DECIDED = ("id", "inquiry_id", "kind", "confidence", "received_at", "created_at", "due_at")
WORKED_ON = (
    *DECIDED, "desk", "state", "assignee", "assignee_key_name", "ended_at", "ended_by",
    "dismiss_reason", "reopened_at", "message_count", "deadline", "excerpt",
)  # fmt: skip


def kill_the_router(desk: Desk) -> None:
    """In one process: the desk."""
    for each in desk.parts["run" if desk.embedded else "router"]:
        each.kill()


async def lose_the_database(desk: Desk) -> None:
    """The router is killed; then its file is gone, or its tables are."""
    await asyncio.to_thread(kill_the_router, desk)
    if desk.embedded:
        for each in (desk.folder / "var").glob("router.sqlite*"):
            each.unlink()
        return

    def lose(tx: Write) -> None:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))

    database = open_database(desk.databases["router"], pool_size=2)
    await database.start()
    try:
        await database.write(lose)
    finally:
        await database.stop()


async def catch_up(desk: Desk, since: str) -> None:
    """Migrate, and have the other services tell everything again; returns when all is heard."""
    await asyncio.to_thread(desk.run, "migrate", "router")
    for service in ("intake", "sla"):
        await asyncio.to_thread(desk.run, "replay", service, "--since", since)
    await asyncio.to_thread(desk.start)
    await at_rest(desk)


async def recover(desk: Desk, since: str) -> str:
    """What `recover router` says; in one process the desk is stopped for it."""
    if desk.embedded:
        await asyncio.to_thread(desk.kill)
    said = await asyncio.to_thread(desk.run, "recover", "router", "--since", since)
    if desk.embedded:
        await asyncio.to_thread(desk.start)
    return said


async def at_rest(desk: Desk) -> None:
    await desk.quiet(lambda: _outboxes(desk))


async def todos(caller: Caller) -> list[dict[str, Any]]:
    found = await caller.all("/router/v1/todos")
    return sorted(found, key=lambda todo: todo["id"])


def changed(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], names: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Of each ToDo of before what reads otherwise now: its id, the name, both values."""
    found = {todo["id"]: todo for todo in after}
    return [
        (todo["id"], name, todo[name], found.get(todo["id"], {}).get(name))
        for todo in before
        for name in names
        if found.get(todo["id"], {}).get(name) != todo[name]
    ]


async def _outboxes(desk: Desk) -> list[int]:
    def rows(tx: Read) -> int:
        return int(tx.execute(select(func.count()).select_from(OUTBOX)).scalar_one())

    return [await desk.read(service, rows) for service in SERVICES]

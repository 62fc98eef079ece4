"""What the router does now and then: forget what customers wrote long ago."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from services.router.todos.usecases import retention
from shared.db import Database, DatabaseUnavailableError, Reader
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic
from shared.runtime.removal import RETENTION_EVERY_SECONDS, pages

log = structlog.get_logger()


def remove_old(database: Database, clock: Clock, *, days: int) -> Loop:
    """Take the words from ToDos that ended that many days ago; how many is logged."""

    async def remove(stop: asyncio.Event) -> None:
        now = clock.now()
        try:
            gone = await remove_once(
                database, before=now - timedelta(days=days), now=now, stop=stop
            )
        except DatabaseUnavailableError as error:
            log.warning("retention.not_removed", service="router", reason=str(error))
        else:
            if gone:
                log.info("retention.removed", service="router", todos=gone)

    return periodic("retention", RETENTION_EVERY_SECONDS, remove)


async def remove_once(
    database: Database, *, before: datetime, now: datetime, stop: asyncio.Event
) -> int:
    """Strip what ended before that moment, in small transactions; how many ToDos."""
    gone = 0
    async for found in pages(database, retention.old, stop=stop, before=before):
        gone += await database.write(retention.remove, found.todos, before=before, now=now)
    return gone


async def count_old(database: Reader, *, before: datetime) -> int:
    """What `remove_once` would strip."""
    found = pages(database, retention.old, before=before)
    return sum([len(page.todos) async for page in found])

"""What the router does now and then: forget what customers wrote long ago."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from services.router.todos.usecases import retention
from shared.db import Database, DatabaseUnavailableError, Reader
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop, pause
from shared.runtime.periodic import periodic

REMOVE_EVERY_SECONDS = 6 * 3600.0
BETWEEN_BATCHES_SECONDS = 0.05

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

    return periodic("retention", REMOVE_EVERY_SECONDS, remove)


async def remove_once(
    database: Database, *, before: datetime, now: datetime, stop: asyncio.Event
) -> int:
    """Strip what ended before that moment, in small transactions; how many ToDos."""
    gone, after, more = 0, None, True
    while more and not stop.is_set():
        found = await database.read(retention.old, before=before, after=after)
        gone += await database.write(retention.remove, found.todos, before=before, now=now)
        after, more = found.after, found.after is not None
        await pause(stop, BETWEEN_BATCHES_SECONDS)
    return gone


async def count_old(database: Reader, *, before: datetime) -> int:
    """What `remove_once` would strip."""
    count, after, more = 0, None, True
    while more:
        found = await database.read(retention.old, before=before, after=after)
        count += len(found.todos)
        after, more = found.after, found.after is not None
    return count

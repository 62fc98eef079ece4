"""What the router does now and then: forget what customers wrote long ago."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import structlog

from services.router.todos.usecases import retention
from shared.db import Database, DatabaseUnavailableError, Reader
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic
from shared.runtime.removal import RETENTION_EVERY_SECONDS, Ages, pages

log = structlog.get_logger()


def remove_old(database: Database, clock: Clock, *, ages: Ages) -> Loop:
    """Take the words from ToDos that ended so long ago; how many is logged."""

    async def remove(stop: asyncio.Event) -> None:
        now = clock.now()
        try:
            gone = await remove_once(
                database,
                before=ages.before(now),
                sooner=ages.sooner_before(now),
                now=now,
                stop=stop,
            )
        except DatabaseUnavailableError as error:
            log.warning("retention.not_removed", service="router", reason=str(error))
        else:
            if gone:
                log.info("retention.removed", service="router", todos=gone)

    return periodic("retention", RETENTION_EVERY_SECONDS, remove)


async def remove_once(
    database: Database,
    *,
    before: datetime,
    now: datetime,
    stop: asyncio.Event,
    sooner: Mapping[str, datetime] = MappingProxyType({}),
) -> int:
    """Strip what ended before that moment, in small transactions; how many ToDos."""
    gone = 0
    async for found in pages(database, retention.old, stop=stop, before=before, sooner=sooner):
        gone += await database.write(
            retention.remove, found.todos, before=before, sooner=sooner, now=now
        )
    return gone


async def count_old(
    database: Reader,
    *,
    before: datetime,
    sooner: Mapping[str, datetime] = MappingProxyType({}),
) -> int:
    """What `remove_once` would strip."""
    found = pages(database, retention.old, before=before, sooner=sooner)
    return sum([len(page.todos) async for page in found])

"""What intake does now and then: forget what nobody needs any more."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from services.intake import quarantine, store
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailableError
from shared.lifecycle import Loop, pause

EVERY_SECONDS = 3600.0

log = structlog.get_logger()


def forget_keys(database: Database, clock: Clock, *, days: int) -> Loop:
    """Forget the Idempotency-Keys that nobody will repeat any more."""

    async def loop(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                before = clock.now() - timedelta(days=days)
                await database.write(store.forget_keys, before=before)
            except DatabaseUnavailableError as error:
                log.warning("idempotency.not_forgotten", reason=str(error))
            await pause(stop, EVERY_SECONDS)

    return loop


def tidy_quarantine(database: Database, clock: Clock, *, days: int) -> Loop:
    """Delete what was repaired, and what is older than that many days; both are logged."""

    async def loop(stop: asyncio.Event) -> None:
        named = False
        while not stop.is_set():
            try:
                if not named:
                    await name_kept(database)
                    named = True
                await tidy_once(database, before=clock.now() - timedelta(days=days))
            except DatabaseUnavailableError as error:
                log.warning("quarantine.not_tidied", reason=str(error))
            await pause(stop, EVERY_SECONDS)

    return loop


async def tidy_once(database: Database, *, before: datetime) -> None:
    """Delete what was repaired, and what came before that moment."""
    repaired = forgotten = 0
    while gone := await database.write(quarantine.forget_repaired):
        repaired += gone
    if repaired:
        log.info("quarantine.repaired", count=repaired)
    while gone := await database.write(quarantine.forget_before, before=before):
        forgotten += gone
    if forgotten:
        log.warning("quarantine.forgotten", count=forgotten)


async def name_kept(database: Database) -> None:
    """Note the ids of what was kept before ids were noted: by them it is seen to be repaired."""
    after = await database.write(quarantine.name_kept, after=None)
    while after is not None:
        after = await database.write(quarantine.name_kept, after=after)

"""Files whose message never came are removed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from services.intake.files import store
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic

EVERY_SECONDS = 3600.0
WAITS_FOR_ITS_MESSAGE = timedelta(days=7)
"""Longer than any sender repeats a delivery that was not stored."""

log = structlog.get_logger()


def sweep(database: Database, clock: Clock) -> Loop:
    """Remove the files that an interrupted delivery has left; how many is logged."""

    async def step(stop: asyncio.Event) -> None:
        count = 0
        try:
            before = clock.now() - WAITS_FOR_ITS_MESSAGE
            while not stop.is_set() and (gone := await database.write(store.sweep, before=before)):
                count += gone
        except DatabaseUnavailableError as error:
            log.warning("files.not_swept", reason=str(error))
        if count:
            log.info("files.swept", count=count)

    return periodic("files", EVERY_SECONDS, step)

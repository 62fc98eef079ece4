"""What intake does now and then: forget Idempotency-Keys that nobody will repeat any more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from services.intake import store
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailableError
from shared.lifecycle import Loop, pause

EVERY_SECONDS = 3600.0

log = structlog.get_logger()


def forget_keys(database: Database, clock: Clock, *, days: int) -> Loop:
    async def loop(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                before = clock.now() - timedelta(days=days)
                await database.write(store.forget_keys, before=before)
            except DatabaseUnavailableError as error:
                log.warning("idempotency.not_forgotten", reason=str(error))
            await pause(stop, EVERY_SECONDS)

    return loop

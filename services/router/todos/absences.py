"""Watches for absences that begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from services.router.people import store as people
from services.router.todos.usecases import absences
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic

EVERY_SECONDS = 15.0
AT_ONCE = 100
"""Persons whose absences are looked at together."""

log = structlog.get_logger()


def loop(database: Database, clock: Clock, wake_relay: Callable[[], None]) -> Loop:
    """Hand on what absent persons have, and forget absences that are over."""

    async def watch(stop: asyncio.Event) -> None:
        try:
            handed_on = await hand_on_once(database, clock, stop)
        except DatabaseUnavailableError as error:
            log.warning("absences.not_handed_on", service="router", reason=str(error))
        else:
            if handed_on:
                wake_relay()
                log.info("absences.handed_on", service="router", todos=handed_on)

    return periodic("absences", EVERY_SECONDS, watch)


async def hand_on_once(database: Database, clock: Clock, stop: asyncio.Event) -> int:
    """How many ToDos were handed on. Raises DatabaseUnavailableError."""
    total, now = 0, clock.now()
    for person in await database.read(people.begun, now=now, limit=AT_ONCE):
        more = True
        while more and not stop.is_set():
            count = await database.write(absences.hand_on, person=person, now=now)
            total, more = total + count, count > 0
    if await database.read(people.any_over, now=now):
        await database.write(people.remove_over, now=now)
    return total

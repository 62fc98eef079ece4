"""Holds the terms of platforms: what may be kept for a short time only is removed in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from services.router.todos.usecases import terms as usecases
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop, pause
from shared.runtime.periodic import periodic

EVERY_SECONDS = 600.0
EARLY = timedelta(seconds=2 * EVERY_SECONDS)
"""Before the time is up, so that a turn that fails, or takes long, breaks no terms."""
BETWEEN_BATCHES_SECONDS = 0.05

log = structlog.get_logger()


def loop(database: Database, clock: Clock, terms: Mapping[str, timedelta]) -> Loop:
    """Remove what is as old as its channel's terms allow; from how many messages is logged."""

    async def hold(stop: asyncio.Event) -> None:
        try:
            gone = await hold_once(database, terms, now=clock.now(), stop=stop)
        except DatabaseUnavailableError as error:
            log.warning("terms.not_held", service="router", reason=str(error))
        else:
            if gone:
                log.info("terms.held", service="router", messages=gone)

    return periodic("terms", EVERY_SECONDS, hold)


async def hold_once(
    database: Database, terms: Mapping[str, timedelta], *, now: datetime, stop: asyncio.Event
) -> int:
    """Remove what has to go, in small transactions; from how many messages.

    Raises DatabaseUnavailableError.
    """
    before = {channel: now - age + EARLY for channel, age in terms.items()}
    gone, after, more = 0, None, True
    while more and not stop.is_set():
        found = await database.read(usecases.with_old_words, before, after=after)
        for channel, inquiries in found.inquiries.items():
            gone += await database.write(
                usecases.remove_words, inquiries, before=before[channel], now=now
            )
        after, more = found.after, found.after is not None
        if more:
            await pause(stop, BETWEEN_BATCHES_SECONDS)
    return gone

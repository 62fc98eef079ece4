"""Holds the terms of platforms: what may be kept for a short time only is removed in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from services.router.todos.usecases import terms as usecases
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic
from shared.runtime.removal import EARLY, TERMS_EVERY_SECONDS, pages

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

    return periodic("terms", TERMS_EVERY_SECONDS, hold)


async def hold_once(
    database: Database, terms: Mapping[str, timedelta], *, now: datetime, stop: asyncio.Event
) -> int:
    """Remove what has to go, in small transactions; from how many messages.

    Raises DatabaseUnavailableError.
    """
    before = {channel: now - age + EARLY for channel, age in terms.items()}
    gone = 0
    async for found in pages(database, usecases.with_old_words, stop=stop, before=before):
        for channel, inquiries in found.inquiries.items():
            gone += await database.write(
                usecases.remove_words, inquiries, before=before[channel], now=now
            )
    return gone

"""What every service deletes once it is old: published facts, ids of handled ones, dead letters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.bus.port import BusUnavailableError
from shared.db import Database, DatabaseUnavailableError
from shared.messaging import dead_letters, inbox, outbox
from shared.runtime.clock import Clock
from shared.runtime.periodic import periodic
from shared.runtime.settings import DeskSettings

HOUSEKEEPING_SECONDS = 600.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Housekeeping:
    service: str
    database: Database
    clock: Clock
    settings: DeskSettings

    async def run(self, stop: asyncio.Event) -> None:
        await periodic("housekeeping", HOUSEKEEPING_SECONDS, self._tidy)(stop)

    async def _tidy(self, stop: asyncio.Event) -> None:
        try:
            await self._forget(stop)
        except (DatabaseUnavailableError, BusUnavailableError) as error:
            log.warning("housekeeping.failed", service=self.service, reason=str(error))

    async def _forget(self, stop: asyncio.Event) -> None:
        settings, now = self.settings, self.clock.now()
        published_before = now - timedelta(days=settings.outbox_days)
        handled_before = now - timedelta(days=settings.inbox_days)
        rows = 1
        while rows and not stop.is_set():
            rows = await self.database.write(outbox.forget_published, before=published_before)
            rows += await self.database.write(inbox.forget_handled, before=handled_before)
            rows += await self._forget_letters(now - timedelta(days=settings.dead_letter_days))
        await self.database.tidy()

    async def _forget_letters(self, before: datetime) -> int:
        gone, unseen = await self.database.write(dead_letters.forget, before=before)
        if unseen:
            log.warning("letter.forgotten", service=self.service, count=unseen)
        return gone

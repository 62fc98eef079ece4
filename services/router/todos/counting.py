"""The counts of ToDos, of which those of what has ended are kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.router.todos.store import counts
from services.router.todos.store.counts import GoingOn, Key
from shared.db import Database
from shared.runtime.clock import Clock

KEPT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Counts:
    counted_at: datetime
    going_on: Mapping[Key, GoingOn]
    ended_counted_at: datetime
    ended: Mapping[Key, int]


class Counting:
    """Counts what has ended at most once in `KEPT`, however many ask at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._alone = asyncio.Lock()
        self._ended: tuple[datetime, Mapping[Key, int]] | None = None

    async def counts(self) -> Counts:
        """Raises DatabaseUnavailableError."""
        now = self._clock.now()
        going_on = await self._database.read(counts.going_on, now)
        async with self._alone:
            if self._ended is None or not self._ended[0] <= now < self._ended[0] + KEPT:
                self._ended = now, await self._database.read(counts.ended)
            return Counts(now, going_on, *self._ended)

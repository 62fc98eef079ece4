"""The loop that tells warnings and breaches when they are due.

It sleeps until the next of them, or until somebody writes, but never longer than the poll time:
other instances write, too. What is due is decided by the clocks' own moments, so a sleep that was
too long or too short, or a clock that was set, tells nothing early and nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from services.sla.settings import SlaSettings
from services.sla.store.deadlines import next_action
from services.sla.usecases.adopt import adopt, keep_edition
from services.sla.usecases.library import Library
from services.sla.usecases.tick import tick
from shared.bus.port import BusUnavailableError
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailableError

NEARLY_CAUGHT_UP = 200
LOOK_AGAIN_SECONDS = 1.0
OTHERS_AT_WORK_SECONDS = 0.1
JUST_WRITTEN_SECONDS = 0.05

log = structlog.get_logger()


class CaughtUp:
    """Whether the facts that were on the bus a moment ago have been worked off.

    After an outage an answer in time may still wait there, and a breach told before it would be a
    lie. Under steady load the lag is hardly ever zero: then it must be small at two looks, a
    second apart.
    """

    def __init__(self, lag: Callable[[], Awaitable[int | None]]) -> None:
        self._lag = lag
        self._small_since: float | None = None

    async def __call__(self) -> bool:
        try:
            lag = await self._lag()
        except BusUnavailableError:
            lag = None
        if lag == 0:
            return True
        if lag is None or lag > NEARLY_CAUGHT_UP:
            self._small_since = None
            return False
        moment = asyncio.get_running_loop().time()
        if self._small_since is None:
            self._small_since = moment
        return moment - self._small_since >= LOOK_AGAIN_SECONDS


class Timers:
    def __init__(
        self,
        *,
        database: Database,
        library: Library,
        clock: Clock,
        settings: SlaSettings,
        caught_up: Callable[[], Awaitable[bool]],
        on_recorded: Callable[[], None],
    ) -> None:
        """`on_recorded` is called after each commit that may have filled the outbox."""
        self._database = database
        self._library = library
        self._clock = clock
        self._settings = settings
        self._caught_up = caught_up
        self._on_recorded = on_recorded
        self._wake = asyncio.Event()
        self._noted: datetime | None = None
        self._running_in: asyncio.AbstractEventLoop | None = None
        self.adopted = asyncio.Event()

    def nearer(self, at: datetime | None) -> None:
        """Say that a clock needs a look at that moment; from any thread, also before the commit."""
        if at is not None and self._running_in is not None:
            self._running_in.call_soon_threadsafe(self._note, at)

    def _note(self, at: datetime) -> None:
        if self._noted is None or at < self._noted:
            self._noted = at
            self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        self._running_in = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                self._wake.clear()
                pause = await self._turn()
                await _first_of(stop, self._wake, seconds=pause)
        finally:
            self._running_in = None

    async def _turn(self) -> float:
        """Do what is due; seconds until the next look."""
        try:
            if not self.adopted.is_set() and not await self._adopt():
                return LOOK_AGAIN_SECONDS
            return await self._work_off()
        except DatabaseUnavailableError as error:
            log.warning("timers.database_unavailable", reason=str(error))
            return LOOK_AGAIN_SECONDS

    async def _work_off(self) -> float:
        while True:
            now = self._clock.now()
            following = await self._database.read(next_action)
            if following is None or following > now:
                return self._until(following, now)
            if not await self._caught_up():
                return LOOK_AGAIN_SECONDS
            if not await self.tick():
                return OTHERS_AT_WORK_SECONDS

    async def tick(self) -> int:
        """Work off one batch of due clocks; how many."""
        count = await self._database.write(
            tick, library=self._library, now=self._clock.now(), limit=self._settings.claim_rows
        )
        if count:
            self._on_recorded()
            log.info("timers.fired", clocks=count)
        return count

    def _until(self, following: datetime | None, now: datetime) -> float:
        noted = self._noted
        if noted is not None and noted <= now:
            # It may be in a transaction that has not been committed yet: look once more, soon.
            self._noted = None
            return JUST_WRITTEN_SECONDS
        first = min((each for each in (following, noted) if each is not None), default=None)
        if first is None:
            return self._settings.poll_seconds
        return min((first - now).total_seconds(), self._settings.poll_seconds)

    async def _adopt(self) -> bool:
        """Put open clocks under the present policy, once, when all known facts are in."""
        await self._database.write(keep_edition, library=self._library, now=self._clock.now())
        self._library.current_is_kept()
        if not await self._caught_up():
            return False
        looked_at, moved = 1, 0
        while looked_at:
            looked_at, more = await self._database.write(
                adopt,
                library=self._library,
                now=self._clock.now(),
                limit=self._settings.claim_rows,
            )
            moved += more
            self._on_recorded()
        if moved:
            log.info("policy.adopted", edition=self._library.current.key, moved=moved)
        self.adopted.set()
        return True


async def _first_of(*events: asyncio.Event, seconds: float) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()

"""The loop that tells warnings and breaches when they are due.

It sleeps until the next of them, or until somebody writes, but never longer than the poll time:
other instances write, too. What is due is decided by the clocks' own moments, so a sleep that was
too long or too short, or a clock that was set, tells nothing early and nothing twice. A clock that
cannot be worked off is put off and said loudly; it holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from services.sla.deadlines.store.deadlines import due_ids, next_action, under_another_version
from services.sla.deadlines.usecases.apply_policy import apply_policy
from services.sla.promises.versions import PolicyVersions
from services.sla.settings import SlaSettings
from services.sla.timers.alone import Alone
from services.sla.timers.caught_up import CaughtUp
from services.sla.timers.floor import Floor
from services.sla.timers.tick import put_off, tick, tick_one
from services.sla.timers.word import Word
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import first_of
from shared.runtime.telemetry import Metrics

LOOK_AGAIN_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
OTHERS_AT_WORK_SECONDS = 0.1
JUST_WRITTEN_SECONDS = 0.05
LATE_SECONDS = 60.0
ADOPT_AGAIN_SECONDS = 60.0
"""Longer than a transaction may take that began under the policy before."""
PUT_OFF = timedelta(minutes=10)
"""When a clock that could not be worked off is tried again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TimerMetrics:
    fired: Counter
    put_off: Counter
    late: Gauge

    @classmethod
    def of(cls, metrics: Metrics) -> TimerMetrics:
        return cls(
            metrics.counter("desk_clocks_fired", "Clocks that were due and were looked at."),
            metrics.counter("desk_clocks_put_off", "Clocks that could not be worked off."),
            metrics.gauge(
                "desk_timers_late_seconds", "Age of the warning or breach that waits longest."
            ),
        )


class Common(TypedDict):
    policy_versions: PolicyVersions
    now: datetime


class Timers:
    def __init__(
        self,
        *,
        database: Database,
        policy_versions: PolicyVersions,
        clock: Clock,
        settings: SlaSettings,
        caught_up: CaughtUp,
        word: Word,
        on_recorded: Callable[[], None],
        metrics: TimerMetrics,
    ) -> None:
        """`on_recorded` is called after each commit that may have filled the outbox."""
        self._database = database
        self._library = policy_versions
        self._clock = clock
        self._settings = settings
        self._caught_up = caught_up
        self._word = word
        self._on_recorded = on_recorded
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._backoff = Backoff(LOOK_AGAIN_SECONDS, LONGEST_PAUSE_SECONDS)
        self._noted: datetime | None = None
        self._due_until: datetime | None = None
        self._floor = Floor()
        self._alone = Alone(metrics.put_off)
        self._running_in: asyncio.AbstractEventLoop | None = None
        self._in_force = False
        self._adopt_again_at: float | None = None
        self.adopted = asyncio.Event()

    def nearer(self, at: datetime | None) -> None:
        """Say that a clock needs a look at that moment; from any thread, also before the commit."""
        if at is not None and self._running_in is not None:
            self._running_in.call_soon_threadsafe(self._note, at)

    def _note(self, at: datetime) -> None:
        self._floor.note(at)
        if self._noted is None or at < self._noted:
            self._noted = at
            self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        self._running_in = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                self._wake.clear()
                pause = await self._turn()
                await first_of(stop, self._wake, seconds=pause)
        finally:
            self._running_in = None

    async def _turn(self) -> float:
        """Do what is due; seconds until the next look."""
        try:
            if not self.adopted.is_set() and not await self._adopt():
                return LOOK_AGAIN_SECONDS
            await self._adopt_stragglers()
            seconds = await self._work_off()
        except DatabaseUnavailableError:
            return self._backoff.pause()
        self._backoff.reset()
        return seconds

    async def _work_off(self) -> float:
        now = self._clock.now()
        following = await self._first_action(now)
        if following is None or following > now:
            self._await_afresh()
            return self._until(following, now)
        sure = await self._word.until(now, asyncio.get_running_loop().time())
        if sure is None or following > sure:
            self._await_afresh()
            return LOOK_AGAIN_SECONDS
        # What falls due while the facts are awaited has to wait for the facts until then. A clock
        # that was ahead meanwhile, and was set back, must not let anything fire early.
        self._due_until = min(self._due_until or sure, sure)
        if not await self._caught_up():
            return LOOK_AGAIN_SECONDS
        due_until, self._due_until = self._due_until, None
        while await self.tick(due_until):
            pass
        return OTHERS_AT_WORK_SECONDS

    def _await_afresh(self) -> None:
        self._due_until = None
        self._caught_up.forget()

    async def _first_action(self, now: datetime) -> datetime | None:
        seconds = asyncio.get_running_loop().time()
        since = self._floor.since(seconds)
        first = await self._database.read(next_action, since=since)
        if since is None:
            self._floor.looked_at_everything(first or now, seconds)
        return first

    async def tick(self, due_until: datetime) -> int:
        """Work off one batch of the clocks that were due by then; how many."""
        database, limit = self._database, self._settings.claim_rows
        now = self._clock.now()
        common: Common = {"policy_versions": self._library, "now": now}

        async def put_aside(inquiry_id: UUID) -> int:
            until = now + PUT_OFF
            await database.write(put_off, inquiry_id=inquiry_id, due_until=due_until, until=until)
            return 1

        count = await self._alone.or_each(
            lambda: database.write(tick, due_until=due_until, limit=limit, **common),
            clocks=lambda: database.read(due_ids, now=due_until, limit=limit),
            alone=lambda each: database.write(
                tick_one, inquiry_id=each, due_until=due_until, **common
            ),
            spoiled=put_aside,
        )
        if count:
            self._on_recorded()
            self._metrics.fired.inc(count)
            log.info("timers.fired", clocks=count)
        return count

    async def late(self) -> str | None:
        """Why something that is due has not been told for a minute; None when all is well."""
        since = self._floor.since(asyncio.get_running_loop().time())
        first, now = await self._database.read(next_action, since=since), self._clock.now()
        seconds = 0.0 if first is None else max(0.0, (now - first).total_seconds())
        self._metrics.late.set(seconds)
        if seconds < LATE_SECONDS:
            return None
        what = f"a warning or a breach has been due for {seconds:.0f} seconds"
        if self._due_until is not None:
            return f"{what}: facts that were there before it are not worked off yet"
        if self._word.missing:
            return f"{what}: nothing was heard yet of {' and '.join(self._word.missing)}"
        return what

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
        if not self._in_force:
            await self._database.write(self._library.activate_own, now=self._clock.now())
            self._in_force = True
        if not await self._caught_up():
            return False
        await self._adopt_all()
        self._adopt_again_at = asyncio.get_running_loop().time() + ADOPT_AGAIN_SECONDS
        self.adopted.set()
        return True

    async def _adopt_all(self) -> None:
        moved, after = 0, None
        while clocks := await self._database.read(
            under_another_version,
            policy_version=self._library.current.key,
            after=after,
            limit=self._settings.claim_rows,
        ):
            after = clocks[-1]
            moved += await self._adopt_some(clocks)
            self._on_recorded()
        if moved:
            log.info("policy.adopted", edition=self._library.current.key, moved=moved)

    async def _adopt_stragglers(self) -> None:
        """What others were just writing under the policy before, when it was superseded."""
        again_at = self._adopt_again_at
        if again_at is not None and asyncio.get_running_loop().time() >= again_at:
            await self._adopt_all()
            self._adopt_again_at = None

    async def _adopt_some(self, clocks: Sequence[UUID]) -> int:
        """How many of them moved. One that cannot be counted again stays as it is."""
        common: Common = {"policy_versions": self._library, "now": self._clock.now()}

        async def those() -> Sequence[UUID]:
            return clocks

        async def left_as_it_is(_inquiry_id: UUID) -> int:
            return 0

        return await self._alone.or_each(
            lambda: self._database.write(apply_policy, clocks, **common),
            clocks=those,
            alone=lambda each: self._database.write(apply_policy, [each], **common),
            spoiled=left_as_it_is,
        )

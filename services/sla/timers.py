"""The loop that tells warnings and breaches when they are due.

It sleeps until the next of them, or until somebody writes, but never longer than the poll time:
other instances write, too. What is due is decided by the clocks' own moments, so a sleep that was
too long or too short, or a clock that was set, tells nothing early and nothing twice. A clock that
cannot be worked off is put off and said loudly; it holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge

from services.sla.settings import SlaSettings
from services.sla.store.deadlines import due_ids, next_action
from services.sla.usecases.adopt import adopt, keep_edition
from services.sla.usecases.library import Library
from services.sla.usecases.tick import put_off, tick, tick_one
from shared.bus.port import BusUnavailableError, Partition, Progress
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailableError
from shared.lifecycle import first_of
from shared.telemetry import Metrics

LOOK_AGAIN_SECONDS = 0.5
OTHERS_AT_WORK_SECONDS = 0.1
JUST_WRITTEN_SECONDS = 0.05
WHOLE_LOOK_SECONDS = 10.0
LATE_SECONDS = 60.0
PUT_OFF = timedelta(minutes=10)
"""When a clock that could not be worked off is tried again."""

log = structlog.get_logger()


class CaughtUp:
    """Whether every fact that was on the bus at the first look has been worked off since.

    After an outage an answer in time may still wait there, and a breach told before it would be a
    lie. Facts that come in later do not matter, so steady load holds nothing up; the whole group
    counts, so neither does an instance that died with its partitions.
    """

    def __init__(self, look: Callable[[], Awaitable[Mapping[Partition, Progress] | None]]) -> None:
        """`look` tells how far the group is, None as long as that is not known."""
        self._look = look
        self._ends: Mapping[Partition, int] | None = None

    def forget(self) -> None:
        """The next look is a first one."""
        self._ends = None

    async def __call__(self) -> bool:
        """The look after a yes is a first one again."""
        try:
            progress = await self._look()
        except BusUnavailableError:
            return False
        if not progress:
            return False
        if self._ends is None:
            self._ends = {partition: each.end for partition, each in progress.items()}
        if any(
            partition not in progress or progress[partition].next_offset < end
            for partition, end in self._ends.items()
        ):
            return False
        self._ends = None
        return True


class Floor:
    """From which moment on the timers have to look, so that they pass over what fired long ago.

    What this instance writes lowers it; what another one writes, that one looks after. Should that
    one die, a look at everything, every ten seconds, finds it.
    """

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._noted: datetime | None = None
        self._whole_look_at = 0.0

    def since(self, seconds: float) -> datetime | None:
        """None: look at everything. `seconds` are those of a clock that nobody sets."""
        return None if seconds >= self._whole_look_at else self._since

    def looked_at_everything(self, first: datetime, seconds: float) -> None:
        """`first` is the first moment that was found, or now."""
        # What was noted may not have been committed when everything was looked at.
        self._since = first if self._noted is None else min(first, self._noted)
        self._noted = None
        self._whole_look_at = seconds + WHOLE_LOOK_SECONDS

    def note(self, at: datetime) -> None:
        self._noted = at if self._noted is None else min(at, self._noted)
        if self._since is not None:
            self._since = min(at, self._since)


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


class Timers:
    def __init__(
        self,
        *,
        database: Database,
        library: Library,
        clock: Clock,
        settings: SlaSettings,
        caught_up: CaughtUp,
        on_recorded: Callable[[], None],
        metrics: TimerMetrics,
    ) -> None:
        """`on_recorded` is called after each commit that may have filled the outbox."""
        self._database = database
        self._library = library
        self._clock = clock
        self._settings = settings
        self._caught_up = caught_up
        self._on_recorded = on_recorded
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._noted: datetime | None = None
        self._due_until: datetime | None = None
        self._floor = Floor()
        self._running_in: asyncio.AbstractEventLoop | None = None
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
            return await self._work_off()
        except DatabaseUnavailableError as error:
            log.warning("timers.database_unavailable", reason=str(error))
            return LOOK_AGAIN_SECONDS

    async def _work_off(self) -> float:
        now = self._clock.now()
        following = await self._first_action(now)
        if following is None or following > now:
            self._due_until = None
            self._caught_up.forget()
            return self._until(following, now)
        # What falls due while the facts are awaited has to wait for the facts until then. A clock
        # that was ahead meanwhile, and was set back, must not let anything fire early.
        self._due_until = min(self._due_until or now, now)
        if not await self._caught_up():
            return LOOK_AGAIN_SECONDS
        due_until, self._due_until = self._due_until, None
        while await self.tick(due_until):
            pass
        return OTHERS_AT_WORK_SECONDS

    async def _first_action(self, now: datetime) -> datetime | None:
        seconds = asyncio.get_running_loop().time()
        since = self._floor.since(seconds)
        first = await self._database.read(next_action, since=since)
        if since is None:
            self._floor.looked_at_everything(first or now, seconds)
        return first

    async def tick(self, due_until: datetime) -> int:
        """Work off one batch of the clocks that were due by then; how many."""
        try:
            count = await self._database.write(
                tick, library=self._library, now=due_until, limit=self._settings.claim_rows
            )
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - whose failure it is, is found out one by one
            log.warning("timers.batch_failed", reason=_said(error))
            count = await self._one_by_one(due_until)
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
        what = f"a warning or a breach is due since {seconds:.0f} seconds"
        if self._due_until is not None:
            return f"{what}: facts that were there before it are not worked off yet"
        return what

    async def _one_by_one(self, due_until: datetime) -> int:
        """What one clock does to its transaction must not hold up the others."""
        limit = self._settings.claim_rows
        count = 0
        for inquiry_id in await self._database.read(due_ids, now=due_until, limit=limit):
            try:
                count += await self._database.write(
                    tick_one, inquiry_id=inquiry_id, library=self._library, now=due_until
                )
            except DatabaseUnavailableError:
                raise
            except Exception as error:
                self._metrics.put_off.inc()
                said = {"inquiry_id": str(inquiry_id), "reason": _said(error)}
                log.exception("timers.clock_put_off", **said)
                until = self._clock.now() + PUT_OFF
                await self._database.write(put_off, inquiry_id=inquiry_id, until=until)
                count += 1
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


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]

"""The loop that tells warnings and breaches as soon as it is safe to.

Whenever the watermark advances, it works off what is due up to it. What is due is decided by the
clocks' own moments, so a sleep that was too long, or a machine's clock that was set, tells nothing
early and nothing twice. A clock that cannot be worked off is put off and logged as an error; it
holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from services.sla.deadlines.store.deadlines import due_ids, next_action
from services.sla.promises.versions import PolicyVersions
from services.sla.settings import SlaSettings
from services.sla.timers.isolation import together_or_each
from services.sla.timers.new_policy import NewPolicy
from services.sla.timers.tick import put_off, tick, tick_one
from services.sla.timers.watermark import Watermark
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import first_of
from shared.runtime.telemetry import Metrics

QUERY_AGAIN_SECONDS = 0.5
CONSUMING_SECONDS = 0.1
OTHERS_AT_WORK_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
WHOLE_QUERY_SECONDS = 10.0
"""What a fact, here or in another instance, made due before the watermark is found by then."""
LATE_SECONDS = 60.0
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


class Ticker:
    def __init__(
        self,
        *,
        database: Database,
        policy_versions: PolicyVersions,
        clock: Clock,
        settings: SlaSettings,
        watermark: Watermark,
        policy: NewPolicy,
        on_recorded: Callable[[], None],
        metrics: TimerMetrics,
    ) -> None:
        """`on_recorded` is called after each commit that may have filled the outbox."""
        self._database = database
        self._policy_versions = policy_versions
        self._clock = clock
        self._settings = settings
        self._watermark = watermark
        self.policy = policy
        self._on_recorded = on_recorded
        self._metrics = metrics
        self._advanced = asyncio.Event()
        self._backoff = Backoff(QUERY_AGAIN_SECONDS, LONGEST_PAUSE_SECONDS)
        self._since: datetime | None = None
        self._safe: datetime | None = None
        self._whole_query_at = 0.0

    def advance(self) -> None:
        """Say that intake or the router have made progress."""
        self._advanced.set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._advanced.clear()
            seconds = await self._turn()
            await first_of(stop, self._advanced, seconds=seconds)

    async def _turn(self) -> float:
        """Tell what may be told; seconds until the next look."""
        try:
            if not await self.policy.is_applied():
                return QUERY_AGAIN_SECONDS
            seconds = await self._publish_due()
        except DatabaseUnavailableError:
            return self._backoff.pause()
        self._backoff.reset()
        return seconds

    async def _publish_due(self) -> float:
        now = self._clock.now()
        first = await self._first_action()
        if first is None or first > now:
            return self._settings.poll_seconds
        safe = await self._watermark.safe_until(now)
        if safe is None or first > safe:
            return CONSUMING_SECONDS if self._watermark.consuming else QUERY_AGAIN_SECONDS
        while await self.tick(safe):
            pass
        self._safe = safe
        return OTHERS_AT_WORK_SECONDS

    async def _first_action(self) -> datetime | None:
        """The first moment at which something is due, without reading again what fired before.

        Before the watermark that was worked off last nothing is due, but for what was written
        since; a look at everything, now and then, finds that.
        """
        seconds = asyncio.get_running_loop().time()
        whole = seconds >= self._whole_query_at
        first = await self._database.read(next_action, since=None if whole else self._since)
        if whole:
            self._whole_query_at = seconds + WHOLE_QUERY_SECONDS
        if self._safe is not None:
            self._since = self._safe if first is None else min(first, self._safe)
        return first

    async def tick(self, due_until: datetime) -> int:
        """Work off one batch of the clocks that were due by then; how many."""
        database, limit, policy_versions = (
            self._database,
            self._settings.claim_rows,
            self._policy_versions,
        )
        now = self._clock.now()

        put_off_here = 0

        async def put_aside(inquiry_id: UUID) -> int:
            nonlocal put_off_here
            put_off_here += 1
            self._metrics.put_off.inc()
            until = now + PUT_OFF
            await database.write(put_off, inquiry_id=inquiry_id, due_until=due_until, until=until)
            return 1

        count = await together_or_each(
            lambda: database.write(
                tick, policy_versions=policy_versions, due_until=due_until, now=now, limit=limit
            ),
            clocks=lambda: database.read(due_ids, now=due_until, limit=limit),
            each=lambda each: database.write(
                tick_one,
                inquiry_id=each,
                policy_versions=policy_versions,
                due_until=due_until,
                now=now,
            ),
            failed=put_aside,
        )
        if fired := count - put_off_here:
            self._on_recorded()
            self._metrics.fired.inc(fired)
            log.info("timers.fired", clocks=fired)
        return count

    async def late(self) -> str | None:
        """Why something that is due has not been told for a minute; None when all is well."""
        first, now = await self._database.read(next_action, since=self._since), self._clock.now()
        seconds = 0.0 if first is None else max(0.0, (now - first).total_seconds())
        self._metrics.late.set(seconds)
        if seconds < LATE_SECONDS:
            return None
        what = f"a warning or a breach has been due for {seconds:.0f} seconds"
        if self._watermark.consuming:
            return f"{what}: facts that were there before it are not worked off yet"
        if self._watermark.missing:
            return f"{what}: no progress is known yet of {' and '.join(self._watermark.missing)}"
        return what

"""The loop of one target: take what is due, send it, note what came of it.

A claimed delivery is this instance's own for longer than a try can take. When the process dies
between the receiver's answer and the note of it, the delivery is tried again after that, under
the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom

import structlog
from prometheus_client import Counter, Gauge

from shared.db import Database, DatabaseUnavailableError
from shared.notifications import store
from shared.notifications.domain import Attempt
from shared.notifications.sender import Sender
from shared.notifications.settings import NotificationSettings
from shared.notifications.store import Delivery
from shared.notifications.usecases import claim, record_attempt, tidy
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import first_of, pause
from shared.runtime.periodic import periodic
from shared.runtime.telemetry import Metrics

AT_ONCE = 8
LEASE_MARGIN_SECONDS = 60.0
"""How much longer than a try a claim lasts: time to note what came of it."""
POLL_SECONDS = 5.0
RETRY_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
GATHER_SECONDS = 0.2
"""Under load something is recorded many times a second: one query serves for all of it."""
TIDY_SECONDS = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counts:
    tries: Counter
    waiting: Gauge
    age: Gauge

    @classmethod
    def of(cls, metrics: Metrics) -> Counts:
        return cls(
            metrics.counter(
                "desk_notification_tries", "Tries by what came of them.", "target", "outcome"
            ),
            metrics.gauge("desk_notifications_waiting", "Not delivered yet.", "target"),
            metrics.gauge(
                "desk_notification_age_seconds", "Age of the one that waits longest.", "target"
            ),
        )


class DeliveryWorker:
    def __init__(
        self,
        target: str,
        sender: Sender,
        *,
        database: Database,
        clock: Clock,
        settings: NotificationSettings,
        counts: Counts,
        poll_seconds: float = POLL_SECONDS,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        """`poll_seconds` is the longest sleep, because other instances write, too; `jitter` gives
        numbers from 0 up to 1, which spread the pauses.
        """
        self.target = target
        self._sender = sender
        self._database = database
        self._clock = clock
        self._settings = settings
        self._counts = counts
        self._poll_seconds = poll_seconds
        self._jitter = jitter or SystemRandom().random
        self._wake = asyncio.Event()
        self._backoff = Backoff(RETRY_SECONDS, LONGEST_PAUSE_SECONDS)

    def wake(self) -> None:
        """Say that something may be due; without it the worker polls anyway."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                self._wake.clear()
                await first_of(stop, self._wake, seconds=await self._turn())
                if self._wake.is_set():
                    await pause(stop, GATHER_SECONDS)
        finally:
            await self._sender.close()

    async def _turn(self) -> float:
        """Send what is due; seconds until the next query."""
        try:
            tried = await self.deliver_due()
            following = await self._database.read(store.next_due, self.target)
        except DatabaseUnavailableError:
            return self._backoff.pause()
        self._backoff.reset()
        if tried:
            return 0.0
        if following is None:
            return self._poll_seconds
        left = (following - self._clock.now()).total_seconds()
        # Due, but held by another instance: not at once again.
        return min(max(left, RETRY_SECONDS), self._poll_seconds)

    async def deliver_due(self) -> int:
        """Try some of what is due, side by side; how many."""
        now = self._clock.now()
        seconds = self._settings.notification_seconds + LEASE_MARGIN_SECONDS
        claimed = await self._database.write(
            claim,
            self.target,
            now=now,
            leased_until=now + timedelta(seconds=seconds),
            limit=AT_ONCE,
        )
        await asyncio.gather(*(self._deliver(each) for each in claimed))
        return len(claimed)

    async def _deliver(self, delivery: Delivery) -> None:
        attempt = await self._try(delivery)
        try:
            again = await self._database.write(
                record_attempt, delivery, attempt, now=self._clock.now(), jitter=self._jitter()
            )
        except DatabaseUnavailableError as error:
            # The claim ends by itself, and then it is sent again under the same id.
            log.warning(
                "notification.not_noted", notification_id=str(delivery.id), reason=str(error)
            )
            return
        self._log_attempt(delivery, attempt, again)

    async def _try(self, delivery: Delivery) -> Attempt:
        try:
            return await self._sender.send(delivery.event_id, delivery.body)
        except Exception as error:  # noqa: BLE001 - a way to send is a library's, and one delivery's
            # Neither message nor stack: they may hold the address, and that a secret.
            reason = type(error).__name__
            log.error(  # noqa: TRY400
                "notification.sender_failed", target=self.target, reason=reason,
                notification_id=str(delivery.id),
            )  # fmt: skip
            return Attempt(delivered=False, error=f"the way to it failed: {reason}")

    def _log_attempt(self, delivery: Delivery, attempt: Attempt, again: datetime | None) -> None:
        outcome = "delivered" if attempt.delivered else "failed" if again is None else "retried"
        self._counts.tries.labels(self.target, outcome).inc()
        said = {
            "target": self.target,
            "notification_id": str(delivery.id),
            "status": attempt.status,
            "reason": attempt.error,
        }
        if attempt.gone:
            log.error("notification.receiver_gone", **said)
        elif outcome == "failed":
            log.error("notification.failed", **said, attempts=delivery.attempts + 1)
        elif again is not None:
            log.warning("notification.retried", **said, next_attempt_at=again.isoformat())


class DeliveryHousekeeping:
    """Measures what waits, forgets what is old, and gives up what nobody tries any more."""

    def __init__(
        self,
        targets: Sequence[str],
        *,
        database: Database,
        clock: Clock,
        settings: NotificationSettings,
        counts: Counts,
    ) -> None:
        self._targets = targets
        self._database = database
        self._clock = clock
        self._settings = settings
        self._counts = counts

    async def run(self, stop: asyncio.Event) -> None:
        await periodic("notifications", TIDY_SECONDS, self._turn)(stop)

    async def _turn(self, stop: asyncio.Event) -> None:
        # The database says so itself; what was not done is done next time.
        with contextlib.suppress(DatabaseUnavailableError):
            await self.tidy(stop)
            await self.measure()

    async def tidy(self, stop: asyncio.Event) -> None:
        now, changed = self._clock.now(), 1
        while changed and not stop.is_set():
            changed = await self._database.write(
                tidy,
                targets=self._targets,
                now=now,
                forget_before=now - timedelta(days=self._settings.notification_days),
            )

    async def measure(self) -> None:
        for target in self._targets:
            count, since = await self._database.read(store.oldest_waiting, target)
            age = 0.0 if since is None else (self._clock.now() - since).total_seconds()
            self._counts.waiting.labels(target).set(count)
            self._counts.age.labels(target).set(max(age, 0.0))

"""The relay: takes unpublished facts out of the outbox, in order, and puts them on the bus.

One relay per service, wherever it runs (see `Database.sole_relay`). It may publish a fact twice
after a fault, never not at all; the event id stays the same, so an inbox absorbs it. A fact that
the bus can never take becomes a dead letter, so that it does not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from shared.bus.port import (
    Bus,
    BusUnavailableError,
    PublishFailedError,
    Record,
    RecordTooLargeError,
)
from shared.db import Database, DatabaseUnavailableError, Read, Write
from shared.db.database import RelayGuard
from shared.messaging import dead_letters, former_letters
from shared.messaging.codec import record_of, to_record
from shared.messaging.control_events import RecordDeadLettered, RelayCaughtUp
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import (
    OutboxRow,
    envelope_of,
    mark_published,
    unknown_waits,
    unpublished,
)
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import pause
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import new_traceparent

BATCH = 500
POLL_SECONDS = 0.3
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
CAUGHT_UP_SECONDS = 10.0
SETTLING = timedelta(seconds=20)
"""Longer than from a verb's own moment to its commit: it may wait for a connection and a lock."""

log = structlog.get_logger()


class Relay:
    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        source: str,
        tells_progress: bool = False,
    ) -> None:
        """`tells_progress`: say on the bus, too, until when nothing waits here any more."""
        self._database = database
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._source = source
        self._tells_progress = tells_progress
        self._tell_again_at = 0.0
        self._wake = asyncio.Event()
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._size = BATCH
        self._worked_off = False
        self.problem: str | None = None

    def wake(self) -> None:
        """Say that something was recorded here; without it the relay looks by itself anyway."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with self._database.sole_relay(stop) as guard:
                if guard is None:
                    return
                await self._publish_while_mine(guard, stop)

    async def _publish_while_mine(self, guard: RelayGuard, stop: asyncio.Event) -> None:
        looked_back = False
        while not stop.is_set() and await guard.still_mine():
            self._wake.clear()
            looked_at = self._clock.now()
            try:
                if not looked_back:
                    await self._take_former_letters()
                    looked_back = True
                await self.publish_batch()
                if self._worked_off:
                    await self._tell_progress(looked_at)
            except (BusUnavailableError, DatabaseUnavailableError) as error:
                await self._back_off(error, stop)
                continue
            self._backoff.reset()
            self.problem = None
            if self._worked_off:
                await self._wait_for_more(stop)

    async def publish_batch(self) -> int:
        """Publish what waits, up to one batch, and mark it; how many were published.

        Raises PublishFailedError after marking the confirmed rows that no unconfirmed row of the
        same key precedes: marking others would let the order of a key break. What the bus can
        never take is set aside instead.
        """
        rows = await self._database.read(unpublished, limit=self._size)
        self._worked_off = len(rows) < self._size
        facts = [row for row in rows if row.type != RecordDeadLettered.TYPE]
        if len(facts) < len(rows):
            await self._take_former_letters()
        return await self._publish(facts)

    async def _take_former_letters(self) -> None:
        taken = 1
        while taken:
            now = self._clock.now()
            taken = await self._database.write(former_letters.take, source=self._source, now=now)

    async def _publish(self, rows: Sequence[OutboxRow]) -> int:
        if not rows:
            return 0
        records = [self._record(row) for row in rows]
        try:
            await self._bus.publish(records)
        except RecordTooLargeError as error:
            self._worked_off = False
            await self._set_aside(rows[error.index], records[error.index], str(error))
            return 0
        except PublishFailedError as error:
            # A broker that refuses one record refuses the batch around it: alone it is found.
            self._size = 1
            await self._mark(_in_order(rows, error.confirmed))
            raise
        await self._mark(rows)
        self._size = min(2 * self._size, BATCH)
        return len(rows)

    async def _set_aside(self, row: OutboxRow, record: Record, reason: str) -> None:
        await self._database.write(_keep_own, row, record, reason=reason, now=self._clock.now())
        self._metrics.dead_letters.inc()
        log.error("outbox.fact_set_aside", type=row.type, event_id=str(row.id), reason=reason)

    async def drain(self) -> list[Envelope]:
        """Take everything that waits, in order, as if it had been published: for tests that put
        their own hands in place of the bus.
        """
        taken: list[Envelope] = []
        while True:
            rows = await self._database.read(unpublished, limit=BATCH)
            if rows:
                await self._mark(rows)
            taken += [envelope_of(row) for row in rows]
            if len(rows) < BATCH:
                return taken

    async def _tell_progress(self, looked_at: datetime) -> None:
        """At most every ten seconds. Raises PublishFailedError."""
        seconds = asyncio.get_running_loop().time()
        if not self._tells_progress or seconds < self._tell_again_at:
            return
        if await self._database.read(_something_is_missing):
            return
        service = self._source.removeprefix("/")
        fact = RelayCaughtUp(service=service, until=looked_at - SETTLING)
        record = record_of(
            fact,
            event_id=new_id(),
            key=service,
            traceparent=new_traceparent(),
            time=looked_at,
            source=self._source,
        )
        await self._bus.publish([record])
        self._tell_again_at = seconds + CAUGHT_UP_SECONDS

    def _record(self, row: OutboxRow) -> Record:
        return to_record(
            event_id=row.id,
            aggregate=row.aggregate,
            key=row.key,
            type_=row.type,
            payload=row.payload,
            traceparent=row.traceparent,
            time=row.occurred_at,
            source=self._source,
        )

    async def _mark(self, rows: Sequence[OutboxRow]) -> None:
        if rows:
            seqs = [row.seq for row in rows]
            await self._database.write(mark_published, seqs, now=self._clock.now())
            self._metrics.published.inc(len(rows))

    async def _back_off(self, error: Exception, stop: asyncio.Event) -> None:
        if self.problem is None and self._bus.problem is None:
            log.warning("outbox.relay_stuck", reason=str(error))
        self.problem = str(error)
        await pause(stop, self._backoff.pause())

    async def _wait_for_more(self, stop: asyncio.Event) -> None:
        if not stop.is_set():
            await pause(self._wake, POLL_SECONDS)


def _something_is_missing(tx: Read) -> bool:
    """Whether a recorded fact is not on the bus: nobody is to count on having heard all."""
    return unknown_waits(tx) or dead_letters.is_open(tx, dead_letters.RELAY)


def _keep_own(tx: Write, row: OutboxRow, record: Record, *, reason: str, now: datetime) -> None:
    dead_letters.keep_own(tx, record, seq=row.seq, reason=reason, now=now)
    mark_published(tx, [row.seq], now=now)


def _in_order(rows: Sequence[OutboxRow], confirmed: frozenset[int]) -> list[OutboxRow]:
    blocked: set[str] = set()
    kept = []
    for index, row in enumerate(rows):
        if index not in confirmed:
            blocked.add(row.key)
        elif row.key not in blocked:
            kept.append(row)
    return kept

"""The relay: takes unpublished facts out of the outbox, in order, and puts them on the bus.

One relay per service, wherever it runs (see `Database.sole_relay`). It may publish a fact twice
after a fault, never not at all; the event id stays the same, so an inbox absorbs it. A fact that
the bus can never take becomes a dead letter, so that it does not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
from shared.messaging.codec import record_of
from shared.messaging.control_events import RecordDeadLettered, RelayCaughtUp
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import (
    OUTBOX,
    OutboxRow,
    as_record,
    envelope_of,
    last_seq,
    mark_published,
    unknown_waits,
    unpublished,
)
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import at_least, pause
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import new_traceparent

BATCH = 500
POLL_SECONDS = 0.3
GATHER_SECONDS = 0.05
"""At least so long from one batch to the next: while facts keep coming they are published as they
gathered, because a batch costs each service a transaction, however small it is. A lonely fact goes
at once.
"""
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PROGRESS_SECONDS = 1.0
ASK_AGAIN_SECONDS = 0.1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Settled:
    """Every fact with a moment before `until` is on the bus when the rows up to `seq` are.

    `looked_at` is before the outbox was read for it: what is replayed later may not be out.
    """

    looked_at: datetime
    until: datetime
    seq: int


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
        """`tells_progress`: say on the bus, too, each second, until when everything is on it."""
        self._database = database
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._source = source
        self._tells_progress = tells_progress
        self._tell_again_at = 0.0
        self._settled: _Settled | None = None
        self._wake = asyncio.Event()
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._size = BATCH
        self._worked_off = False
        self._published_to: int | None = 0
        self.problem: str | None = None

    def wake(self) -> None:
        """Say that something was recorded here; without it the relay looks by itself anyway."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with self._database.sole_relay(
                stop, table=OUTBOX.name, now=self._clock.now
            ) as guard:
                if guard is None:
                    return
                self._settled = None
                await self._publish_while_mine(guard, stop)

    async def _publish_while_mine(self, guard: RelayGuard, stop: asyncio.Event) -> None:
        looked_back = False
        while not stop.is_set() and await guard.still_mine():
            began = asyncio.get_running_loop().time()
            self._wake.clear()
            try:
                if not looked_back:
                    await self._take_former_letters()
                    looked_back = True
                await self._query_settled(guard)
                await self.publish_batch()
                await self._tell_progress()
            except (BusUnavailableError, DatabaseUnavailableError) as error:
                await self._back_off(error, stop)
                continue
            self._backoff.reset()
            self.problem = None
            if self._worked_off:
                await self._wait_for_more(stop)
                await at_least(GATHER_SECONDS, began, stop)

    async def publish_batch(self) -> int:
        """Publish what waits, up to one batch, and mark it; how many were published.

        Raises PublishFailedError after marking the confirmed rows that no unconfirmed row of the
        same key precedes: marking others would let the order of a key break. What the bus can
        never take is set aside instead.
        """
        rows = await self._database.read(unpublished, limit=self._size)
        self._worked_off = len(rows) < self._size
        self._published_to = None if self._worked_off else rows[-1].seq
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
        records = [as_record(row, source=self._source) for row in rows]
        try:
            await self._bus.publish(records)
        except RecordTooLargeError as error:
            self._worked_off, self._published_to = False, 0
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

    async def _query_settled(self, guard: RelayGuard) -> None:
        """Before the outbox is read: what settles later may not be in what was read."""
        if self._settled is not None or not self._progress_is_due():
            return
        looked_at = self._clock.now()
        until = await guard.settled_until(looked_at)
        if until is not None:
            seq = await self._database.read(_last_settled)
            self._settled = None if seq is None else _Settled(looked_at, until, seq)

    async def _tell_progress(self) -> None:
        """Raises PublishFailedError."""
        settled = self._settled
        if settled is None or not self._has_published(settled.seq):
            return
        self._settled = None
        self._tell_again_at = asyncio.get_running_loop().time() + PROGRESS_SECONDS
        if await self._database.read(_something_is_missing):
            return
        service = self._source.removeprefix("/")
        record = record_of(
            RelayCaughtUp(service=service, until=settled.until),
            event_id=new_id(),
            key=service,
            traceparent=new_traceparent(),
            time=settled.looked_at,
            source=self._source,
        )
        await self._bus.publish([record])

    def _progress_is_due(self) -> bool:
        seconds = asyncio.get_running_loop().time()
        return self._tells_progress and seconds >= self._tell_again_at

    def _has_published(self, seq: int) -> bool:
        """Whether nothing up to there was left by the batch before."""
        return self._published_to is None or self._published_to >= seq

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
        if stop.is_set():
            return
        seconds = POLL_SECONDS
        if self._tells_progress:
            due_in = self._tell_again_at - asyncio.get_running_loop().time()
            seconds = min(seconds, max(due_in, ASK_AGAIN_SECONDS))
        await pause(self._wake, seconds)


def _last_settled(tx: Read) -> int | None:
    """Up to which row all is told once that is published; None while something is set aside.

    Asked before the outbox is read: a fact that is redelivered between the two is not in the batch.
    """
    return None if _something_is_missing(tx) else last_seq(tx)


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

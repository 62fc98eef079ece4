"""The loop of one channel that is fetched: take the lease, read, hand over, move the cursor, wait.

A round hands each batch to the same use case as webhooks, and moves the cursor when that has
committed. A crash in between repeats the batch: its messages are known by then, and change nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.intake.policy import ChannelRules
from services.intake.pulling import store
from services.intake.pulling.source import Batch, PullError, Source
from services.intake.pulling.store import Lease, LeaseLostError
from shared.db import Database, DatabaseUnavailableError
from shared.errors import UnavailableError
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import first_of, pause, unless
from shared.runtime.telemetry import Metrics

LEASE = timedelta(seconds=30)
RENEW_SECONDS = 10.0
ASK_AGAIN_SECONDS = 10.0
"""How often an instance that waits for the lease asks for it."""
CLOCK_SECONDS = 1.0
"""How often it is looked whether the time has come: clocks are set."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
LONGEST_NOT_BEFORE = timedelta(days=2)
"""What a source asks us to wait is not believed beyond that."""

THE_ONLY_ONE = UUID(int=0)

log = structlog.get_logger()

HandOver = Callable[[ChannelRules, bytes], Awaitable[None]]
"""Store what a body holds, or keep it aside. Raises UnavailableError when a part of the desk is
down.
"""


class Jitter(Protocol):
    def __call__(self) -> float:
        """From 0 up to 1."""


@dataclass(frozen=True, slots=True)
class Counts:
    rounds: Counter

    @classmethod
    def of(cls, metrics: Metrics) -> Counts:
        return cls(
            metrics.counter(
                "desk_pull_rounds", "Rounds of fetching by what came of them.", "channel", "outcome"
            )
        )


class Poller:
    """Of one channel, in this instance."""

    def __init__(
        self,
        channel: ChannelRules,
        source: Source,
        *,
        every: timedelta,
        hand_over: HandOver,
        database: Database,
        clock: Clock,
        counts: Counts,
        jitter: Jitter | None = None,
    ) -> None:
        self._channel = channel
        self._source = source
        self._every = every
        self._hand_over = hand_over
        self._database = database
        self._clock = clock
        self._counts = counts
        self._jitter = jitter or SystemRandom().random
        # Of a file there is one process: what a dead one held is this one's at once.
        self._holder = THE_ONLY_ONE if database.dialect == "sqlite" else new_id()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                lease = await self._take()
                if lease is not None:
                    await self._read_while_ours(lease, stop)
            except DatabaseUnavailableError:
                pass  # the database says so itself
            except Exception:
                # A bug of ours in one source must end neither the others nor the webhooks.
                log.exception("pull.failed", channel=self._channel.name)
            finally:
                await self._source.close()
            await pause(stop, ASK_AGAIN_SECONDS)

    async def _take(self) -> Lease | None:
        now = self._clock.now()
        return await self._database.write(
            store.take, self._channel.name, holder=self._holder, now=now, until=now + LEASE
        )

    async def _read_while_ours(self, lease: Lease, stop: asyncio.Event) -> None:
        async with self._kept(lease, stop) as ended:
            await unless(ended, self._rounds(lease, ended))
        with contextlib.suppress(DatabaseUnavailableError):
            await self._database.write(store.release, lease)

    @asynccontextmanager
    async def _kept(self, lease: Lease, stop: asyncio.Event) -> AsyncIterator[asyncio.Event]:
        """Renew the lease meanwhile; the event is set when it is lost, or at the end of all."""
        ended = asyncio.Event()

        async def renewing() -> None:
            until = self._clock.now() + LEASE
            while not (ended.is_set() or stop.is_set()) and self._clock.now() < until:
                await first_of(stop, ended, seconds=RENEW_SECONDS)
                with contextlib.suppress(DatabaseUnavailableError):
                    now = self._clock.now()
                    if not await self._database.write(store.renew, lease, until=now + LEASE):
                        break
                    until = now + LEASE
            ended.set()

        task = asyncio.create_task(renewing())
        try:
            yield ended
        finally:
            ended.set()
            await task

    async def _rounds(self, lease: Lease, ended: asyncio.Event) -> None:
        if lease.not_before is not None:
            await self._until(lease.not_before, ended)
        while not ended.is_set():
            try:
                await self.read_round(lease)
                await self._source.wait(self._every.total_seconds())
            except PullError as error:
                not_before = await self._failed(lease, error)
                await self._source.close()
                await self._until(not_before, ended)
            except LeaseLostError:
                return
            except UnavailableError:
                # A part of the desk is down and says so itself; nothing of the source is lost.
                await self._source.close()
                await pause(ended, FIRST_PAUSE.total_seconds())

    async def read_round(self, lease: Lease) -> None:
        """Store all that came since. Raises PullError, LeaseLostError, UnavailableError."""
        cursors = await self._database.read(store.cursors, lease.channel)
        async with contextlib.aclosing(self._source.batches(cursors)) as batches:
            async for batch in batches:
                await self._store(lease, batch)
        failing = await self._database.write(store.note_read, lease, now=self._clock.now())
        self._counts.rounds.labels(lease.channel, "read").inc()
        if failing is not None:
            seconds = (self._clock.now() - failing).total_seconds()
            log.info("pull.resumed", channel=lease.channel, seconds=round(seconds))

    async def _store(self, lease: Lease, batch: Batch) -> None:
        for body in batch.bodies:
            await self._hand_over(self._channel, body)
        if batch.after is not None:
            await batch.after()
        await self._database.write(
            store.advance, lease, place=batch.place, cursor=batch.cursor, now=self._clock.now()
        )

    async def _failed(self, lease: Lease, error: PullError) -> datetime:
        """Note it; when to try again. Raises LeaseLostError, DatabaseUnavailableError."""
        now = self._clock.now()
        noted: store.Noted = await self._database.write(
            store.note_failure,
            lease,
            reason=error.reason,
            now=now,
            not_before=lambda failures: self._not_before(error, now, failures),
        )
        self._counts.rounds.labels(lease.channel, error.kind).inc()
        if noted.failures == 1:
            log.warning(
                "pull.interrupted",
                channel=lease.channel,
                kind=error.kind,
                reason=error.reason,
                not_before=noted.not_before.isoformat(),
            )
        return noted.not_before

    def _not_before(self, error: PullError, now: datetime, failures: int) -> datetime:
        """The later of what the source says and a pause that grows; a part of it is chance."""
        grown = min(FIRST_PAUSE * (1 << min(failures - 1, 16)), LONGEST_PAUSE)
        own = now + grown * (0.5 + self._jitter() / 2)
        said = min(error.not_before or now, now + LONGEST_NOT_BEFORE)
        return max(own, said)

    async def _until(self, moment: datetime, ended: asyncio.Event) -> None:
        while not ended.is_set() and (left := (moment - self._clock.now()).total_seconds()) > 0:
            await pause(ended, min(left, CLOCK_SECONDS))

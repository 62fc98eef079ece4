"""The consumer loop: facts off the bus, into verbs, each with exactly one effect.

What was fetched is one transaction: inbox rows first, then the handlers. When it fails, each
partition is one, and when that fails too the records are handled one by one; a record that keeps
failing becomes a dead letter with its reason and is not marked handled, so that it can be tried
again. Only then is the position committed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from shared.bus.port import Bus, BusUnavailableError, Partition, Progress, Received, Subscription
from shared.db import Database, DatabaseUnavailableError, Write
from shared.messaging import dead_letters, inbox
from shared.messaging.codec import MalformedRecordError, event_type, to_envelope
from shared.messaging.envelope import Envelope
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock
from shared.runtime.error_text import described
from shared.runtime.lifecycle import at_least, pause
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import trace_id, tracing

Handler = Callable[[Write, Sequence[Envelope]], None]

MAX_RECORDS = 400
FETCH_SECONDS = 0.5
GATHER_SECONDS = 0.1
"""At least so long from one transaction to the next: facts that keep coming share one."""
ATTEMPTS = 5
FIRST_BACKOFF_SECONDS = 0.2
UNAVAILABLE_SECONDS = 1.0
LONGEST_UNAVAILABLE_SECONDS = 5.0
NOT_PARKED_SECONDS = 60.0
STALLED_SECONDS = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    """What a service listens to: the topics, and the verb for each event type.

    A handler gets a sequence of facts of its type, no two of one key, in one transaction. Types
    without a handler are passed over. The effect of `repeatable` ones may happen any number of
    times, so that no row is kept for each of them; after a commit that had one `on_repeatable` is
    called. `prepare` gets all facts of a transaction before
    any handler does: what locks rows for several facts locks them there, in one order.
    """

    group: str
    topics: tuple[str, ...]
    handlers: Mapping[str, Handler]
    repeatable: Mapping[str, Handler] = field(default_factory=dict)
    on_repeatable: Callable[[], None] | None = None
    prepare: Handler | None = None

    def handler(self, type_: str) -> Handler | None:
        return self.handlers.get(type_, self.repeatable.get(type_))


class Consumer:
    def __init__(
        self,
        listener: Listener,
        *,
        database: Database,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        on_recorded: Callable[[], None],
    ) -> None:
        """`on_recorded` is called after each commit: the handlers may have filled the outbox."""
        self.group = listener.group
        self._listener = listener
        self._database = database
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._on_recorded = on_recorded
        self._failures: dict[tuple[Partition, int], int] = {}
        self._backoff = Backoff(UNAVAILABLE_SECONDS, LONGEST_UNAVAILABLE_SECONDS)
        self._turned = time.monotonic()
        self._subscription: Subscription | None = None

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._bus.subscribe(
                    self._listener.group, self._listener.topics
                ) as subscription:
                    self._subscription = subscription
                    await self._consume(subscription, stop)
            except BusUnavailableError as error:
                if self._bus.problem is None:
                    log.warning("consumer.reopened", group=self.group, reason=str(error))
                await pause(stop, UNAVAILABLE_SECONDS)
            finally:
                self._subscription = None

    async def _consume(self, subscription: Subscription, stop: asyncio.Event) -> None:
        while not stop.is_set():
            batches = await subscription.fetch(
                max_records=MAX_RECORDS, timeout_seconds=FETCH_SECONDS
            )
            began = asyncio.get_running_loop().time()
            gathered = sum(map(len, batches.values()))
            if len(batches) > 1 and await self._together(subscription, batches):
                batches = {}
            for partition, records in batches.items():
                await self._work_off(subscription, partition, records)
            self._turned = time.monotonic()
            if 0 < gathered < MAX_RECORDS:
                await at_least(GATHER_SECONDS, began, stop)

    def stalled(self) -> bool:
        """Whether the loop has not turned for so long that only a restart can help."""
        return time.monotonic() - self._turned > STALLED_SECONDS

    async def lag(self) -> int | None:
        """Records not handled yet; None while there is no subscription to ask."""
        if self._subscription is None:
            return None
        return await self._subscription.lag()

    async def progress(self) -> dict[Partition, Progress] | None:
        """How far the group is; None while there is no subscription to ask."""
        return None if self._subscription is None else await self._subscription.progress()

    async def _together(
        self, subscription: Subscription, batches: Mapping[Partition, Sequence[Received]]
    ) -> bool:
        """Whether they are dealt with: in one transaction, which costs hardly more than one of
        them, or put off until the database is back.
        """
        try:
            await self._apply([record for records in batches.values() for record in records])
        except DatabaseUnavailableError:
            seconds = self._backoff.pause()
            for partition, records in batches.items():
                await subscription.retry(partition, records[0].offset, after_seconds=seconds)
            return True
        except Exception:  # noqa: BLE001 - each partition on its own then finds out whose failure it is
            return False
        for partition, records in batches.items():
            await subscription.commit(partition, records[-1].offset + 1)
        return True

    async def _work_off(
        self, subscription: Subscription, partition: Partition, records: Sequence[Received]
    ) -> None:
        try:
            await self._apply(records)
        except DatabaseUnavailableError:
            await subscription.retry(
                partition, records[0].offset, after_seconds=self._backoff.pause()
            )
            return
        except Exception as error:  # noqa: BLE001 - the boundary of the loop: any failure is bounded
            log.warning(
                "consumer.batch_failed", partition=partition.number, reason=described(error)
            )
            await self._one_by_one(subscription, partition, records)
            return
        await subscription.commit(partition, records[-1].offset + 1)

    async def _one_by_one(
        self, subscription: Subscription, partition: Partition, records: Sequence[Received]
    ) -> None:
        for record in records:
            again_after = await self._single(record)
            if again_after is not None:
                await subscription.retry(partition, record.offset, after_seconds=again_after)
                return
            if not await subscription.commit(partition, record.offset + 1):
                return

    async def _single(self, record: Received) -> float | None:
        """Seconds until this record should come again, or None when it is dealt with."""
        where = (record.partition, record.offset)
        try:
            await self._apply([record])
        except DatabaseUnavailableError:
            return self._backoff.pause()
        except Exception as error:  # noqa: BLE001 - the boundary of the loop: any failure is bounded
            failures = self._failures.get(where, 0) + 1
            if failures < ATTEMPTS and not isinstance(error, MalformedRecordError):
                self._failures[where] = failures
                return float(FIRST_BACKOFF_SECONDS * 2**failures)
            return await self._park(record, error)
        self._failures.pop(where, None)
        return None

    async def _park(self, record: Received, error: Exception) -> float | None:
        try:
            await self._database.write(
                dead_letters.keep,
                record,
                consumer=self.group,
                reason=repr(error),
                now=self._clock.now(),
            )
        except DatabaseUnavailableError:
            return self._backoff.pause()
        except Exception as failure:  # noqa: BLE001 - the boundary of the loop: the other partitions go on
            log.error(  # noqa: TRY400 - the record's own failure is the one to look at
                "consumer.not_parked",
                topic=record.partition.topic,
                partition=record.partition.number,
                offset=record.offset,
                reason=described(failure),
            )
            return NOT_PARKED_SECONDS
        self._failures.pop((record.partition, record.offset), None)
        self._metrics.dead_letters.inc()
        log.error(
            "consumer.dead_lettered",
            topic=record.partition.topic,
            partition=record.partition.number,
            offset=record.offset,
            reason=described(error),
        )
        return None

    async def _apply(self, records: Sequence[Received]) -> None:
        await self.handle(self._envelopes(records))

    def _envelopes(self, records: Sequence[Received]) -> list[Envelope]:
        return [to_envelope(each) for each in records if self._listener.handler(event_type(each))]

    async def handle(self, events: Sequence[Envelope]) -> None:
        """Give the facts to their handlers in one transaction, each fact once.

        Raises what a handler raises; nothing has changed then.
        """
        mine = [event for event in events if self._listener.handler(event.data.TYPE)]
        if not mine:
            return
        fresh = await self._database.write(self._handle, mine)
        self._backoff.reset()
        self._metrics.repeated.inc(len(mine) - len(fresh))
        self.count(fresh)

    def work_off(self, tx: Write, records: Sequence[Received]) -> list[Envelope]:
        """What `handle` does, in a transaction of somebody else's; the facts that had an effect.

        Raises MalformedRecordError, or what a handler raises. `count` follows after the commit.
        """
        return self._handle(tx, self._envelopes(records))

    def count(self, fresh: Sequence[Envelope]) -> None:
        """Note that these had their effect, now that it is committed."""
        for type_, count in Counter(event.data.TYPE for event in fresh).items():
            self._metrics.handled.labels(type_).inc(count)
        if log.is_enabled_for(logging.DEBUG):
            _tell(fresh)
        if any(event.data.TYPE in self._listener.handlers for event in fresh):
            self._on_recorded()
        listener = self._listener
        if listener.on_repeatable and any(e.data.TYPE in listener.repeatable for e in fresh):
            listener.on_repeatable()

    def _handle(self, tx: Write, envelopes: Sequence[Envelope]) -> list[Envelope]:
        repeatable = self._listener.repeatable
        new = inbox.first_time(
            tx,
            [envelope.id for envelope in envelopes if envelope.data.TYPE not in repeatable],
            consumer=self._listener.group,
            now=self._clock.now(),
        )
        fresh = _each_once(
            [each for each in envelopes if each.data.TYPE in repeatable or each.id in new]
        )
        if self._listener.prepare is not None and fresh:
            self._listener.prepare(tx, fresh)
        for wave in in_waves(fresh):
            for type_, group in wave.items():
                handler = self._listener.handler(type_)
                if handler is not None:
                    with tracing(group[0].traceparent):
                        handler(tx, group)
        return fresh


def _tell(handled: Sequence[Envelope]) -> None:
    for envelope in handled:
        log.debug(
            "event.handled",
            type=envelope.data.TYPE,
            event_id=str(envelope.id),
            trace_id=trace_id(envelope.traceparent),
        )


def _each_once(envelopes: Sequence[Envelope]) -> list[Envelope]:
    return list({envelope.id: envelope for envelope in envelopes}.values())


def in_waves(envelopes: Sequence[Envelope]) -> list[dict[str, list[Envelope]]]:
    """Facts grouped by type for batched verbs, without letting one key's facts overtake.

    The first fact of every key is in the first wave, the second in the second, and so on.
    """
    waves: list[dict[str, list[Envelope]]] = []
    seen: dict[str, int] = {}
    for envelope in envelopes:
        number = seen.get(envelope.key, 0)
        seen[envelope.key] = number + 1
        if number == len(waves):
            waves.append({})
        waves[number].setdefault(envelope.data.TYPE, []).append(envelope)
    return waves

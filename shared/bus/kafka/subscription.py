"""Consuming: explicit commits, retries by seeking back, and nothing kept over a rebalance.

Rebalances happen in the background, in the middle of a caller's work. What was fetched before one
is delivered again after it, so a commit for it is answered with False.

A header's name that is no UTF-8 breaks the unpacking of what was fetched, and with it every later
fetch of its partition. Such a record can be read by nobody here and is passed over; to find it, the
next member of the group reads one record at a time.
"""

# mypy: disallow-untyped-calls=False
# (aiokafka is only partly annotated)

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from math import ceil, inf

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
)

from shared.bus.kafka.connection import KafkaSettings, bounded, secured
from shared.bus.port import BusUnavailableError, Partition, Progress, Received

log = structlog.get_logger()

_Raw = ConsumerRecord[bytes, bytes]

# A killed member's partitions stand still for the session timeout; the broker allows no less.
_SESSION_SECONDS = 6
_HEARTBEAT_SECONDS = 2
# Between two fetches: one batch with all its retries and pauses must take less than this.
MAX_POLL_SECONDS = 300
# Another member may have got the partition in question: then nothing broken comes up here.
_CAREFUL_SECONDS = 60.0


class KafkaSubscription:
    """One member of a consumer group. `fetch` is for one task at a time."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[str],
        *,
        clock: Callable[[], float],
        careful: dict[str, float],
    ) -> None:
        """`careful` says until when a group reads one record at a time, to find a broken one."""
        self._group = group
        self._careful = careful
        self._settings = settings
        self._topics = tuple(topics)
        self._clock = clock
        self._fetched: dict[TopicPartition, int] = {}
        self._held: dict[TopicPartition, float] = {}
        self._closed = False
        # No group_instance_id: two members of the same name would both read without an error.
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=list(settings.servers),
            client_id=f"inbound-desk-{group}",
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=_SESSION_SECONDS * 1000,
            heartbeat_interval_ms=_HEARTBEAT_SECONDS * 1000,
            max_poll_interval_ms=MAX_POLL_SECONDS * 1000,
            **secured(settings),
        )
        self._consumer.subscribe(topics=self._topics, listener=_Listener(self))

    async def open(self) -> None:
        """Join the group. Raises BusUnavailableError."""
        try:
            async with asyncio.timeout(self._settings.start_seconds):
                await self._consumer.start()
        except (TimeoutError, KafkaError, OSError) as error:
            raise BusUnavailableError(f"joining the consumer group failed: {error!r}") from error

    async def close(self) -> None:
        """Leave the group if the broker still listens."""
        self._closed = True
        self._fetched.clear()
        if await bounded(self._consumer.stop()):
            return
        # `stop` waits for the coordinator first; these two end what it left running.
        if self._consumer._fetcher is not None:  # noqa: SLF001 - there is no public way to give up
            await bounded(self._consumer._fetcher.close())  # noqa: SLF001 - same
        await bounded(self._consumer._client.close())  # noqa: SLF001 - same

    async def fetch(
        self, *, max_records: int, timeout_seconds: float
    ) -> dict[Partition, list[Received]]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            self._require_open()
            wait = max(0.0, min(deadline - loop.time(), self._resume_due()))
            room = 1 if self._is_careful() else max_records
            try:
                # No timeout around it: a cancelled fetch leaves the consumer without its watchdog.
                found = await self._consumer.getmany(timeout_ms=ceil(wait * 1000), max_records=room)
            except (KafkaError, ConsumerStoppedError) as error:
                raise BusUnavailableError(f"this consumer is beyond repair: {error!r}") from error
            except UnicodeDecodeError as error:
                await self._pass_over(error, alone=room == 1)
                continue
            if found or loop.time() >= deadline:
                return {
                    Partition(place.topic, place.partition): self._keep(place, records)
                    for place, records in found.items()
                    if records
                }

    async def _pass_over(self, error: UnicodeDecodeError, *, alone: bool) -> None:
        """Go on behind the record that cannot be unpacked.

        Raises BusUnavailableError when it was not alone: those before it are lost to this member.
        """
        if not alone:
            self._careful[self._group] = self._clock() + _CAREFUL_SECONDS
            raise BusUnavailableError(f"a record cannot be decoded: {error}") from error
        place, offset = self._broken()
        try:
            self._consumer.seek(place, offset + 1)
        except IllegalStateError:
            return
        self._fetched[place] = offset + 1
        self._careful.pop(self._group, None)
        log.error(
            "bus.record_unreadable", topic=place.topic, partition=place.partition, offset=offset
        )
        # Else the group would seem to lag behind until the next record of this partition.
        await self.commit(Partition(place.topic, place.partition), offset + 1)

    def _is_careful(self) -> bool:
        return self._clock() < self._careful.get(self._group, -inf)

    def _broken(self) -> tuple[TopicPartition, int]:
        fetcher = self._consumer._fetcher  # noqa: SLF001 - the error does not say where
        fetched = {} if fetcher is None else fetcher._records  # noqa: SLF001 - same
        for place, result in fetched.items():
            unpacked = getattr(result, "_partition_records", None)
            if unpacked is not None and unpacked._records_iterator.gi_frame is None:  # noqa: SLF001 - same
                return place, unpacked.next_fetch_offset
        raise BusUnavailableError("a record cannot be decoded, and it is unknown which one")

    async def commit(self, partition: Partition, next_offset: int) -> bool:
        place = TopicPartition(partition.topic, partition.number)
        if next_offset > self._fetched.get(place, -1):
            return False
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                await self._consumer.commit({place: next_offset})
        except (CommitFailedError, IllegalStateError):
            self._fetched.pop(place, None)
            return False
        except (TimeoutError, KafkaError, ConsumerStoppedError) as error:
            raise BusUnavailableError(f"Kafka did not accept the commit: {error!r}") from error
        return True

    async def retry(self, partition: Partition, offset: int, *, after_seconds: float) -> None:
        place = TopicPartition(partition.topic, partition.number)
        try:
            # Since a rebalance the position is the committed one, which is where we want to be.
            if place in self._fetched:
                self._consumer.seek(place, offset)
            self._consumer.pause(place)
        except IllegalStateError:
            return
        self._held[place] = self._clock() + after_seconds

    async def lag(self) -> int:
        """Raises BusUnavailableError."""
        return sum(each.lag for each in (await self.progress()).values())

    async def progress(self) -> dict[Partition, Progress]:
        """Raises BusUnavailableError."""
        self._require_open()
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                return await self._progress()
        except (TimeoutError, KafkaError, ConsumerStoppedError) as error:
            raise BusUnavailableError(f"Kafka did not return its offsets: {error!r}") from error

    def revoked(self) -> None:
        """A rebalance has begun: nothing that was fetched before may be committed any more."""
        self._fetched.clear()

    def assigned(self, places: Collection[TopicPartition]) -> None:
        """A rebalance is over; it has forgotten which partitions were paused."""
        self._held = {place: until for place, until in self._held.items() if place in places}
        if self._held:
            self._consumer.pause(*self._held)

    def _require_open(self) -> None:
        if self._closed:
            raise BusUnavailableError("the bus has stopped")

    def _resume_due(self) -> float:
        """Let the retries go on whose time has come; seconds until the next one's."""
        now = self._clock()
        for place in [place for place, until in self._held.items() if until <= now]:
            del self._held[place]
            if place in self._consumer.assignment():
                self._consumer.resume(place)
        return min((until - now for until in self._held.values()), default=inf)

    def _keep(self, place: TopicPartition, records: Sequence[_Raw]) -> list[Received]:
        self._fetched[place] = records[-1].offset + 1
        partition = Partition(place.topic, place.partition)
        return [_received(partition, record) for record in records]

    async def _progress(self) -> dict[Partition, Progress]:
        places = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in sorted(self._consumer.partitions_for_topic(topic) or ())
        ]
        oldest = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        found = {}
        for place in places:
            committed = await self._consumer.committed(place)
            next_offset = max(committed or 0, oldest[place])
            found[Partition(place.topic, place.partition)] = Progress(next_offset, ends[place])
        return found


class _Listener(ConsumerRebalanceListener):
    """Exceptions in here would only be logged, so it does next to nothing."""

    def __init__(self, subscription: KafkaSubscription) -> None:
        self._subscription = subscription

    def on_partitions_revoked(
        self,
        revoked: Collection[TopicPartition],  # noqa: ARG002 - aiokafka's signature
    ) -> None:
        self._subscription.revoked()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._subscription.assigned(assigned)


def _received(partition: Partition, record: _Raw) -> Received:
    """A foreign record may lack key or value or be in another encoding; it passes as it can."""
    return Received(
        partition,
        record.offset,
        (record.key or b"").decode(errors="replace"),
        record.value or b"",
        tuple((name, value or b"") for name, value in record.headers),
    )

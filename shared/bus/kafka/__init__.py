"""The bus on Kafka. Only this folder knows aiokafka.

Records are published with acks=all by an idempotent producer, and consumed with explicit commits.
One broker alone does not fsync each record: it survives being killed, not a power cut. For that
it needs three brokers (`?replication=3`), or `log.flush.interval.messages=1` on the one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from shared.bus.kafka.client_log import follow_client, last_words
from shared.bus.kafka.connection import KafkaSettings
from shared.bus.kafka.producer import Producer
from shared.bus.kafka.subscription import KafkaSubscription
from shared.bus.kafka.topics import ensure_topics
from shared.bus.outage import Outage
from shared.bus.port import (
    BusUnavailableError,
    PublishFailedError,
    Record,
    Subscription,
    Topic,
)
from shared.bus.size import check_sizes

__all__ = ["KafkaBus", "KafkaSettings"]


class KafkaBus:
    """Implements `shared.bus.port.Bus`. `clock` gives monotonic seconds for waiting."""

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[Topic],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._topics = {topic.name: topic for topic in topics}
        self._clock = clock
        self._outage = Outage(clock, problem="the bus is not connected yet", client=last_words)
        self._producer: Producer | None = None
        self._subscriptions: set[KafkaSubscription] = set()
        self._careful: dict[str, float] = {}

    @property
    def problem(self) -> str | None:
        return self._outage.problem

    async def start(self) -> None:
        follow_client()
        producer = Producer(self._settings)
        try:
            await ensure_topics(self._settings, list(self._topics.values()))
            await producer.start()
        except BusUnavailableError as error:
            self._outage.failed(str(error))
            raise
        self._producer = producer
        self._outage.answered()

    async def stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        async with asyncio.TaskGroup() as closing:
            closing.create_task(producer.stop())
            for subscription in self._subscriptions:
                closing.create_task(subscription.close())

    async def ping(self) -> None:
        if self._producer is None:
            raise BusUnavailableError("the bus is not running")
        try:
            await self._producer.ping()
        except BusUnavailableError as error:
            self._outage.failed(str(error))
            raise
        self._outage.answered()

    async def publish(self, records: Sequence[Record]) -> None:
        if not records:
            return
        if self._producer is None:
            raise PublishFailedError("the bus is not running")
        for record in records:
            self._require_known(record.topic)
        check_sizes(records)
        await self._producer.publish(records)

    def subscribe(
        self, group: str, topics: Sequence[str]
    ) -> AbstractAsyncContextManager[Subscription]:
        return self._subscription(group, topics)

    @asynccontextmanager
    async def _subscription(self, group: str, topics: Sequence[str]) -> AsyncIterator[Subscription]:
        if self._producer is None:
            raise BusUnavailableError("the bus is not running")
        for topic in topics:
            self._require_known(topic)
        subscription = KafkaSubscription(
            self._settings, group, topics, clock=self._clock, careful=self._careful
        )
        self._subscriptions.add(subscription)
        try:
            await subscription.open()
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            await subscription.close()

    def _require_known(self, topic: str) -> None:
        # An unknown topic would block the producer until its request timeout.
        if topic not in self._topics:
            raise ValueError(f"topic {topic} was not declared when the bus was opened")

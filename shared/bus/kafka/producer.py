"""Publishing: everything confirmed by all replicas, and a producer that is replaced when it fails.

An idempotent producer never gives up by itself and, after one refused batch, refuses every later
one for that partition. So the waiting has an end here, and after any failure the producer is
closed for good before another one sends: nothing of the old one can arrive after the new one's.
"""

# mypy: disallow-untyped-calls=False
# (aiokafka is only partly annotated)

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from shared.bus.kafka.connection import KafkaSettings, bounded, secured
from shared.bus.kafka.topics import MAX_MESSAGE_BYTES
from shared.bus.port import (
    BusUnavailableError,
    PublishFailedError,
    Record,
    RecordTooLargeError,
)

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Producer:
    """Safe for several tasks; the order of a key holds within one call of `publish`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._current: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises BusUnavailableError."""
        await self._ready()

    async def stop(self) -> None:
        async with self._opening:
            if self._current is not None:
                self._discard(self._current)
            await self._closed()

    async def ping(self) -> None:
        """Raises BusUnavailableError."""
        producer = await self._ready()
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                await producer.client.fetch_all_metadata()
        except (TimeoutError, KafkaError, OSError) as error:
            raise BusUnavailableError(f"Kafka does not answer: {error!r}") from error

    async def publish(self, records: Sequence[Record]) -> None:
        """Raises PublishFailedError; RecordTooLargeError for one record that was sent alone."""
        try:
            producer = await self._ready()
        except BusUnavailableError as error:
            raise PublishFailedError(str(error)) from error
        sent: list[asyncio.Future[object]] = []
        try:
            failure = await self._send(producer, records, sent)
            if failure is not None:
                self._discard(producer)
                await self._closed()
                raise _failed(records, failure, _done(sent))
        finally:
            for future in sent:
                if not future.done():
                    future.add_done_callback(_failure_of)

    async def _send(
        self,
        producer: AIOKafkaProducer,
        records: Sequence[Record],
        sent: list[asyncio.Future[object]],
    ) -> BaseException | None:
        """Why not all of them were confirmed, or None; `sent` grows by a future for each record."""
        try:
            async with asyncio.timeout(self._settings.publish_seconds):
                for record in records:
                    future = await producer.send(
                        record.topic,
                        value=record.value,
                        key=record.key.encode(),
                        headers=list(record.headers),
                    )
                    sent.append(future)
                await asyncio.wait(sent)
        except TimeoutError:
            return TimeoutError(f"no answer within {self._settings.publish_seconds:g} s")
        except (KafkaError, OSError) as error:
            return error
        failures = [error for error in map(_failure_of, sent) if error is not None]
        return failures[0] if failures else None

    async def _ready(self) -> AIOKafkaProducer:
        async with self._opening:
            await self._closed()
            if self._current is None:
                self._current = await self._open()
            return self._current

    async def _open(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=list(self._settings.servers),
            client_id="inbound-desk",
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=131_072,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=int(self._settings.answer_seconds * 1000),
            **secured(self._settings),
        )
        try:
            async with asyncio.timeout(self._settings.start_seconds):
                await producer.start()
        except (TimeoutError, KafkaError, OSError) as error:
            raise BusUnavailableError(f"Kafka does not answer: {error!r}") from error
        else:
            return producer
        finally:
            if producer._sender.sender_task is None:  # noqa: SLF001 - start did not reach its end
                await bounded(producer.stop())

    def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._current is producer:
            self._current = None
            task = asyncio.create_task(_close(producer))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _closed(self) -> None:
        """Wait until every discarded producer is gone; they go on going when the caller leaves."""
        if self._closing:
            await asyncio.shield(asyncio.wait(list(self._closing)))


async def _close(producer: AIOKafkaProducer) -> None:
    if await bounded(producer.stop()):
        return
    # `stop` waits for records that will never be confirmed; these two end what it left running.
    await bounded(producer._sender.close())  # noqa: SLF001 - there is no public way to give up
    await bounded(producer.client.close())


def _failed(
    records: Sequence[Record], failure: BaseException, confirmed: frozenset[int]
) -> PublishFailedError:
    """A refusal falls on all that go in one batch: only of a record alone it says something."""
    if len(records) == 1 and isinstance(failure, _TOO_LARGE):
        return RecordTooLargeError(f"Kafka refuses a record for {records[0].topic}: {failure!r}", 0)
    return PublishFailedError(f"Kafka did not confirm all records: {failure!r}", confirmed)


def _done(sent: Sequence[asyncio.Future[object]]) -> frozenset[int]:
    return frozenset(
        index for index, future in enumerate(sent) if future.done() and _failure_of(future) is None
    )


def _failure_of(future: asyncio.Future[object]) -> BaseException | None:
    """The failure of a finished future, which asyncio then counts as seen."""
    return asyncio.CancelledError() if future.cancelled() else future.exception()

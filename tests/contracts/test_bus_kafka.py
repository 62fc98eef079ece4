"""What only Kafka can do to us: brokers that die, topics that somebody changed, refused batches."""

# mypy: disallow-untyped-calls=False
# (aiokafka is only partly annotated)

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.record.util import calc_crc32c

from shared.bus.kafka import KafkaBus, KafkaSettings
from shared.bus.port import (
    BusUnavailableError,
    PublishFailedError,
    Record,
    RecordTooLargeError,
    Topic,
)
from tests.contracts.bus_support import (
    PARTITIONS,
    eventually,
    per_key,
    read_until_quiet,
    take,
)
from tests.support.kafka_broker import Broker
from tests.support.processes import free_port

_BOUND_SECONDS = 20.0


@pytest.fixture
def broker(mortal_kafka: Broker) -> Iterator[Broker]:
    """Alive again after the test, whatever came of it."""
    yield mortal_kafka
    if not mortal_kafka.running:
        mortal_kafka.start()


@pytest.fixture
def topic() -> Topic:
    return Topic(f"test.{uuid.uuid4().hex}", PARTITIONS, 14 * 86_400)


async def test_a_broker_killed_in_mid_publish_loses_nothing_confirmed(
    broker: Broker, topic: Topic
) -> None:
    bus = _impatient(broker.bootstrap, topic)
    await bus.start()
    records = [Record(topic.name, f"key-{i % 5}", str(i).encode()) for i in range(400)]
    failures = 0

    async def publish_all() -> None:
        nonlocal failures
        at = 0
        while at < len(records):
            batch = records[at : at + 10]
            try:
                await bus.publish(batch)
            except PublishFailedError:
                failures += 1
                await asyncio.sleep(0.2)
            else:
                at += len(batch)

    publishing = asyncio.create_task(publish_all())
    await asyncio.sleep(0.05)
    await asyncio.to_thread(broker.kill)
    await eventually(lambda: _true(failures > 0 or publishing.done()))
    await asyncio.to_thread(broker.start)
    async with asyncio.timeout(60):
        await publishing
    assert failures
    async with bus.subscribe("group", [topic.name]) as member:
        (seen,) = await read_until_quiet([member], values_of(records))
    await bus.stop()
    for published in per_key(seen).values():
        first_times = list(dict.fromkeys(published))
        assert first_times == sorted(first_times, key=int)


async def test_a_broker_killed_in_mid_consume_loses_nothing(broker: Broker, topic: Topic) -> None:
    bus = _impatient(broker.bootstrap, topic)
    await bus.start()
    records = [Record(topic.name, f"key-{i % 9}", str(i).encode()) for i in range(90)]
    await bus.publish(records)
    async with bus.subscribe("group", [topic.name]) as member:
        held = await take(member, 90, commit=False)
        await asyncio.to_thread(broker.kill)
        with pytest.raises(BusUnavailableError):
            await member.commit(held[0].partition, held[0].offset + 1)
        with pytest.raises(BusUnavailableError):
            await member.lag()
        assert await member.fetch(max_records=10, timeout_seconds=0.1) == {}
        begun = time.monotonic()
    assert time.monotonic() - begun < _BOUND_SECONDS, "leaving must not wait for a dead broker"
    await asyncio.to_thread(broker.start)
    async with bus.subscribe("group", [topic.name]) as member:
        await read_until_quiet([member], values_of(records))
    await bus.stop()


async def test_a_consumer_that_waits_goes_on_after_a_restart(broker: Broker, topic: Topic) -> None:
    bus = _impatient(broker.bootstrap, topic)
    await bus.start()
    async with bus.subscribe("group", [topic.name]) as member:
        await bus.publish([Record(topic.name, "k", b"before")])
        await take(member, 1)
        await asyncio.to_thread(broker.restart)

        async def published() -> bool:
            with contextlib.suppress(PublishFailedError):
                await bus.publish([Record(topic.name, "k", b"after")])
                return True
            return False

        await eventually(published)
        await read_until_quiet([member], [b"after"])
    await bus.stop()


async def test_a_dead_broker_is_told_in_time_and_can_be_left(broker: Broker, topic: Topic) -> None:
    bus = _impatient(broker.bootstrap, topic)
    await bus.start()
    await asyncio.to_thread(broker.kill)
    begun = time.monotonic()
    with pytest.raises(PublishFailedError) as failed:
        await bus.publish([Record(topic.name, "k", b"lost?")])
    assert failed.value.confirmed == frozenset()
    with pytest.raises(BusUnavailableError):
        await bus.ping()
    with pytest.raises(BusUnavailableError):
        async with bus.subscribe("group", [topic.name]):
            pass
    other = _impatient(broker.bootstrap, topic)
    with pytest.raises(BusUnavailableError):
        await other.start()
    await other.stop()
    await bus.stop()
    await bus.stop()
    assert time.monotonic() - begun < 60


async def test_a_server_that_never_answers_does_not_hold_up_the_start(topic: Topic) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(swallow, "127.0.0.1", port):
        bus = KafkaBus(KafkaSettings((f"127.0.0.1:{port}",), start_seconds=2), [topic])
        begun = time.monotonic()
        with pytest.raises(BusUnavailableError):
            await bus.start()
        assert time.monotonic() - begun < _BOUND_SECONDS


async def test_a_batch_the_broker_refuses_does_not_poison_its_partition(
    kafka_bootstrap: str, topic: Topic
) -> None:
    bus = _impatient(kafka_bootstrap, topic)
    await bus.start()
    await bus.publish([Record(topic.name, key, b"0") for key in ("a", "b", "c", "d", "e", "f")])
    async with bus.subscribe("places", [topic.name]) as member:
        places = {record.key: record.partition for record in await take(member, 6)}
    other = next(key for key in places if places[key] != places["a"])
    async with _admin(kafka_bootstrap) as admin:
        await _set(admin, topic, {"max.message.bytes": "2000"})
    records = [Record(topic.name, other, b"1"), Record(topic.name, "a", b"x" * 5000)]
    with pytest.raises(PublishFailedError) as failed:
        await bus.publish(records)
    assert 1 not in failed.value.confirmed
    # Whose it was is known only when it goes alone.
    with pytest.raises(RecordTooLargeError, match=topic.name):
        await bus.publish(records[1:])
    for number in range(2, 5):
        await bus.publish([Record(topic.name, "a", str(number).encode())])
    async with bus.subscribe("group", [topic.name]) as member:
        (seen,) = await read_until_quiet([member], [b"2", b"3", b"4"])
    await bus.stop()
    assert per_key(seen)["a"] == [b"0", b"2", b"3", b"4"]


async def test_topics_are_made_with_partitions_retention_and_size(
    kafka_bootstrap: str, topic: Topic
) -> None:
    await _start_and_stop(kafka_bootstrap, topic)
    async with _admin(kafka_bootstrap) as admin:
        found = await _get(admin, topic)
    assert found["retention.ms"] == str(14 * 86_400_000)
    assert int(found["segment.ms"]) <= 86_400_000
    assert int(found["max.message.bytes"]) > 1_048_576
    assert found["cleanup.policy"] == "delete"
    assert found["compression.type"] == "uncompressed"


async def test_an_existing_topic_gets_our_retention_and_keeps_its_other_settings(
    kafka_bootstrap: str, topic: Topic
) -> None:
    before = {
        "retention.ms": "60000",
        "max.message.bytes": "1000",
        "segment.bytes": "9999999",
        "compression.type": "zstd",
    }
    async with _admin(kafka_bootstrap) as admin:
        await admin.create_topics([NewTopic(topic.name, PARTITIONS, 1, topic_configs=before)])
        await _start_and_stop(kafka_bootstrap, topic)

        async def as_we_promise() -> bool:
            found = await _get(admin, topic)
            assert found["segment.bytes"] == "9999999"
            return (
                found["retention.ms"] == str(14 * 86_400_000)
                and int(found["max.message.bytes"]) > 1_048_576
                and found["compression.type"] == "uncompressed"
            )

        # The broker has accepted it; it is in force a moment later.
        await eventually(as_we_promise)


async def test_more_copies_than_brokers_are_refused_with_the_reason(
    kafka_bootstrap: str, topic: Topic
) -> None:
    bus = KafkaBus(KafkaSettings((kafka_bootstrap,), replication=3), [topic])
    with pytest.raises(BusUnavailableError, match=topic.name):
        await bus.start()
    await bus.stop()


async def test_several_instances_may_start_together(kafka_bootstrap: str, topic: Topic) -> None:
    async with asyncio.timeout(60):
        await asyncio.gather(*(_start_and_stop(kafka_bootstrap, topic) for _ in range(4)))


async def test_a_retry_keeps_waiting_through_a_rebalance(
    kafka_bootstrap: str, topic: Topic
) -> None:
    bus = _impatient(kafka_bootstrap, topic)
    await bus.start()
    await bus.publish([Record(topic.name, f"key-{i}", str(i).encode()) for i in range(40)])
    async with bus.subscribe("group", [topic.name]) as first:
        failed = await take(first, 40, commit=False)
        for partition in {record.partition for record in failed}:
            oldest = min(r.offset for r in failed if r.partition == partition)
            await first.retry(partition, oldest, after_seconds=600)
        async with bus.subscribe("group", [topic.name]) as second:
            moved = {record.partition for record in await take(second, 1, commit=False)}
            assert moved
            assert await first.fetch(max_records=100, timeout_seconds=1) == {}
            for record in failed:
                assert not await first.commit(record.partition, record.offset + 1)
        # The second one's come back to the first, which has no reason to hold them.
        again = {record.partition for record in await take(first, 1, commit=False)}
        assert again <= moved
    await bus.stop()


async def test_a_record_without_key_or_value_from_elsewhere_passes(
    kafka_bootstrap: str, topic: Topic
) -> None:
    bus = _impatient(kafka_bootstrap, topic)
    await bus.start()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as raw:
        await raw.send_and_wait(topic.name, value=b"no key", partition=0)
        nothing: list[tuple[str, None]] = [("h", None)]
        await raw.send_and_wait(topic.name, key=b"\xff", value=None, headers=nothing, partition=1)
    async with bus.subscribe("group", [topic.name]) as member:
        found = {(r.key, r.value, r.headers) for r in await take(member, 2)}
    await bus.stop()
    assert found == {("", b"no key", ()), ("\ufffd", b"", (("h", b""),))}


async def test_a_record_that_breaks_the_client_holds_nobody_up(
    kafka_bootstrap: str, topic: Topic
) -> None:
    bus = _impatient(kafka_bootstrap, topic)
    await bus.start()
    keys = [f"key-{number}" for number in range(9)]
    await bus.publish([Record(topic.name, key, b"before") for key in keys])
    for number in range(PARTITIONS):
        await _publish_broken(kafka_bootstrap, topic, number)
    await bus.publish([Record(topic.name, key, b"after") for key in keys])
    seen: list[tuple[str, bytes]] = []
    lag: int | None = None
    async with asyncio.timeout(60):
        while lag != 0:
            # As the consumer's loop does: what is beyond repair is opened anew.
            with contextlib.suppress(BusUnavailableError):
                async with bus.subscribe("group", [topic.name]) as member:
                    while lag != 0:
                        found = await member.fetch(max_records=50, timeout_seconds=0.3)
                        for partition, records in found.items():
                            seen += [(each.key, each.value) for each in records]
                            assert await member.commit(partition, records[-1].offset + 1)
                        lag = await member.lag()
    await bus.stop()
    assert sorted(seen) == sorted((key, value) for key in keys for value in (b"before", b"after"))


async def _publish_broken(bootstrap: str, topic: Topic, number: int) -> None:
    """A record with a header whose name is no UTF-8, as only some clients can write it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=b"k", value=b"v", headers=[("~~name~~", b"x")])
        batch.close()
        raw = bytes(batch._build()).replace(b"~~name~~", b"\xff\xfename\xff\xfe")
        batch._buffer = bytearray(raw[:17] + calc_crc32c(raw[21:]).to_bytes(4, "big") + raw[21:])
        await (await producer.send_batch(batch, topic.name, partition=number))
    finally:
        await producer.stop()


def values_of(records: list[Record]) -> list[bytes]:
    return [record.value for record in records]


def _impatient(bootstrap: str, topic: Topic) -> KafkaBus:
    settings = KafkaSettings(
        tuple(bootstrap.split(",")), start_seconds=20, answer_seconds=3, publish_seconds=3
    )
    return KafkaBus(settings, [topic])


async def _start_and_stop(bootstrap: str, topic: Topic) -> None:
    bus = _impatient(bootstrap, topic)
    await bus.start()
    await bus.stop()


async def _true(condition: bool) -> bool:
    return condition


@contextlib.asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _set(admin: AIOKafkaAdminClient, topic: Topic, settings: dict[str, str]) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, settings)
    answers: list[Any] = await admin.alter_configs([resource])
    assert [code for code, *_ in answers[0].resources] == [0]

    async def in_force() -> bool:
        found = await _get(admin, topic)
        return all(found[name] == value for name, value in settings.items())

    await eventually(in_force)


async def _get(admin: AIOKafkaAdminClient, topic: Topic) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    answers: list[Any] = await admin.describe_configs([resource])
    ((_, _, _, _, entries),) = answers[0].resources
    return {entry[0]: entry[1] for entry in entries}

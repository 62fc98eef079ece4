"""What cannot be dealt with is kept whole, holds nobody up, and is tried again once when asked."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
import structlog
from sqlalchemy import select, update

from shared.bus.local import LocalBus
from shared.bus.port import Partition, PublishFailedError, Received, Record, RecordTooLargeError
from shared.db import Database, Read, Write
from shared.events import Envelope
from shared.events.catalogue import INQUIRIES, PROGRESS
from shared.messaging import control_events, dead_letters, inbox, outbox
from shared.messaging.consumer import Consumer, Listener
from shared.messaging.redelivery import Redelivery
from shared.messaging.relay import Relay
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import running_loops
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import new_traceparent
from tests.support.clock import ManualClock
from tests.support.outbox import unpublished_count
from tests.unit.shared.test_consumer_and_relay import (
    NOW,
    Heard,
    answered,
    bus,
    consuming_with,
    database,
    drained,
    hurry,
    marks,
    record,
)

__all__ = ["bus", "database", "hurry"]

REFUSED_BYTES = 2_000


class Picky:
    """A bus whose broker refuses records that it allowed when it was started."""

    def __init__(self, bus: LocalBus) -> None:
        self._bus = bus
        self.refused = True

    async def publish(self, records: Sequence[Record]) -> None:
        large = self.refused and any(len(each.value) > REFUSED_BYTES for each in records)
        if large and len(records) > 1:
            raise PublishFailedError("the broker refuses the batch")
        if large:
            raise RecordTooLargeError("the broker refuses the record", 0)
        await self._bus.publish(records)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def carrier(database: Database, bus: Any, *, tells_progress: bool = False) -> Relay:
    return Relay(
        database=database, bus=bus, clock=ManualClock(NOW), metrics=Metrics("test"),
        source="/test", tells_progress=tells_progress,
    )  # fmt: skip


def consumer_of(database: Database, bus: LocalBus, heard: Heard, *, group: str) -> Consumer:
    return Consumer(
        Listener(group, (INQUIRIES,), {"inquiry.answered": heard}),
        database=database, bus=bus, clock=ManualClock(NOW), metrics=Metrics("test"),
        on_recorded=lambda: None,
    )  # fmt: skip


def redelivery(database: Database, bus: LocalBus, *consumers: Consumer) -> Redelivery:
    return Redelivery(
        database=database, clock=ManualClock(NOW), relay=carrier(database, bus),
        consumers=consumers,
    )  # fmt: skip


async def relayed(database: Database, relay: Relay) -> None:
    async with running_loops([("relay", relay.run)]), asyncio.timeout(20):
        while await database.read(unpublished_count):  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.01)


def record_otherwise(tx: Write, /, event: Envelope, **values: str) -> None:
    """Record the event as another program would have."""
    outbox.record(tx, [event])
    tx.execute(update(outbox.OUTBOX).where(outbox.OUTBOX.c.id == event.id).values(values))


async def waiting(database: Database) -> list[dead_letters.Head]:
    return await database.read(dead_letters.heads, limit=99, after=None)


async def on_the_bus(bus: LocalBus) -> list[str]:
    async with bus.subscribe(f"look-{new_id()}", (INQUIRIES,)) as subscription:
        found = await subscription.fetch(max_records=999, timeout_seconds=1)
    return [each.key for records in found.values() for each in records]


def poison(number: int, *, size: int = 0) -> Record:
    told = record(answered(number, "poison" + "x" * size))
    return Record(told.topic, told.key, told.value, told.headers)


@pytest.fixture
async def letter(database: Database, bus: LocalBus) -> UUID:
    """One that waits: nobody could handle it."""
    await bus.publish([poison(1)])
    async with consuming_with(
        database, bus, {"inquiry.answered": Heard(poison="poison")}
    ) as consumer:
        await drained(consumer)
    (head,) = await waiting(database)
    return head.id


async def test_a_foreign_record_as_large_as_the_bus_allows_holds_nobody_up(
    database: Database, bus: LocalBus
) -> None:
    large = Record(INQUIRIES, "k", b"\0" * 1_000_000, (("ce_type", b"inquiry.answered"),))
    heard = Heard()
    await bus.publish([large, record(answered(2, "a"))])
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
    assert heard.by == ["a"]
    await relayed(database, carrier(database, bus))
    kept = await database.read(
        lambda tx: tx.execute(select(dead_letters.DEAD_LETTERS.c.value)).scalar_one()
    )
    assert kept == large.value


async def test_a_fact_that_outgrows_the_bus_is_set_aside_and_holds_nobody_up(
    database: Database, bus: LocalBus
) -> None:
    told = [answered(1, "a"), answered(1, "x" * 1_100_000), answered(1, "b"), answered(2, "c")]
    await database.write(outbox.record, told)
    with structlog.testing.capture_logs() as logs:
        await relayed(database, carrier(database, bus))
    assert sorted(await on_the_bus(bus)) == sorted(told[n].key for n in (0, 2, 3))
    (head,) = await waiting(database)
    assert (head.consumer, head.header("ce_id")) == (dead_letters.RELAY, str(told[1].id))
    assert "1048576" in head.reason
    said = [each for each in logs if each["event"] == "outbox.fact_set_aside"]
    assert [each["event_id"] for each in said] == [str(told[1].id)]


async def test_what_the_broker_refuses_is_found_in_its_batch_and_can_go_out_later(
    database: Database, bus: LocalBus
) -> None:
    told = [answered(n, "a" if n != 3 else "x" * REFUSED_BYTES) for n in range(1, 7)]
    await database.write(outbox.record, told)
    picky = Picky(bus)
    await relayed(database, carrier(database, picky))
    assert len(await on_the_bus(bus)) == 5
    (head,) = await waiting(database)
    picky.refused = False
    await database.write(dead_letters.ask, [head.id])
    assert await redelivery(database, bus).next()
    await relayed(database, carrier(database, picky))
    heard = Heard()
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
    assert {each.id for batch in heard.batches for each in batch} == {each.id for each in told}
    assert await waiting(database) == []


async def test_a_fact_of_a_newer_program_waits_for_that_and_nobody_says_that_all_is_told(
    database: Database, bus: LocalBus
) -> None:
    await database.write(record_otherwise, answered(1, "a"), type="inquiry.sung")
    known = answered(2, "b")
    await database.write(outbox.record, [known])
    relay = carrier(database, bus, tells_progress=True)
    async with running_loops([("relay", relay.run)]), asyncio.timeout(20):
        while await database.read(unpublished_count) > 1:  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
    assert await on_the_bus(bus) == [known.key]
    assert await marks(bus) == []


@pytest.mark.parametrize("published", [False, True])
async def test_what_was_a_fact_before_becomes_a_letter(
    database: Database, bus: LocalBus, *, published: bool
) -> None:
    """Also when an older relay, which still ran after the migration, has published it."""
    one = poison(1, size=900_000)
    old = control_events.RecordDeadLettered(
        consumer="test", topic=one.topic, partition=3, offset=7, record_key=one.key,
        value_base64=base64.b64encode(one.value).decode(),
        headers={name: value.decode() for name, value in one.headers}, reason="r", failed_at=NOW,
    )  # fmt: skip
    told = answered(2, "a")
    letter = Envelope(new_id(), one.key, NOW, old, new_traceparent())
    await database.write(outbox.record, [letter])
    if published:
        (row,) = await database.read(outbox.unpublished, limit=2)
        await database.write(outbox.mark_published, [row.seq], now=NOW)
    await database.write(outbox.record, [told])
    await relayed(database, carrier(database, bus))
    assert await on_the_bus(bus) == [told.key]
    (head,) = await waiting(database)
    assert (head.consumer, head.partition, head.offset, head.reason) == ("test", 3, 7, "r")
    await database.write(dead_letters.ask, [head.id])
    heard = Heard()
    await redelivery(database, bus, consumer_of(database, bus, heard, group="test")).next()
    assert [each.id for each in heard.batches[0]] == [UUID(dict(one.headers)["ce_id"].decode())]


async def test_one_of_before_that_cannot_be_read_is_kept_as_it_is(
    database: Database, bus: LocalBus
) -> None:
    await database.write(
        record_otherwise, answered(1, "a"), type="record.dead_lettered", payload="{}"
    )
    told = answered(2, "b")
    await database.write(outbox.record, [told])
    await relayed(database, carrier(database, bus))
    assert await on_the_bus(bus) == [told.key]
    (head,) = await waiting(database)
    assert (head.consumer, head.header("ce_type")) == ("relay", "record.dead_lettered")
    assert "cannot be read" in head.reason


async def test_nobody_is_told_that_all_is_out_while_a_fact_is_set_aside(
    database: Database, bus: LocalBus
) -> None:
    letter = await database.write(
        dead_letters.keep_own, poison(1), seq=1, reason="too large", now=NOW
    )
    relay = carrier(database, bus, tells_progress=True)
    async with running_loops([("relay", relay.run)]), asyncio.timeout(20):
        await asyncio.sleep(0.5)
        assert await marks(bus) == []
        await database.write(dead_letters.discard, [letter], why="seen", now=NOW)
        while not await marks(bus):  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.05)


async def test_what_is_redelivered_meanwhile_goes_out_before_it_is_said_that_all_is(
    database: Database, bus: LocalBus
) -> None:
    letter = await database.write(
        dead_letters.keep_own, poison(1), seq=1, reason="too large", now=NOW
    )
    topics: list[str] = []

    def redeliver(tx: Write) -> None:
        dead_letters.settle(tx, [letter], state=dead_letters.State.HANDLED, now=NOW)
        outbox.record(tx, [answered(1, "a")])

    class Watched:
        problem = None

        async def publish(self, records: Sequence[Record]) -> None:
            topics.extend(each.topic for each in records)
            await bus.publish(records)

    class Meanwhile:
        """Somebody has the letter tried again just after the outbox was read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(database, name)

        async def read(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
            found = await database.read(verb, *args, **kwargs)
            if verb is outbox.unpublished and await database.read(dead_letters.count_open) > 0:
                await database.write(redeliver)
            return found

    relay = Relay(
        database=cast("Any", Meanwhile()), bus=cast("Any", Watched()), clock=ManualClock(NOW),
        metrics=Metrics("test"), source="/test", tells_progress=True,
    )  # fmt: skip
    async with running_loops([("relay", relay.run)]), asyncio.timeout(20):
        while PROGRESS not in topics:  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.01)
    assert topics[0] == INQUIRIES


async def test_a_letter_goes_once_to_the_group_that_failed(
    database: Database, bus: LocalBus, letter: UUID
) -> None:
    mine, other = Heard(), Heard()
    again = redelivery(
        database, bus,
        consumer_of(database, bus, other, group="other"),
        consumer_of(database, bus, mine, group="test"),
    )  # fmt: skip
    assert not await again.next(), "nobody has asked for it"
    assert await database.write(dead_letters.ask, [letter]) == 1
    assert await again.next()
    assert not await again.next()
    assert (mine.by, other.by) == (["poison"], [])
    assert await waiting(database) == []
    assert await database.write(dead_letters.ask, [letter]) == 0


async def test_a_letter_that_fails_again_stays_one_and_waits_for_a_person(
    database: Database, bus: LocalBus, letter: UUID
) -> None:
    heard = Heard(poison="poison")
    again = redelivery(database, bus, consumer_of(database, bus, heard, group="test"))
    for attempts in (2, 3, 4):
        await database.write(dead_letters.ask, [letter])
        with structlog.testing.capture_logs() as logs:
            assert await again.next()
            assert not await again.next()
        (head,) = await waiting(database)
        assert (head.id, head.attempts, head.state) == (letter, attempts, "waiting")
        assert [each["event"] for each in logs] == ["letter.failed_again"]
    assert heard.attempts == 3
    assert await database.read(unpublished_count) == 0, "nothing was left of a failed effect"


async def test_a_letter_that_cannot_be_noted_does_not_end_the_loop(
    database: Database, bus: LocalBus, letter: UUID
) -> None:
    heard = Heard(poison="poison")
    await database.write(dead_letters.ask, [letter])
    table = dead_letters.DEAD_LETTERS.name
    refusing = f"CREATE TRIGGER no BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
    await database.write(lambda tx: tx.connection.exec_driver_sql(refusing).rowcount)
    again = redelivery(database, bus, consumer_of(database, bus, heard, group="test"))
    with structlog.testing.capture_logs() as logs:
        async with running_loops([("redelivery", again.run)]) as failed, asyncio.timeout(20):
            while not logs:  # noqa: ASYNC110 - nobody else tells
                await asyncio.sleep(0.01)
            assert not failed.is_set()
    assert [each["event"] for each in logs] == ["letter.not_noted"]


async def test_a_letter_whose_fact_was_worked_off_meanwhile_has_no_second_effect(
    database: Database, bus: LocalBus, letter: UUID
) -> None:
    (head,) = await waiting(database)
    event = UUID(head.header("ce_id"))
    await database.write(inbox.first_time, [event], consumer="test", now=NOW)
    await database.write(dead_letters.ask, [letter])
    heard = Heard()
    await redelivery(database, bus, consumer_of(database, bus, heard, group="test")).next()
    assert heard.by == []
    assert await waiting(database) == []


async def test_a_record_that_is_delivered_again_makes_no_second_letter(
    database: Database, bus: LocalBus, letter: UUID
) -> None:
    (head,) = await waiting(database)
    place = Partition(head.topic, head.partition)

    def again(tx: Any, offset: int) -> None:
        row = tx.row(select(dead_letters.DEAD_LETTERS))
        received = Received(place, offset, row["key"].decode(), row["value"], head.headers)
        dead_letters.keep(tx, received, consumer="test", reason="again", now=NOW)

    await database.write(again, head.offset)
    assert [each.attempts for each in await waiting(database)] == [2]
    # The same offset of a log that was made anew is another record.
    await database.write(again, head.offset + 1)
    assert len(await waiting(database)) == 2


async def test_letters_are_given_up_and_forgotten(database: Database, letter: UUID) -> None:
    later = NOW + timedelta(days=40)

    def why(tx: Read) -> str:
        return str(tx.execute(select(dead_letters.DEAD_LETTERS.c.settled_why)).scalar_one())

    assert await database.write(dead_letters.forget, before=NOW - timedelta(days=1)) == (0, 0)
    assert await database.write(dead_letters.discard, [letter], why="a test\n", now=NOW) == 1
    assert await database.write(dead_letters.discard, [letter], why="twice", now=NOW) == 0
    assert await database.read(why) == "a test "
    assert await waiting(database) == []
    assert await database.write(dead_letters.forget, before=later) == (1, 0)


async def test_what_nobody_looked_at_is_counted_when_it_is_forgotten(
    database: Database, letter: UUID
) -> None:
    assert await database.read(dead_letters.count_open) == 1
    assert await database.write(dead_letters.forget, before=NOW + timedelta(days=1)) == (1, 1)
    assert await database.read(dead_letters.count_open) == 0


def test_a_reason_is_one_bounded_line() -> None:
    assert dead_letters.plain("a\nb\0c\u202ed") == "a b c d"
    assert len(dead_letters.plain("x" * 100_000)) == dead_letters.REASON_LIMIT + 3

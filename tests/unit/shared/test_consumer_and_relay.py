"""Facts through a real outbox, a real log and a real inbox: order, faults, poison."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID
from zlib import crc32

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from shared.bus.local import LocalBus
from shared.bus.port import PublishFailedError, Record
from shared.db import Database, Write, open_database
from shared.db.types import new_metadata
from shared.events import Envelope
from shared.events.catalogue import INQUIRIES, PROGRESS, topics
from shared.events.inquiries import InquiryAnswered, InquiryClosed
from shared.messaging import consumer as consuming
from shared.messaging import control_events, dead_letters, inbox, outbox
from shared.messaging import relay as relaying
from shared.messaging.codec import record_of, to_envelope, to_record
from shared.messaging.consumer import Consumer, Handler, Listener
from shared.messaging.relay import Relay
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import running_loops
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import current_traceparent, new_traceparent
from tests.support.clock import ManualClock
from tests.support.outbox import unpublished_count

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_metadata = new_metadata()
outbox.outbox_table(_metadata)
inbox.inbox_table(_metadata)
dead_letters.dead_letters_table(_metadata)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    await database.start()
    await database.migration(_metadata.create_all)
    yield database
    await database.stop()


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[LocalBus]:
    bus = LocalBus(tmp_path / "bus.sqlite", topics(retention_days=1))
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "FIRST_BACKOFF_SECONDS", 0.002)
    monkeypatch.setattr(consuming, "FETCH_SECONDS", 0.05)


def answered(key: int, by: str) -> Envelope:
    data = InquiryAnswered(
        inquiry_id=UUID(int=key),
        conversation_id=UUID(int=key),
        message_id=new_id(),
        answered_at=NOW,
        answered_by=by,
    )
    return Envelope(new_id(), str(UUID(int=key)), NOW, data, new_traceparent())


def closed(key: int) -> Envelope:
    data = InquiryClosed(
        inquiry_id=UUID(int=key), conversation_id=UUID(int=key), reason="spam",
        closed_at=NOW, closed_by="x",
    )  # fmt: skip
    return Envelope(new_id(), str(UUID(int=key)), NOW, data, new_traceparent())


def record(envelope: Envelope) -> Record:
    return to_record(
        event_id=envelope.id,
        aggregate=envelope.data.AGGREGATE,
        key=envelope.key,
        type_=envelope.data.TYPE,
        payload=envelope.data.model_dump_json(),
        traceparent=envelope.traceparent,
        time=envelope.time,
        source="/test",
    )


class Heard:
    """A handler that notes what it got; it fails for facts by `poison`."""

    def __init__(self, *, poison: str = "", failures: int = 1000) -> None:
        self.batches: list[list[Envelope]] = []
        self.attempts = 0
        self._poison, self._failures = poison, failures

    def __call__(self, tx: Write, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            outbox.record(tx, [envelope])  # an effect that a rolled back transaction takes back
            if self._poison and getattr(envelope.data, "answered_by", "") == self._poison:
                self.attempts += 1
                if self.attempts <= self._failures:
                    raise LookupError("poison")
        self.batches.append(list(envelopes))
        self.trace = current_traceparent()

    @property
    def by(self) -> list[str]:
        return [getattr(e.data, "answered_by", "closed") for batch in self.batches for e in batch]


@asynccontextmanager
async def consuming_with(
    database: Database, bus: LocalBus, handlers: dict[str, Handler]
) -> AsyncIterator[Consumer]:
    consumer = Consumer(
        Listener("test", (INQUIRIES,), handlers),
        database=database, bus=bus, clock=ManualClock(NOW), metrics=Metrics("test"),
        on_recorded=lambda: None,
    )  # fmt: skip
    async with running_loops([("consumer", consumer.run)]):
        yield consumer


async def drained(consumer: Consumer) -> None:
    async with asyncio.timeout(20):
        while await consumer.lag() != 0:  # noqa: ASYNC110 - the log tells nobody that it is empty
            await asyncio.sleep(0.01)


async def test_facts_of_one_key_are_handled_in_order_and_in_waves(
    database: Database, bus: LocalBus
) -> None:
    heard = Heard()
    told = [answered(1, "a"), answered(1, "b"), closed(1), answered(1, "c")]
    await bus.publish([record(each) for each in told])
    handlers: dict[str, Handler] = {"inquiry.answered": heard, "inquiry.closed": heard}
    async with consuming_with(database, bus, handlers) as consumer:
        await drained(consumer)
    assert heard.by == ["a", "b", "closed", "c"]
    assert all(len({e.key for e in batch}) == len(batch) for batch in heard.batches)
    assert heard.trace == told[-1].traceparent


def test_waves() -> None:
    told = [answered(1, "a"), answered(2, "b"), closed(1), closed(2), answered(3, "c"), closed(1)]
    waves = consuming.in_waves(told)
    assert [{type_: len(group) for type_, group in wave.items()} for wave in waves] == [
        {"inquiry.answered": 3},
        {"inquiry.closed": 2},
        {"inquiry.closed": 1},
    ]


async def test_a_fact_that_comes_twice_has_one_effect(database: Database, bus: LocalBus) -> None:
    heard = Heard()
    one = record(answered(1, "a"))
    await bus.publish([one, one])
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
        await bus.publish([one, record(closed(1))])
        await drained(consumer)
    assert heard.by == ["a"]


async def test_poison_goes_to_the_dead_letters_and_harms_nobody(
    database: Database, bus: LocalBus
) -> None:
    heard = Heard(poison="poison")
    told = [answered(1, "a"), answered(1, "poison"), answered(1, "b"), answered(2, "c")]
    await bus.publish([record(each) for each in told])
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
    # Each round tries the batch and then the record alone.
    assert consuming.ATTEMPTS <= heard.attempts <= 2 * consuming.ATTEMPTS + 1
    effects = await database.read(outbox.unpublished, limit=9)
    assert sorted(each.id for each in effects) == sorted(told[n].id for n in (0, 2, 3))
    (letter,) = await database.read(dead_letters.heads, limit=9, after=None)
    assert (letter.consumer, letter.topic) == ("test", INQUIRIES)
    assert "poison" in letter.reason
    assert letter.header("ce_id") == str(told[1].id)
    # It is not marked as handled, so it can come again.
    fresh = await database.write(inbox.first_time, [e.id for e in told], consumer="test", now=NOW)
    assert fresh == {told[1].id}


async def test_a_passing_fault_is_tried_again(database: Database, bus: LocalBus) -> None:
    heard = Heard(poison="poison", failures=3)
    await bus.publish([record(answered(1, "poison")), record(answered(1, "b"))])
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
    assert heard.by == ["poison", "b"]
    assert await database.read(unpublished_count) == 2


async def test_what_cannot_be_understood_is_not_tried_again(
    database: Database, bus: LocalBus
) -> None:
    heard = Heard()
    good = record(answered(1, "a"))
    await bus.publish([Record(good.topic, good.key, b"{", good.headers), good])
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
    assert heard.by == ["a"]
    (letter,) = await database.read(dead_letters.heads, limit=9, after=None)
    assert "MalformedRecordError" in letter.reason


class Stumbling:
    """A bus in front of the real one that confirms only some records of the first call."""

    def __init__(self, bus: LocalBus, confirmed: set[int]) -> None:
        self._bus, self._confirmed = bus, frozenset(confirmed)
        self.calls: list[list[Record]] = []

    async def publish(self, records: Sequence[Record]) -> None:
        self.calls.append(list(records))
        if len(self.calls) == 1:
            await self._bus.publish([records[n] for n in sorted(self._confirmed)])
            raise PublishFailedError("half of it", self._confirmed)
        await self._bus.publish(records)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def relay(database: Database, bus: Any) -> Relay:
    return Relay(
        database=database, bus=bus, clock=ManualClock(NOW + timedelta(seconds=1)),
        metrics=Metrics("test"), source="/test",
    )  # fmt: skip


async def test_a_partial_confirmation_keeps_the_order_of_each_key(
    database: Database, bus: LocalBus
) -> None:
    told = [answered(1, "a"), answered(2, "b"), answered(1, "c"), answered(2, "d")]
    await database.write(outbox.record, told)
    stumbling = Stumbling(bus, {1, 2})
    carrier = relay(database, stumbling)
    with pytest.raises(PublishFailedError):
        await carrier.publish_batch()
    # `c` was confirmed, but `a` before it on its key was not: both are published again.
    left = [row.id for row in await database.read(outbox.unpublished, limit=9)]
    assert left == [told[0].id, told[2].id, told[3].id]
    assert [await carrier.publish_batch() for _ in range(3)] == [1, 2, 0]
    heard = Heard()
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        await drained(consumer)
    assert sorted(heard.by) == ["a", "b", "c", "d"]
    # The log has `c` before `a` once; what the inbox lets through is each fact once.
    assert [by for by in heard.by if by in "bd"] == ["b", "d"]


async def test_the_relay_goes_on_after_a_fault(database: Database, bus: LocalBus) -> None:
    await database.write(outbox.record, [answered(1, "a"), closed(2)])
    carrier = relay(database, Stumbling(bus, set()))
    async with running_loops([("relay", carrier.run)]), asyncio.timeout(20):
        while await database.read(unpublished_count):  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.01)
    assert carrier.problem is None


class Watched:
    """A bus in front of the real one that shows what was published together."""

    def __init__(self, bus: LocalBus) -> None:
        self._bus = bus
        self.published: asyncio.Queue[int] = asyncio.Queue()

    async def publish(self, records: Sequence[Record]) -> None:
        await self._bus.publish(records)
        self.published.put_nowait(len(records))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


async def test_a_lonely_fact_goes_at_once_and_those_that_follow_gather(
    database: Database, bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "GATHER_SECONDS", 0.5)
    watched = Watched(bus)
    carrier = relay(database, watched)
    async with running_loops([("relay", carrier.run)]), asyncio.timeout(20):
        for number, by in enumerate("abc"):
            await database.write(outbox.record, [answered(number, by)])
            carrier.wake()
            if by == "a":
                assert await watched.published.get() == 1
        assert await watched.published.get() == 2


async def test_what_comes_while_a_consumer_rests_shares_a_transaction(
    database: Database, bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "GATHER_SECONDS", 0.5)
    heard = Heard()
    async with consuming_with(database, bus, {"inquiry.answered": heard}) as consumer:
        for number, by in enumerate("abc"):
            await bus.publish([record(answered(number, by))])
            if by == "a":
                await drained(consumer)
        await drained(consumer)
    assert [len(batch) for batch in heard.batches] == [1, 2]


async def marks(bus: LocalBus) -> list[datetime]:
    found = []
    async with bus.subscribe(f"look-{new_id()}", (PROGRESS,)) as subscription:
        batches = await subscription.fetch(max_records=99, timeout_seconds=1)
    for received in (each for batch in batches.values() for each in batch):
        told = to_envelope(received).data
        if isinstance(told, control_events.RelayCaughtUp):
            assert told.service == received.key == "test"
            found.append(told.until)
    return found


async def marked(bus: LocalBus, enough: Callable[[list[datetime]], bool]) -> list[datetime]:
    async with asyncio.timeout(10):
        while not enough(found := await marks(bus)):  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.02)
    return found


async def test_the_relay_says_until_when_everything_is_on_the_bus(
    database: Database, bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "PROGRESS_SECONDS", 0.1)
    clock = ManualClock(NOW)
    carrier = Relay(
        database=database, bus=bus, clock=clock, metrics=Metrics("test"), source="/test",
        tells_progress=True,
    )  # fmt: skip

    async with running_loops([("relay", carrier.run)]), asyncio.timeout(20):
        await marked(bus, lambda found: set(found) == {NOW})
        # Somebody has asked for the time, and has not written yet.
        with database.writing():
            clock.advance(timedelta(seconds=5))
            count = len(await marks(bus))
            found = await marked(bus, lambda found: len(found) >= count + 2)
            assert set(found) == {NOW}
            await database.write(outbox.record, [answered(1, "a")])
        await marked(bus, lambda found: found[-1] == NOW + timedelta(seconds=5))
        assert await database.read(unpublished_count) == 0


async def test_progress_has_the_time_of_its_look(database: Database, bus: LocalBus) -> None:
    """What is replayed after it, and before it is told, has not gone out."""
    clock, times = ManualClock(NOW), list[datetime]()

    class Slow:
        problem = None

        async def publish(self, records: Sequence[Record]) -> None:
            clock.advance(timedelta(seconds=5))
            found = [dict(each.headers)["ce_time"].decode() for each in records]
            times.extend(datetime.fromisoformat(each) for each in found)
            await bus.publish(records)

    await database.write(outbox.record, [answered(1, "a")])
    carrier = Relay(
        database=database, bus=cast("Any", Slow()), clock=clock, metrics=Metrics("test"),
        source="/test", tells_progress=True,
    )  # fmt: skip
    async with running_loops([("relay", carrier.run)]):
        await marked(bus, lambda found: found == [NOW])
    assert times == [NOW, NOW]


async def test_progress_does_not_wait_for_an_outbox_that_is_never_empty(
    database: Database, bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes in after the moment of which it tells does not matter."""
    monkeypatch.setattr(relaying, "PROGRESS_SECONDS", 0.1)
    monkeypatch.setattr(relaying, "BATCH", 2)
    carrier = Relay(
        database=database, bus=cast("Any", Refilled(bus, database)), clock=ManualClock(NOW),
        metrics=Metrics("test"), source="/test", tells_progress=True,
    )  # fmt: skip
    await database.write(outbox.record, [answered(key, "a") for key in range(4)])
    async with running_loops([("relay", carrier.run)]), asyncio.timeout(20):
        await marked(bus, lambda found: set(found) == {NOW})
        assert await database.read(unpublished_count) >= 2


class Refilled:
    """As much comes in while a batch is published as is published."""

    problem = None

    def __init__(self, bus: LocalBus, database: Database) -> None:
        self._bus = bus
        self._database = database

    async def publish(self, records: Sequence[Record]) -> None:
        if all(record.topic != PROGRESS for record in records):
            again = [answered(key, "a") for key in range(len(records))]
            await self._database.write(outbox.record, again)
        await self._bus.publish(records)


async def test_while_something_waits_the_relay_does_not_say_that_all_is_told(
    database: Database, bus: LocalBus
) -> None:
    class Away:
        problem = None

        async def publish(self, records: Sequence[Record]) -> None:
            raise PublishFailedError(f"{len(records)} were not taken", frozenset())

    await database.write(outbox.record, [answered(1, "a")])
    carrier = Relay(
        database=database, bus=cast("Any", Away()), clock=ManualClock(NOW),
        metrics=Metrics("test"), source="/test", tells_progress=True,
    )  # fmt: skip
    async with running_loops([("relay", carrier.run)]), asyncio.timeout(20):
        while carrier.problem is None:  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.01)
    assert await marks(bus) == []


async def test_what_may_be_repeated_leaves_no_row_and_is_handled_each_time(
    database: Database, bus: LocalBus
) -> None:
    heard: list[datetime] = []

    def note(_tx: Write, envelopes: Sequence[Envelope]) -> None:
        heard.extend(
            each.data.until
            for each in envelopes
            if isinstance(each.data, control_events.RelayCaughtUp)
        )

    mark = control_events.RelayCaughtUp(service="intake", until=NOW)
    record = record_of(
        mark, event_id=new_id(), key="intake", traceparent=new_traceparent(), time=NOW,
        source="/intake",
    )  # fmt: skip
    consumer = Consumer(
        Listener("test", (PROGRESS,), {}, repeatable={mark.TYPE: note}),
        database=database, bus=bus, clock=ManualClock(NOW), metrics=Metrics("test"),
        on_recorded=lambda: pytest.fail("nothing was recorded"),
    )  # fmt: skip
    async with running_loops([("consumer", consumer.run)]), asyncio.timeout(20):
        for count in (1, 2):
            await bus.publish([record])
            while len(heard) < count:  # noqa: ASYNC110 - nobody else tells
                await asyncio.sleep(0.01)
    rows = await database.read(lambda tx: tx.execute(select(inbox.INBOX)).all())
    assert rows == []


async def test_what_cannot_be_parked_waits_and_harms_nobody(
    database: Database, bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "NOT_PARKED_SECONDS", 0.05)
    refusing = (
        "CREATE TRIGGER no BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    await database.write(lambda tx: tx.connection.exec_driver_sql(refusing))
    by: list[str] = []

    def hear(_tx: Write, envelopes: Sequence[Envelope]) -> None:
        for each in envelopes:
            if each.data.TYPE == closed(1).data.TYPE:
                raise LookupError("poison")
            by.append(str(each.key))

    spoiled, others = closed(1), [answered(key, "a") for key in range(2, 20)]
    await bus.publish([record(each) for each in (spoiled, *others)])
    handlers: dict[str, Handler] = {"inquiry.answered": hear, "inquiry.closed": hear}
    with capture_logs() as lines:
        async with consuming_with(database, bus, handlers) as consumer, asyncio.timeout(20):
            while "consumer.not_parked" not in {line["event"] for line in lines}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            elsewhere = {each.key for each in others if not _together(each.key, spoiled.key)}
            assert elsewhere <= set(by)
            await database.write(lambda tx: tx.connection.exec_driver_sql("DROP TRIGGER no"))
            await drained(consumer)
    assert {each.key for each in others} == set(by)
    (letter,) = await database.read(dead_letters.heads, limit=9, after=None)
    assert letter.header("ce_type") == spoiled.data.TYPE


def _together(key: str, other: str) -> bool:
    """Whether the local log puts both keys into one partition."""
    (topic,) = (each for each in topics(retention_days=1) if each.name == INQUIRIES)
    first, second = (crc32(each.encode()) % topic.partitions for each in (key, other))
    return first == second

"""What every database promises its service: one suite for SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Integer, Table, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from services.intake.tables import metadata as intake_metadata
from shared.db import Database, DatabaseUnavailableError, Read, Write, open_database, open_reader
from shared.db.among import among
from shared.db.bulk import insert_rows
from shared.db.migrate import pending, upgrade, version_table
from shared.db.sqlite import READERS
from shared.db.types import Json, Utc, new_metadata
from shared.errors import ConflictError
from shared.events import Envelope
from shared.events.inquiries import InquiryAnswered
from shared.messaging import inbox, outbox
from shared.runtime.ids import new_id
from tests.support.outbox import unpublished_count

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

_metadata = new_metadata()
things = Table(
    "things",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc),
    Column("data", Json),
)
outbox.outbox_table(_metadata)
inbox.inbox_table(_metadata)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a 100%25 file.sqlite'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = open_database(url)
    await database.start()
    await database.migration(_metadata.create_all)
    yield database
    await database.stop()


async def test_a_database_that_is_not_there_is_named(postgres_url: str) -> None:
    elsewhere = postgres_url.rpartition("/")[0] + "/there_is_none"
    database = open_database(elsewhere)
    await database.start()
    try:
        with pytest.raises(DatabaseUnavailableError, match='database "there_is_none" does not'):
            await database.ping()
    finally:
        await database.stop()


async def test_a_database_of_another_service_is_left_alone(url: str) -> None:
    database = open_database(url)
    await database.start()
    try:
        await upgrade(database, "router")
        before = await database.read(lambda tx: inspect(tx.connection).get_table_names())
        with pytest.raises(ConflictError, match="the sla database belongs to the service router"):
            await upgrade(database, "sla")
        said = await pending(database, "sla")
        assert said is not None
        assert "set DESK_SLA_DATABASE_URL to another" in said
        assert await pending(database, "router") is None
        after = await database.read(lambda tx: inspect(tx.connection).get_table_names())
        assert after == before
    finally:
        await database.stop()


def add(tx: Write, /, number: int, **columns: Any) -> None:
    tx.execute(insert(things).values(number=number, **columns))


def numbers(tx: Read) -> list[int]:
    return list(tx.execute(select(things.c.number).order_by(things.c.number)).scalars())


def fact(number: int) -> Envelope:
    data = InquiryAnswered(
        inquiry_id=new_id(),
        conversation_id=new_id(),
        message_id=new_id(),
        answered_at=NOW,
        answered_by=str(number),
    )
    return Envelope(new_id(), f"key-{number % 3}", NOW + timedelta(seconds=number), data, "t")


async def test_write_has_committed_when_it_returns(database: Database, url: str) -> None:
    await database.write(add, 1)
    assert await database.read(numbers) == [1]
    await database.stop()
    again = open_database(url)
    await again.start()
    assert await again.read(numbers) == [1]
    await again.stop()
    await database.start()


async def test_raising_rolls_back(database: Database) -> None:
    def half(tx: Write) -> None:
        add(tx, 1)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await database.write(half)
    assert await database.read(numbers) == []
    await database.write(add, 2)
    with pytest.raises(DBAPIError):
        await database.write(add, 2)
    assert await database.read(numbers) == [2]


async def test_a_caller_that_goes_away_does_not_cut_off_its_verb(database: Database) -> None:
    began = threading.Event()

    def slow(tx: Write) -> None:
        add(tx, 1)
        began.set()
        pause = "SELECT pg_sleep(0.2)" if tx.dialect == "postgresql" else _COUNT_FAR
        tx.execute(text(pause))
        add(tx, 2)

    caller = asyncio.create_task(database.write(slow))
    assert await asyncio.to_thread(began.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await database.stop()  # waits for what still runs
    await database.start()
    assert await database.read(numbers) == [1, 2]


_COUNT_FAR = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
    "SELECT count(*) FROM n"
)


async def test_read_cannot_write(database: Database) -> None:
    def writes(tx: Read) -> None:
        tx.execute(insert(things).values(number=1))

    with pytest.raises((DBAPIError, DatabaseUnavailableError)):
        await database.read(writes)
    assert await database.read(numbers) == []
    await database.write(add, 1)


async def test_many_writers_lose_no_update(database: Database) -> None:
    await database.write(add, 1, data=0)

    def one_more(tx: Write) -> None:
        row = tx.execute(select(things.c.data).where(things.c.number == 1).with_for_update())
        tx.execute(things.update().values(data=row.scalar_one() + 1))

    await asyncio.gather(*(database.write(one_more) for _ in range(40)))
    assert await database.read(lambda tx: tx.execute(select(things.c.data)).scalar_one()) == 40


async def test_moments_come_back_aware_and_in_utc(database: Database) -> None:
    berlin = timezone(timedelta(hours=1))
    moments = [
        NOW,
        datetime(2026, 11, 24, 13, 0, 0, 1, tzinfo=berlin),
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=berlin),
        None,
    ]

    def store(tx: Write) -> None:
        rows = [{"number": n, "at": at} for n, at in enumerate(moments)]
        tx.execute(insert(things), rows)
        insert_rows(tx, outbox.OUTBOX, [])

    await database.write(store)

    def stored(tx: Read) -> list[datetime | None]:
        return list(tx.execute(select(things.c.at).order_by(things.c.number)).scalars())

    found = await database.read(stored)
    assert found == moments
    assert {moment.tzinfo for moment in found if moment} == {UTC}
    order = select(things.c.number).where(things.c.at > NOW).order_by(things.c.at)
    assert list(await database.read(lambda tx: tx.execute(order).scalars().all())) == [1, 2]
    with pytest.raises((StatementError, ValueError), match="no time zone"):
        await database.write(add, 9, at=datetime(2026, 11, 24, 12, 0))  # noqa: DTZ001


async def test_json_none_is_null(database: Database) -> None:
    await database.write(add, 1, data=None)
    await database.write(add, 2, data={"ä": [1, None]})
    empty = select(things.c.number).where(things.c.data.is_(None))
    assert await database.read(lambda tx: tx.execute(empty).scalars().all()) == [1]
    whole = select(things.c.data).where(things.c.number == 2)
    assert await database.read(lambda tx: tx.execute(whole).scalar_one()) == {"ä": [1, None]}


async def test_among_many_values(database: Database) -> None:
    def look(tx: Write) -> tuple[list[int], list[int]]:
        tx.execute(insert(things), [{"number": n} for n in range(5000)])
        many = select(func.count()).where(among(tx, things.c.number, range(1000, 9000)))
        none = select(things.c.number).where(among(tx, things.c.number, []))
        return [tx.execute(many).scalar_one()], list(tx.execute(none).scalars())

    assert await database.write(look) == ([4000], [])


async def test_the_outbox_keeps_the_order_and_forgets_what_was_published(
    database: Database,
) -> None:
    events = [fact(n) for n in range(6)]
    await database.write(outbox.record, events[:4])
    await database.write(outbox.record, events[4:])
    rows = await database.read(outbox.unpublished, limit=5)
    assert [row.id for row in rows] == [event.id for event in events[:5]]
    assert rows[0].key == "key-0"
    assert InquiryAnswered.model_validate_json(rows[0].payload) == events[0].data
    assert await database.read(outbox.oldest_unpublished) == events[0].time

    await database.write(outbox.mark_published, [row.seq for row in rows[1:]], now=NOW)
    left = await database.read(outbox.unpublished, limit=5)
    assert [row.id for row in left] == [events[0].id, events[5].id]
    assert await database.read(unpublished_count) == 2

    # A late mark of the same rows does not move the moment of publishing.
    later = NOW + timedelta(days=1)
    await database.write(outbox.mark_published, [rows[1].seq], now=later)
    assert await database.write(outbox.forget_published, before=NOW) == 0
    assert await database.write(outbox.publish_again, since=events[3].time) == 2
    ids = [row.id for row in await database.read(outbox.unpublished, limit=9)]
    assert ids == [events[n].id for n in (0, 3, 4, 5)]
    assert await database.write(outbox.forget_published, before=later) == 2
    assert await database.read(unpublished_count) == 4


async def test_a_number_of_the_outbox_is_never_used_again(database: Database) -> None:
    await database.write(outbox.record, [fact(1)])
    (row,) = await database.read(outbox.unpublished, limit=2)
    await database.write(outbox.mark_published, [row.seq], now=NOW)
    await database.write(outbox.forget_published, before=NOW + timedelta(days=1))
    await database.write(outbox.record, [fact(2)])
    (following,) = await database.read(outbox.unpublished, limit=2)
    assert following.seq > row.seq


async def test_a_fact_is_recorded_only_with_its_state(database: Database) -> None:
    def half(tx: Write) -> None:
        outbox.record(tx, [fact(1)])
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(half)
    assert await database.read(unpublished_count) == 0


async def test_what_follows_a_database_is_written_with_each_fact(url: str) -> None:
    followed: list[Envelope] = []

    def follow(tx: Write, envelopes: Sequence[Envelope]) -> None:
        followed.extend(envelopes)
        add(tx, len(followed))

    def fails(tx: Write) -> None:
        outbox.record(tx, [fact(2)])
        raise LookupError

    database = open_database(url)
    database.followers = (follow,)
    await database.start()
    try:
        await database.migration(_metadata.create_all)
        event = fact(1)
        await database.write(outbox.record, [event])
        with pytest.raises(LookupError):
            await database.write(fails)
        assert followed[0] == event
        assert len(followed) == 2
        assert await database.read(numbers) == [1]
    finally:
        await database.stop()


async def test_the_inbox_knows_what_was_handled(database: Database) -> None:
    ids = [new_id() for _ in range(4)]

    async def first(events: list[UUID], consumer: str = "a") -> frozenset[UUID]:
        return await database.write(inbox.first_time, events, consumer=consumer, now=NOW)

    assert await first(ids[:2]) == set(ids[:2])
    assert await first([ids[1], ids[2], ids[2]]) == {ids[2]}
    assert await first(ids[:1], consumer="b") == {ids[0]}
    assert await database.write(inbox.forget_handled, before=NOW) == 0
    assert await database.write(inbox.forget_handled, before=NOW + timedelta(days=1)) == 4
    assert await first(ids) == set(ids)


async def test_racing_consumers_have_one_effect_per_event(database: Database) -> None:
    ids = [new_id() for _ in range(50)]

    def handle(tx: Write, events: list[UUID]) -> int:
        new = inbox.first_time(tx, events, consumer="a", now=NOW)
        for event in new:
            add(tx, ids.index(event))
        return len(new)

    effects = await asyncio.gather(
        *(database.write(handle, ids[n:] + ids[:n]) for n in range(0, 50, 10))
    )
    assert sum(effects) == 50
    assert await database.read(numbers) == list(range(50))


async def test_what_rolled_back_was_not_handled(database: Database) -> None:
    event = new_id()

    def fails(tx: Write) -> None:
        inbox.first_time(tx, [event], consumer="a", now=NOW)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fails)
    assert await database.write(inbox.first_time, [event], consumer="a", now=NOW) == {event}


async def test_one_relay_at_a_time(postgres_database: str) -> None:
    one, two = open_database(postgres_database), open_database(postgres_database)
    mine, release, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with one.sole_relay(never, table="outbox", now=lambda: NOW) as guard:
            assert guard is not None
            assert await guard.still_mine()
            mine.set()
            await release.wait()

    holder = asyncio.create_task(hold())
    await mine.wait()
    async with AsyncExitStack() as stack:
        waiting = asyncio.create_task(
            stack.enter_async_context(two.sole_relay(never, table="outbox", now=lambda: NOW))
        )
        _, pending_tasks = await asyncio.wait({waiting}, timeout=0.3)
        assert pending_tasks == {waiting}
        release.set()
        await holder
        guard = await waiting
        assert guard is not None
        assert await guard.still_mine()


async def test_waiting_to_be_the_relay_ends_when_told_to(postgres_database: str) -> None:
    one, two = open_database(postgres_database), open_database(postgres_database)
    async with one.sole_relay(asyncio.Event(), table="outbox", now=lambda: NOW):
        assert await _seconds_to_stop_waiting(two) < 0.5


async def test_waiting_for_a_server_that_says_nothing_ends_too() -> None:
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    database = open_database(f"postgresql://nobody@127.0.0.1:{port}/none")
    assert await _seconds_to_stop_waiting(database) < 0.5
    silent.close()


async def _seconds_to_stop_waiting(database: Database) -> float:
    stop = asyncio.Event()

    async def wait() -> object:
        async with database.sole_relay(stop, table="outbox", now=lambda: NOW) as guard:
            return guard

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    loop = asyncio.get_running_loop()
    began = loop.time()
    stop.set()
    async with asyncio.timeout(10):
        assert await waiting is None
    return loop.time() - began


async def test_a_relay_that_lost_its_session_notices(postgres_database: str) -> None:
    database = open_database(postgres_database)
    await database.start()
    end_it = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'inbound-desk-relay' AND datname = current_database()"
    )
    async with database.sole_relay(asyncio.Event(), table="outbox", now=lambda: NOW) as guard:
        assert guard is not None
        await database.write(lambda tx: tx.execute(end_it).all())
        assert not await guard.still_mine()
    await database.stop()


async def test_a_reader_looks_while_another_owns_the_database(database: Database, url: str) -> None:
    await database.write(add, 1)
    reader = open_reader(url)
    await reader.start()
    try:
        assert await reader.read(numbers) == [1]
        await database.write(add, 2)
        assert await reader.read(numbers) == [1, 2]
        with pytest.raises((DBAPIError, DatabaseUnavailableError)):
            await reader.read(lambda tx: tx.execute(insert(things), {"number": 3}))
    finally:
        await reader.stop()
    assert await database.read(numbers) == [1, 2]


async def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    reader = open_reader(f"sqlite:///{tmp_path / 'none.sqlite'}")
    with pytest.raises(DatabaseUnavailableError, match="no database"):
        await reader.start()
    await reader.stop()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - nothing else runs here


async def test_a_second_owner_of_a_file_is_refused(tmp_path: Path) -> None:
    first, second = (open_database(f"sqlite:///{tmp_path / 'x.sqlite'}") for _ in range(2))
    await first.start()
    with pytest.raises(DatabaseUnavailableError, match="another process"):
        await second.start()
    await first.ping()
    await first.stop()
    await second.start()
    await second.ping()
    await second.stop()


async def test_the_caches_of_a_file_take_no_more_than_they_may(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'x.sqlite'}", cache_mib=6)
    await database.start()
    every_reader = threading.Barrier(READERS, timeout=10)

    def kibibytes(tx: Read) -> int:
        if not isinstance(tx, Write):
            every_reader.wait()  # so that no connection is asked twice
        return -int(tx.execute(text("PRAGMA cache_size")).scalar_one())

    readers = await asyncio.gather(*(database.read(kibibytes) for _ in range(READERS)))
    caches = [await database.write(kibibytes), *readers]
    assert min(caches) > 0
    assert sum(caches) <= 6 * 1024
    await database.stop()


async def test_a_database_that_is_not_there() -> None:
    database = open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError):
        await database.ping()
    await database.start()
    with pytest.raises(DatabaseUnavailableError):
        await database.ping()
    await database.stop()


@pytest.mark.parametrize(
    "url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", "postgres"]
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="use sqlite:///path/to/file or postgresql://"):
        open_database(url)


async def test_two_migrations_at_once(postgres_database: str) -> None:
    databases = [open_database(postgres_database) for _ in range(2)]
    for each in databases:
        await each.start()
    assert "inbound-desk migrate" in (await pending(databases[0], "intake") or "")
    await asyncio.gather(*(upgrade(each, "intake") for each in databases))
    assert await pending(databases[1], "intake") is None
    for each in databases:
        await each.stop()


async def test_intakes_migrations_and_tables_agree(url: str) -> None:
    database = open_database(url)
    await database.start()
    await upgrade(database, "intake")

    def differences(tx: Read) -> list[Any]:
        options = {"version_table": version_table("intake"), "compare_type": True}
        context = MigrationContext.configure(tx.connection, opts=options)
        return list(compare_metadata(context, intake_metadata))

    assert await database.read(differences) == []
    await upgrade(database, "intake")
    await database.stop()

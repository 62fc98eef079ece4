"""Until when nothing can be written any more: whichever process writes, and however it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from shared.db import Database, Write, open_database, relay_session
from shared.db.database import RelayGuard
from shared.db.postgres import PostgresDatabase
from shared.db.types import new_metadata
from shared.db.underway import WritesUnderway
from shared.messaging import outbox
from tests.support.clock import ManualClock

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_metadata = new_metadata()
outbox.outbox_table(_metadata)


@pytest.fixture(autouse=True)
def _no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay of these tests has been one for long."""
    monkeypatch.setattr(relay_session, "SETTLING", timedelta(0))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'x.sqlite'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = open_database(url)
    await database.start()
    await database.migration(_metadata.create_all)
    yield database
    await database.stop()


@asynccontextmanager
async def relay(database: Database, clock: ManualClock) -> AsyncIterator[RelayGuard]:
    stop = asyncio.Event()
    async with database.sole_relay(stop, table="outbox", now=clock.now) as guard:
        assert guard is not None
        yield guard


def test_what_has_ended_is_known_without_a_clock() -> None:
    underway = WritesUnderway()
    assert underway.ended_until(NOW) == NOW
    with underway.one():
        assert underway.ended_until(NOW + SECOND) == NOW
        with underway.one():
            # The first one began before that moment: it alone is waited for.
            assert underway.ended_until(NOW + 2 * SECOND) == NOW
    assert underway.ended_until(NOW + 3 * SECOND) == NOW + 3 * SECOND


def test_writes_that_follow_on_each_other_hold_nothing_up() -> None:
    underway = WritesUnderway()
    assert underway.ended_until(NOW) == NOW
    last = underway.one()
    last.__enter__()
    for number in range(1, 9):
        asked = underway.ended_until(NOW + number * SECOND)
        following = underway.one()
        following.__enter__()
        last.__exit__(None, None, None)
        last = following
        assert asked is not None
        assert asked >= NOW + (number - 2) * SECOND


def takes_a_while(tx: Write) -> None:
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_sleep(0.7)"))
    else:
        time.sleep(0.7)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_write_is_waited_for_whoever_still_asks(
    database: Database, cancelled: bool
) -> None:
    async with relay(database, ManualClock(NOW)) as guard:
        assert await guard.settled_until(NOW) == NOW
        writing = asyncio.create_task(database.write(takes_a_while))
        await asyncio.sleep(0)
        assert await guard.settled_until(NOW + SECOND) == NOW
        if cancelled:
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert await guard.settled_until(NOW + SECOND) == NOW
        else:
            await writing
        await settled(guard, NOW + 2 * SECOND, NOW + 2 * SECOND)


async def test_who_waits_before_it_writes_may_say_so(database: Database) -> None:
    async with relay(database, ManualClock(NOW)) as guard:
        assert await guard.settled_until(NOW) == NOW
        with database.writing():
            assert await guard.settled_until(NOW + SECOND) == NOW
        assert await guard.settled_until(NOW + SECOND) == NOW + SECOND


async def settled(guard: RelayGuard, now: datetime, until: datetime) -> None:
    """As soon as the other process has said how far it is."""
    async with asyncio.timeout(20):
        while await guard.settled_until(now) != until:  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.02)


async def test_another_process_is_believed_by_its_own_clock(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is behind, so what it answers now it answers in time for what is due here by now."""
    monkeypatch.setattr(relay_session, "SETTLING", SECOND)
    mine, behind = ManualClock(NOW), ManualClock(NOW - 60 * SECOND)
    one, two = open_database(postgres_database), open_database(postgres_database)
    await one.start()
    await one.migration(_metadata.create_all)
    stop = asyncio.Event()

    async def waits() -> None:
        async with two.sole_relay(stop, table="outbox", now=behind.now) as guard:
            assert guard is None

    async with relay(one, mine) as guard:
        waiting = asyncio.create_task(waits())
        await settled(guard, NOW, NOW - 60 * SECOND)
        behind.advance(SECOND)
        await settled(guard, NOW, NOW - 59 * SECOND)
        with two.writing():
            behind.advance(10 * SECOND)
            await asyncio.sleep(2.5)  # it says so each second: nothing is to come here
            assert await guard.settled_until(NOW) == NOW - 59 * SECOND
        await settled(guard, NOW, NOW - 49 * SECOND)
        stop.set()
        await waiting
        # Its session is gone, it perhaps not: so for a while it counts.
        assert await guard.settled_until(NOW) == NOW - 49 * SECOND
        await settled(guard, NOW, NOW)
    await one.stop()


async def test_a_new_relay_knows_nobody_yet(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_session, "SETTLING", SECOND)
    database = open_database(postgres_database)
    await database.start()
    await database.migration(_metadata.create_all)
    async with relay(database, ManualClock(NOW)) as guard:
        assert await guard.settled_until(NOW) == NOW - SECOND
        await settled(guard, NOW, NOW)
    await database.stop()


async def test_an_open_transaction_of_nobody_is_waited_for(postgres_database: str) -> None:
    """Its process has died, or its session is idle in the transaction: it may still commit."""
    database = open_database(postgres_database)
    assert isinstance(database, PostgresDatabase)
    await database.start()
    await database.migration(_metadata.create_all)
    stranger = await asyncpg.connect(database.dsn)
    transaction = stranger.transaction()
    await transaction.start()
    await stranger.execute(
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, traceparent,"
        " occurred_at) VALUES (gen_random_uuid(), 'a', 'b', 'c', '{}', '', now())"
    )
    async with relay(database, ManualClock(NOW)) as guard:
        for seconds in range(5):
            assert await guard.settled_until(NOW + seconds * SECOND) is None
        await transaction.commit()
        # The first answer is of the moment at which it was open.
        assert await guard.settled_until(NOW + 9 * SECOND) == NOW
        assert await guard.settled_until(NOW + 9 * SECOND) == NOW + 9 * SECOND
    await stranger.close()
    await database.stop()

"""A database that is read-only, full, damaged or away says so in one way, and works again after."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from shared.db import Database, DatabaseUnavailableError, Read, Write, open_database
from shared.db import postgres as postgresql
from shared.db.availability import RECENT_SECONDS, SAY_AGAIN_SECONDS, Availability
from shared.db.failures import unavailable
from tests.support.states import NOT_NOW, OWN_FAULT, full, read_only, set_read_only
from tests.support.wire import wire_to

WORDS = "Wo bleibt mein Paket, Frau Thaler?"
_metadata = MetaData()
things = Table(
    "things", _metadata, Column("number", Integer, primary_key=True), Column("text", Text)
)


def add(tx: Write, number: int, words: str = "") -> None:
    tx.execute(insert(things).values(number=number, text=words))


def count(tx: Read) -> int:
    return int(tx.execute(select(func.count()).select_from(things)).scalar_one())


def refuse(tx: Write, state: str) -> None:
    """The server raises this error, and quotes a row as its own errors do."""
    message = f"USING ERRCODE = '{state}', MESSAGE = 'no', DETAIL = 'Failing row: ({WORDS})'"
    tx.execute(text(f"DO $$ BEGIN RAISE EXCEPTION {message}; END $$"))


@pytest.fixture
async def postgres(postgres_database: str) -> AsyncIterator[Database]:
    database = open_database(postgres_database, pool_size=2)
    await database.start()
    await database.migration(_metadata.create_all)
    yield database
    await database.stop()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(f"sqlite:///{tmp_path / 'things.sqlite'}")
    await database.start()
    await database.migration(_metadata.create_all)
    yield database
    await database.stop()


async def test_what_postgres_cannot_do_now(postgres: Database) -> None:
    for state in NOT_NOW:
        with pytest.raises(DatabaseUnavailableError, match=f"SQLSTATE {state}") as caught:
            await postgres.write(refuse, state)
        assert WORDS not in str(caught.value)
    for state in OWN_FAULT:
        with pytest.raises(DBAPIError):
            await postgres.write(refuse, state)
    await postgres.write(add, 1)


async def test_a_read_only_postgres(postgres: Database, postgres_database: str) -> None:
    await postgres.write(add, 1)
    async with read_only(postgres_database):
        with pytest.raises(DatabaseUnavailableError, match="25006"):
            await postgres.write(add, 2)
        assert "25006" in (postgres.availability.write_failure or "")
        assert await postgres.read(count) == 1
        with pytest.raises(DatabaseUnavailableError, match="takes no writes"):
            await postgres.ping()
    await postgres.ping()
    await postgres.write(add, 2)


async def test_sessions_leave_a_server_that_became_read_only(
    postgres: Database, postgres_database: str
) -> None:
    """A session that began while the server was read-only stays so; the pool must not keep it."""
    await set_read_only(postgres_database, read_only=True)
    with pytest.raises(DatabaseUnavailableError):
        await postgres.write(add, 1)
    assert await postgres.read(count) == 0  # this opens a session that takes no writes
    connection = await asyncpg.connect(postgres_database)
    await connection.execute("SET default_transaction_read_only = off")
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    await connection.close()
    with pytest.raises(DatabaseUnavailableError):
        await postgres.ping()
    await postgres.ping()
    await postgres.write(add, 1)


async def test_a_server_that_falls_silent(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its host is gone, and nobody closes the connections: they must not be waited for."""
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(postgresql, "FAREWELL_SECONDS", 0.5)
    async with wire_to(postgres_database) as (wire, url):
        database = open_database(url, pool_size=2)
        await database.start()
        await database.migration(_metadata.create_all)
        await database.write(add, 1)
        wire.cut()
        for again in range(3):
            async with asyncio.timeout(10):
                with pytest.raises(DatabaseUnavailableError, match=r"does not answer|broke"):
                    await database.write(add, 2 + again)
        wire.mend()
        await database.write(add, 5)
        assert await database.read(count) == 2
        wire.cut()
        async with asyncio.timeout(10):
            await database.stop()


async def test_a_full_disk_under_sqlite(sqlite: Database) -> None:
    await sqlite.write(add, 1)
    async with full(sqlite):
        with pytest.raises(DatabaseUnavailableError, match="SQLITE_FULL"):
            await sqlite.write(add, 2, WORDS * 1000)
        assert await sqlite.read(count) == 1
        assert "SQLITE_FULL" in (sqlite.availability.write_failure or "")
    await sqlite.write(add, 2, WORDS * 1000)


async def test_what_the_driver_raises_past_sqlalchemy(sqlite: Database) -> None:
    def raw(tx: Write, statement: str) -> Any:
        connection: Any = tx.connection.connection.driver_connection
        return connection.execute(statement).fetchall()

    await sqlite.write(add, 1)
    async with full(sqlite):
        with pytest.raises(DatabaseUnavailableError, match="SQLITE_FULL"):
            await sqlite.write(raw, "INSERT INTO things VALUES (2, hex(zeroblob(50000)))")
    with pytest.raises(DatabaseUnavailableError, match="no such table"):
        await sqlite.write(raw, "SELECT * FROM elsewhere")
    with pytest.raises(sqlite3.IntegrityError):
        await sqlite.write(raw, "INSERT INTO things VALUES (1, '')")


async def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "things.sqlite"
    path.write_bytes(b"no database at all " * 1000)
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseUnavailableError, match="SQLITE_NOTADB"):
        await database.start()
    await database.stop()


async def test_a_file_that_may_not_be_written_or_is_gone(sqlite: Database, tmp_path: Path) -> None:
    def driver(tx: Write) -> Any:
        return tx.connection.connection.driver_connection

    connection = await sqlite.write(driver)
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(DatabaseUnavailableError, match="SQLITE_READONLY"):
        await sqlite.write(add, 1)
    connection.execute("PRAGMA query_only = OFF")
    await sqlite.write(add, 1)
    shutil.rmtree(tmp_path)
    with pytest.raises(DatabaseUnavailableError, match="SQLITE_CANTOPEN"):
        await sqlite.ping()


def test_a_value_that_cannot_be_encoded_is_no_state_of_the_server() -> None:
    assert unavailable(asyncpg.DataError("invalid input for query argument $1")) is None
    assert unavailable(UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates")) is None
    assert unavailable(asyncpg.InterfaceError("connection is closed")) is not None
    assert unavailable(TimeoutError()) == "PostgreSQL does not answer: not in time"


def test_a_failure_is_said_when_it_begins_once_a_minute_and_when_it_is_over() -> None:
    now = 1000.0
    state = Availability("intake", seconds=lambda: now)
    with capture_logs() as lines:
        state.worked(writing=True)
        for _ in range(200):
            state.failed("full", writing=True)
            state.worked(writing=False)  # looking goes on all the time
            now += 1
        assert state.write_failure == "full"
        now += RECENT_SECONDS
        state.worked(writing=False)
        assert state.write_failure == "full", "the last write is the one that failed"
        assert {line["event"] for line in lines} == {"database.unavailable"}
        state.worked(writing=True)
        assert state.write_failure is None
    said = [(line["event"], line["log_level"]) for line in lines]
    repeated = 1 + int(199 // SAY_AGAIN_SECONDS)
    assert said == [("database.unavailable", "warning")] * repeated + [
        ("database.available", "info")
    ]
    assert lines[0]["reason"] == "full"
    assert lines[-1]["seconds"] == 199


def test_a_write_that_failed_counts_for_a_moment_although_another_worked() -> None:
    now = 1000.0
    state = Availability("intake", seconds=lambda: now)
    state.failed("full", writing=True)
    state.worked(writing=True)
    assert state.write_failure == "full"
    now += RECENT_SECONDS
    assert state.write_failure is None

"""SQLite's writing: who waits shares a transaction, and nobody pays for another."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import IntegrityError

from shared.db import Read, open_database
from shared.db.group_commit import GroupCommit
from shared.runtime.trace import current_traceparent, tracing


@dataclass
class Bench:
    writes: GroupCommit
    path: Path
    commits: list[str] = field(default_factory=list)

    async def add(self, number: int) -> int:
        def verb(connection: Connection) -> int:
            connection.exec_driver_sql("INSERT INTO numbers VALUES (?)", (number,))
            return number

        return await self.writes.write(verb)

    def stored(self) -> list[int]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]

    @contextmanager
    def held_by_another(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield other


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    path = tmp_path / "numbers.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
    engine = create_engine(
        f"sqlite:///{path}",
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 0},
    )
    event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    with ThreadPoolExecutor(1) as thread:
        bench = Bench(GroupCommit(engine, thread), path)
        event.listen(engine, "commit", lambda _connection: bench.commits.append("commit"))
        yield bench
        await bench.writes.drain()
        engine.dispose()


async def test_what_waits_shares_a_transaction(bench: Bench) -> None:
    assert await asyncio.gather(*map(bench.add, range(40))) == list(range(40))
    assert bench.stored() == list(range(40))
    assert len(bench.commits) == 1


async def test_who_fails_fails_alone(bench: Bench) -> None:
    await bench.add(3)
    found = await asyncio.gather(*map(bench.add, range(6)), return_exceptions=True)
    assert [n for n, each in enumerate(found) if isinstance(each, IntegrityError)] == [3]
    assert bench.stored() == list(range(6))


async def test_what_was_answered_is_stored(bench: Bench) -> None:
    """Also in the middle of others: each answer comes after its commit."""

    async def add_and_look(number: int) -> None:
        await bench.add(number)
        assert number in bench.stored()

    await asyncio.gather(*map(add_and_look, range(20)))


async def test_who_goes_away_takes_nothing_along(bench: Bench) -> None:
    gone, here = asyncio.create_task(bench.add(1)), asyncio.create_task(bench.add(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await here == 2
    assert bench.stored() == [1, 2]


async def test_another_process_that_writes_is_waited_for_beside_the_loop(bench: Bench) -> None:
    with bench.held_by_another() as other:
        waiting = asyncio.create_task(bench.add(1))
        turns = 0
        while turns < 50:  # the loop turns while the write waits in its thread
            await asyncio.sleep(0)
            turns += 1
        assert not waiting.done()
        other.execute("ROLLBACK")
    assert await waiting == 1
    assert bench.stored() == [1]


async def test_a_verb_runs_in_the_trace_of_who_asked(bench: Bench) -> None:
    def verb(_connection: Connection) -> Any:
        return current_traceparent()

    async def ask(name: str) -> Any:
        with tracing(name):
            return await bench.writes.write(verb)

    assert list(await asyncio.gather(ask("one"), ask("two"))) == ["one", "two"]


async def test_long_work_has_the_file_for_itself(bench: Bench) -> None:
    def look() -> list[int]:
        return bench.stored()

    first, between, second = await asyncio.gather(
        bench.add(1), bench.writes.in_thread(look), bench.add(2)
    )
    assert (first, second) == (1, 2)
    assert set(between) <= {1, 2}
    assert bench.stored() == [1, 2]


async def test_the_write_ahead_log_is_given_back_beside_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    database = open_database(f"sqlite:///{path}")
    await database.start()
    try:
        await database.write(lambda tx: tx.execute(text("CREATE TABLE t (x BLOB)")) and None)
        row = text("INSERT INTO t VALUES (randomblob(50000))")
        for _ in range(20):
            await database.write(lambda tx: tx.execute(row) and None)

        def slow(tx: Read) -> None:
            tx.execute(text("SELECT count(*) FROM t")).all()
            time.sleep(0.3)

        reading = asyncio.create_task(database.read(slow))
        await asyncio.sleep(0.05)
        await database.tidy()
        await reading
        left = await asyncio.to_thread(lambda: Path(f"{path}-wal").stat().st_size)
    finally:
        await database.stop()
    assert left == 0

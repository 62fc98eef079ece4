"""The tests' own PostgreSQL: it keeps its promises, and each test gets a database of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.support.postgres import Postgres
from tests.support.processes import MissingBackingError, scratch


async def test_a_database_is_empty_and_durable(postgres_database: str) -> None:
    connection = await asyncpg.connect(postgres_database)
    try:
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert await connection.fetchval(tables) == 0
    finally:
        await connection.close()


async def test_a_killed_server_comes_back_with_what_was_committed(postgres_url: str) -> None:
    with scratch("postgres-killed") as folder:
        try:
            server = Postgres(folder.path)
        except MissingBackingError as missing:
            pytest.skip(str(missing))
        try:
            await asyncio.to_thread(server.start)
            await _execute(server.url, "CREATE TABLE kept AS SELECT 1")
            await asyncio.to_thread(server.kill)
            with pytest.raises(OSError, match="Connect"):
                await _execute(server.url, "SELECT 1")
            await asyncio.to_thread(server.start)
            await _execute(server.url, "SELECT * FROM kept")
        finally:
            await asyncio.to_thread(server.kill)


def test_nothing_is_left_of_a_scratch_folder() -> None:
    with scratch("short") as folder:
        (folder.path / "file").touch()
    assert not Path(folder.path).exists()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

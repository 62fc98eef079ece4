"""States that a real database gets into, made on purpose."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.db import Database, Write
from shared.db.sqlite import SqliteDatabase

NOT_NOW = (
    *("25006", "53100", "53200", "53300", "53400", "58030", "57014", "57P03", "55P03", "40P01"),
    *("08006", "28P01", "3D000", "42501", "42P01", "XX001"),
)
"""PostgreSQL's codes for what has nothing to do with what was asked."""
OWN_FAULT = ("22021", "23505", "23514", "54000", "P0001")
"""And for what is wrong in itself, now and later."""


@contextlib.asynccontextmanager
async def read_only(url: str) -> AsyncIterator[None]:
    """The PostgreSQL database takes no writes, as the old server after a failover."""
    await set_read_only(url, read_only=True)
    try:
        yield
    finally:
        await set_read_only(url, read_only=False)


async def set_read_only(url: str, *, read_only: bool) -> None:
    """Also for the sessions that are there: they end, as they do when a server changes its part."""
    name = urlsplit(url).path.removeprefix("/")
    connection = await asyncpg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")))
    try:
        value = "on" if read_only else "off"
        await connection.execute(
            f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
        )
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def full(database: Database) -> AsyncIterator[None]:
    """The SQLite file may not grow any more: SQLITE_FULL, as on a full disk."""
    assert isinstance(database, SqliteDatabase)
    await database.write(_limit, 1)
    try:
        yield
    finally:
        await database.write(_limit, 1_073_741_823)


def _limit(tx: Write, pages: int) -> None:
    tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").fetchall()

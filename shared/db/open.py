"""From a URL to a database: the one place where the two dialects part."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.db.database import Database, Reader
from shared.db.postgres import PostgresDatabase
from shared.db.postgres_options import check_options
from shared.db.sqlite import CACHE_MIB, SqliteDatabase, SqliteReader
from shared.text.addresses import without_secrets


def _known_url(url: str) -> str:
    if url:
        _parsed(url)
    return url


DatabaseUrl = Annotated[str, AfterValidator(_known_url)]
"""The setting: empty, or a URL that `open_database` takes."""


def open_database(url: str, *, pool_size: int = 8, cache_mib: int = CACHE_MIB) -> Database:
    """`sqlite:///path/to/file` or `postgresql://user:password@host:port/name`, with options as
    libpq knows them, such as `?sslmode=verify-full&sslrootcert=/path/ca.pem`.

    `pool_size` is for PostgreSQL, `cache_mib` for SQLite (MiB for all connections to the file).
    Raises ValueError that says what is wrong. Nothing is connected before `start()`.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase(parsed.database or "", cache_mib=cache_mib)
    return PostgresDatabase(parsed, pool_size=pool_size)


def open_reader(url: str) -> Reader:
    """The same to look only, also into a SQLite file that a running desk owns."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteReader(parsed.database or "")
    return PostgresDatabase(parsed, pool_size=1)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        # asyncpg reads it once more, and more strictly.
        urlsplit(url)
    except (ArgumentError, ValueError):
        # Not as its cause: it may repeat a piece of a password that holds an unescaped @, : or /.
        raise ValueError(_wrong(url)) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return parsed
        case "postgresql":
            check_options(parsed)
            return parsed
        case _:
            raise ValueError(_wrong(url))


def _wrong(url: str) -> str:
    return (
        f"the database URL {without_secrets(url)!r} is not understood; use sqlite:///path/to/file "
        "or postgresql://user:password@host:5432/name, and in user and password %40 for @, %3A "
        "for :, %2F for /"
    )

"""Which failures mean that a database cannot work now, as distinct from what was asked being wrong.

The one list for everything that asks a database: requests then get 503 and may be sent again, loops
wait and go on, and nothing is parked or given up.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_CLASSES: Final = frozenset(
    {
        "08",  # the connection broke
        "28",  # the login was refused: a password was changed
        "3D",  # no such database: it is being restored
        "3F",  # no such schema: the same
        "40",  # rolled back by a deadlock or a serialization failure, again and again
        "53",  # no disk, no memory, no connection left
        "57",  # shut down, starting, a statement ended by an operator or its time limit
        "58",  # the system under the server fails: input and output, files
    }
)
_STATES: Final = frozenset(
    {
        "25006",  # read-only: a standby, or one that was set so after a failover
        "25P03",  # a transaction was idle for too long
        "25P04",  # a transaction took too long
        "55006",  # in use by somebody else
        "55P03",  # a lock was not to be had in time
        # The schema is not ours: not migrated, restored from an older copy, or not granted. Our
        # statements are fixed, so no request and no fact can be the reason.
        "42501",
        "42703",
        "42P01",
        "XX001",  # damaged data
        "XX002",  # a damaged index
    }
)
_PLAN_CHANGED: Final = "cached statement plan is invalid"
_SQLITE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOTADB,
    }
)
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_OTHER_SCHEMA: Final = ("no such table", "no such column")

POSTGRES_ERRORS: Final = (
    DBAPIError,
    PoolTimeoutError,
    OSError,  # TimeoutError is one
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Everything that asking PostgreSQL may raise, with or without SQLAlchemy in between."""
SQLITE_ERRORS: Final = (DBAPIError, sqlite3.Error)
"""The same of SQLite."""


def unavailable(error: BaseException) -> str | None:
    """Why the database cannot work now; None when the fault lies in what it was asked.

    The reason is a sentence without any value that was asked for or stored.
    """
    if isinstance(error, PoolTimeoutError):
        return "every connection to PostgreSQL is in use"
    cause = driver_error(error)
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause)
    reason = _postgres(cause)
    if reason is None and isinstance(error, DBAPIError) and error.connection_invalidated:
        return "the connection to PostgreSQL broke"
    return reason


def driver_error(error: BaseException) -> BaseException:
    """What the driver raised, without SQLAlchemy's layers around it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        # On asyncpg there is one more layer, which plays a driver of the usual kind.
        return error.orig.__cause__ or error.orig
    return error


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code for it; None when the server did not say it."""
    return getattr(driver_error(error), "sqlstate", None)


def _postgres(cause: BaseException) -> str | None:
    if isinstance(cause, asyncpg.PostgresError):
        state = str(cause.sqlstate)
        if state[:2] in _CLASSES or state in _STATES or _PLAN_CHANGED in str(cause):
            # The message alone: DETAIL quotes rows.
            return f"PostgreSQL says: {cause.args[0]} (SQLSTATE {state})"
        return None
    # asyncpg could not encode a value: an InterfaceError, too. A certificate that does not hold is
    # a ValueError as well, and has nothing to do with what was asked.
    if isinstance(cause, ValueError) and not isinstance(cause, OSError):
        return None
    if isinstance(cause, asyncpg.InterfaceError | asyncpg.InternalClientError):
        # So asyncpg answers when the session ends in the middle of something.
        return f"PostgreSQL does not answer: {cause}"
    if isinstance(cause, OSError):
        return f"PostgreSQL does not answer: {str(cause) or 'not in time'}"
    return None


def _sqlite(error: sqlite3.Error) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the driver itself refused the call
        return None
    other_schema = code == sqlite3.SQLITE_ERROR and str(error).startswith(_OTHER_SCHEMA)
    if code & 0xFF not in _SQLITE and not other_schema:
        return None
    hint = "; is its disk full?" if code & 0xFF in _NO_ROOM else ""
    return f"SQLite says: {error} ({error.sqlite_errorname}){hint}"

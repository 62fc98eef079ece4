"""PostgreSQL through asyncpg; the verbs stay plain functions (see `database`)."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Concatenate

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.db.database import DatabaseUnavailableError, Dialect, P, Read, RelayGuard, T, Write
from shared.db.tasks import ShieldedTasks

ATTEMPTS = 4
RELAY_RETRY_SECONDS = 1.0
# Deadlock, serialization failure: the transaction is gone and may simply be run again.
_RUN_AGAIN = frozenset({"40P01", "40001"})
_PLAN_CHANGED = "cached statement plan is invalid"
_DOWN = frozenset({"57P01", "57P02", "57P03", "53300", "55P03", "57014"})


# A session that the server is just ending answers with asyncpg's own confusion.
_GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class PostgresDatabase:
    dialect: Dialect = "postgresql"

    def __init__(self, url: URL, *, pool_size: int) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")
        self._pool_size = pool_size
        self._tasks = ShieldedTasks()
        self._engine: AsyncEngine | None = None

    @property
    def dsn(self) -> str:
        """The address in the form that asyncpg takes, for connections outside the pool."""
        return self._url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def start(self) -> None:
        # A service may start before its database: each verb says so then, and readiness shows it.
        self._engine = create_async_engine(
            self._url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": "inbound-desk",
                    "statement_timeout": "30000",
                    "lock_timeout": "10000",
                    "idle_in_transaction_session_timeout": "30000",
                },
            },
        )

    async def stop(self) -> None:
        await self._tasks.drain()
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def ping(self) -> None:
        await self.read(lambda tx: tx.execute(text("SELECT 1")).scalar())

    async def read(
        self, verb: Callable[Concatenate[Read, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def attempt(engine: AsyncEngine) -> T:
            async with engine.connect() as connection:
                looking = await connection.execution_options(postgresql_readonly=True)
                async with looking.begin():
                    return await looking.run_sync(lambda c: verb(Read(c), *args, **kwargs))

        return await self._attempts(attempt)

    async def write(
        self, verb: Callable[Concatenate[Write, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def attempt(engine: AsyncEngine) -> T:
            async with engine.begin() as connection:
                return await connection.run_sync(lambda c: verb(Write(c), *args, **kwargs))

        return await self._tasks.run(self._attempts(attempt))

    async def migration(self, run: Callable[[Connection], T]) -> T:
        async def attempt(engine: AsyncEngine) -> T:
            async with engine.begin() as connection:
                # Two processes that migrate at once must not meet on the version table.
                await connection.execute(text("SELECT pg_advisory_xact_lock(7226001)"))
                await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                await connection.execute(text("SET LOCAL statement_timeout = 0"))
                return await connection.run_sync(run)

        return await self._attempts(attempt)

    async def _attempts(self, attempt: Callable[[AsyncEngine], Coroutine[Any, Any, T]]) -> T:
        if self._engine is None:
            raise DatabaseUnavailableError("the connection to PostgreSQL is closed")
        for number in range(1, ATTEMPTS + 1):
            try:
                return await attempt(self._engine)
            except DBAPIError as error:
                if number < ATTEMPTS and _may_run_again(error):
                    await asyncio.sleep(0.01 * number)
                    continue
                if _is_down(error):
                    raise DatabaseUnavailableError(f"PostgreSQL says: {error.orig}") from error
                raise
            except (OSError, PoolTimeoutError, asyncpg.InternalClientError) as error:
                raise DatabaseUnavailableError(f"PostgreSQL does not answer: {error}") from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def tidy(self) -> None:
        """Nothing: autovacuum does it."""

    @asynccontextmanager
    async def sole_relay(self) -> AsyncIterator[RelayGuard]:
        # Outside every pool: a pooled connection would carry the lock away or drop it silently.
        connection = await self._locked()
        try:
            yield _AdvisoryLock(connection)
        finally:
            connection.terminate()

    async def _locked(self) -> Any:
        key = zlib.crc32(b"inbound-desk relay")
        while True:
            try:
                connection = await asyncpg.connect(
                    self.dsn,
                    timeout=5,
                    server_settings={
                        "application_name": "inbound-desk-relay",
                        "tcp_keepalives_idle": "10",
                        "tcp_keepalives_interval": "5",
                        "tcp_keepalives_count": "3",
                    },
                )
            except (OSError, *_GONE):
                await asyncio.sleep(RELAY_RETRY_SECONDS)
                continue
            try:
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
                    return connection
            except (OSError, *_GONE):
                pass
            connection.terminate()
            await asyncio.sleep(RELAY_RETRY_SECONDS)


class _AdvisoryLock:
    """Held by the session: PostgreSQL gives it to another relay as soon as the session ends."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def still_mine(self) -> bool:
        try:
            async with asyncio.timeout(5):
                await self._connection.execute("SELECT 1")
        except (OSError, TimeoutError, *_GONE):
            return False
        return True


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _may_run_again(error: DBAPIError) -> bool:
    return _sqlstate(error) in _RUN_AGAIN or _PLAN_CHANGED in str(error.orig)


def _is_down(error: DBAPIError) -> bool:
    state = _sqlstate(error)
    if error.connection_invalidated or state in _DOWN:
        return True
    # Class 08 is "connection exception"; without a state the server never answered.
    return state is None or state.startswith("08")

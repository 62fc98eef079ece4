"""PostgreSQL through asyncpg; the verbs stay plain functions (see `database`)."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Concatenate

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.availability import Availability
from shared.db.database import (
    DatabaseUnavailableError,
    Dialect,
    Follower,
    P,
    Read,
    RelayGuard,
    T,
    Write,
)
from shared.db.failures import POSTGRES_ERRORS, sqlstate, unavailable
from shared.db.relay_session import CONNECT_SECONDS, GONE, Now, RelaySession
from shared.db.tasks import ShieldedTasks
from shared.db.underway import WritesUnderway
from shared.runtime.lifecycle import pause, unless

ATTEMPTS = 4
RELAY_RETRY_SECONDS = 1.0
FAREWELL_SECONDS = 3.0
ANSWER_SECONDS = 35.0
"""Longer than the server itself lets a statement run: by then it is gone, or the way to it."""
# Deadlock, serialization failure: the transaction is gone and may simply be run again.
_RUN_AGAIN = frozenset({"40P01", "40001"})
_PLAN_CHANGED = "cached statement plan is invalid"
_READ_ONLY = "25006"
_TAKES_NO_WRITES = """
SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'
"""


class PostgresDatabase:
    dialect: Dialect = "postgresql"

    def __init__(self, url: URL, *, pool_size: int) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")
        self._pool_size = pool_size
        self._tasks = ShieldedTasks()
        self._underway = WritesUnderway()
        self._name = uuid.uuid4().hex[:8]
        self._engine: AsyncEngine | None = None
        self.availability = Availability(self._url.database or "postgresql")
        self.followers: Sequence[Follower] = ()

    @property
    def dsn(self) -> str:
        """The address in the form that asyncpg takes, for connections outside the pool."""
        return self._url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def start(self) -> None:
        # A service may start before its database: each verb says so then, and readiness shows it.
        self._engine = self._new_engine(
            answer_seconds=ANSWER_SECONDS,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=10,
        )

    def _new_engine(self, *, answer_seconds: float | None, **pool: Any) -> AsyncEngine:
        engine = create_async_engine(
            self._url,
            async_creator=partial(self._connected, answer_seconds),
            pool_pre_ping=True,
            hide_parameters=True,
            **pool,
        )
        event.listen(engine.sync_engine, "handle_error", _leave_a_read_only_server)
        return engine

    async def _connected(self, answer_seconds: float | None) -> Any:
        """By the same address as relay and writers, so that `sslmode` and the rest mean the same:
        SQLAlchemy would not understand them.
        """
        return await asyncpg.connect(
            self.dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=answer_seconds,
            server_settings={
                "application_name": "inbound-desk",
                "statement_timeout": "30000",
                "lock_timeout": "10000",
                "idle_in_transaction_session_timeout": "30000",
            },
        )

    async def stop(self) -> None:
        await self._tasks.drain()
        if self._engine is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self._engine.dispose()
            self._engine = None

    async def ping(self) -> None:
        async def attempt(engine: AsyncEngine) -> None:
            async with engine.connect() as connection:
                if (await connection.execute(text(_TAKES_NO_WRITES))).scalar():
                    await _leave(connection)

        await self._attempts(attempt, writing=False)

    async def read(
        self, verb: Callable[Concatenate[Read, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def attempt(engine: AsyncEngine) -> T:
            async with engine.connect() as connection:
                looking = await connection.execution_options(postgresql_readonly=True)
                async with looking.begin():
                    return await looking.run_sync(lambda c: verb(Read(c), *args, **kwargs))

        return await self._attempts(attempt, writing=False)

    async def write(
        self, verb: Callable[Concatenate[Write, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def attempt(engine: AsyncEngine) -> T:
            async with engine.begin() as connection:
                return await connection.run_sync(
                    lambda c: verb(Write(c, self.followers), *args, **kwargs)
                )

        # Here for a caller that writes again with the same moment, below for one that is cancelled.
        with self._underway.one() as generation:
            return await self._tasks.run(self._counted(attempt, generation))

    async def _counted(
        self, attempt: Callable[[AsyncEngine], Coroutine[Any, Any, T]], generation: int
    ) -> T:
        with self._underway.one(generation):
            return await self._attempts(attempt, writing=True)

    async def migration(self, run: Callable[[Connection], T]) -> T:
        async def attempt(_engine: AsyncEngine) -> T:
            async with unhurried.begin() as connection:
                # Two processes that migrate at once must not meet on the version table.
                await connection.execute(text("SELECT pg_advisory_xact_lock(7226001)"))
                await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                await connection.execute(text("SET LOCAL statement_timeout = 0"))
                return await connection.run_sync(run)

        unhurried = self._new_engine(answer_seconds=None, poolclass=NullPool)
        try:
            return await self._attempts(attempt, writing=True)
        finally:
            await unhurried.dispose()

    async def _attempts(
        self, attempt: Callable[[AsyncEngine], Coroutine[Any, Any, T]], *, writing: bool
    ) -> T:
        if self._engine is None:
            raise DatabaseUnavailableError("the connection to PostgreSQL is closed")
        for number in range(1, ATTEMPTS + 1):
            try:
                found = await attempt(self._engine)
            except POSTGRES_ERRORS as error:
                if number < ATTEMPTS and _may_run_again(error):
                    await asyncio.sleep(0.01 * number)
                    continue
                reason = unavailable(error)
                if reason is None:
                    raise
                self.availability.failed(reason, writing=writing)
                raise DatabaseUnavailableError(reason) from error
            self.availability.worked(writing=writing)
            return found
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def tidy(self) -> None:
        """Nothing: autovacuum does it."""

    def writing(self) -> contextlib.AbstractContextManager[object]:
        return self._underway.one()

    @contextlib.asynccontextmanager
    async def sole_relay(
        self, stop: asyncio.Event, *, table: str, now: Now
    ) -> AsyncIterator[RelayGuard | None]:
        # Outside every pool: a pooled connection would carry the lock away or drop it silently.
        waiting: list[RelaySession] = []
        try:
            yield await self._locked(stop, waiting, table, now)
        finally:
            _close(waiting)

    async def _locked(
        self, stop: asyncio.Event, waiting: list[RelaySession], table: str, now: Now
    ) -> RelaySession | None:
        """A session that holds the lock; None when stopped before. It is the one in `waiting`,
        whatever happens.
        """
        while not stop.is_set():
            # A server that does not answer must not hold up the end of the process either.
            try:
                found: list[RelaySession] = []
                await unless(stop, self._try_lock(waiting, found, table, now))
                if found:
                    return found[0]
            except (OSError, *GONE):
                _close(waiting)
            await pause(stop, RELAY_RETRY_SECONDS)
        return None

    async def _try_lock(
        self, waiting: list[RelaySession], found: list[RelaySession], table: str, now: Now
    ) -> None:
        if not waiting:
            waiting.append(await RelaySession.open(self.dsn, self._name, self._underway, table))
        if await waiting[0].try_lock(now):
            found.append(waiting[0])


def _close(sessions: list[RelaySession]) -> None:
    while sessions:
        sessions.pop().close()


def _may_run_again(error: BaseException) -> bool:
    return sqlstate(error) in _RUN_AGAIN or (
        isinstance(error, DBAPIError) and _PLAN_CHANGED in str(error.orig)
    )


def _leave_a_read_only_server(context: ExceptionContext) -> None:
    """After a failover the pool must find the server that takes writes, wherever the name leads."""
    if sqlstate(context.original_exception) == _READ_ONLY:
        context.is_disconnect = True


async def _leave(connection: AsyncConnection) -> None:
    """Raises DatabaseUnavailableError: this server takes no writes."""
    await connection.invalidate()
    raise DatabaseUnavailableError(
        "PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on"
    )

"""SQLite: one process owns the file, one connection writes (`group_commit`), a few threads read.

Nobody can cancel a transaction between BEGIN IMMEDIATE and COMMIT, so a caller that goes away never
leaves the file locked.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from contextvars import copy_context
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

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
from shared.db.failures import SQLITE_ERRORS, unavailable
from shared.db.group_commit import GroupCommit
from shared.db.sqlite_file import (
    BUSY_SECONDS,
    FileTakenError,
    NotDurableError,
    check_durable,
    make_durable,
    own,
    pragma,
)
from shared.db.tasks import ShieldedTasks
from shared.db.underway import WritesUnderway
from shared.runtime.files import private_database, private_folder

READERS = 2
CACHE_MIB = 8

J = TypeVar("J")


class SqliteReader:
    """Looks only, also while another process owns the file."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str, *, cache_mib: int = CACHE_MIB) -> None:
        """`cache_mib` is the most that the caches of all connections to the file take together."""
        self._path = Path(path)
        # The writer keeps half of it: its part holds what has just come in and is used again.
        self._reader_cache, self._writer_cache = cache_mib * 512 // READERS, cache_mib * 512
        self._tasks = ShieldedTasks()
        self._is_open = False
        self.availability = Availability(self._path.stem)

    async def start(self) -> None:
        """Raises DatabaseUnavailableError when there is no such file."""
        if not self._path.exists():
            raise DatabaseUnavailableError(f"there is no database {self._path}")
        self._open_readers()

    async def stop(self) -> None:
        if not self._is_open:
            return
        await self._tasks.drain()
        await self._in_thread(self._readers, self._read_engine.dispose)
        self._readers.shutdown()
        self._is_open = False

    async def ping(self) -> None:
        await self.read(lambda tx: tx.execute(text("SELECT 1")).scalar())

    async def read(
        self, verb: Callable[Concatenate[Read, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def job() -> T:
            with self._read_engine.begin() as connection:
                return verb(Read(connection), *args, **kwargs)

        return await self._observed(
            lambda: self._tasks.run(self._in_thread(self._readers, job)), writing=False
        )

    def _open_readers(self) -> None:
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"{self._path.stem}-reader")
        self._read_engine = _engine(
            self._path,
            begin="BEGIN",
            connections=READERS,
            cache_kib=self._reader_cache,
            read_only=True,
        )
        self._is_open = True

    async def _observed(self, work: Callable[[], Coroutine[Any, Any, J]], *, writing: bool) -> J:
        if not self._is_open:
            raise DatabaseUnavailableError(f"the database {self._path.name} is not open")
        try:
            found = await work()
        except SQLITE_ERRORS as error:
            reason = unavailable(error)
            if reason is None:
                raise
            self.availability.failed(reason, writing=writing)
            raise DatabaseUnavailableError(reason) from error
        self.availability.worked(writing=writing)
        return found

    async def _in_thread(self, threads: ThreadPoolExecutor, job: Callable[[], J]) -> J:
        # A thread starts without context.
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(threads, context.run, job)


class SqliteDatabase(SqliteReader):
    """The owner of the file."""

    def __init__(self, path: str, *, cache_mib: int = CACHE_MIB) -> None:
        super().__init__(path, cache_mib=cache_mib)
        self.followers: Sequence[Follower] = ()
        self._lock: int | None = None
        self._underway = WritesUnderway()

    async def start(self) -> None:
        """Raises DatabaseUnavailableError when another process owns the file, or it is unusable."""
        try:
            private_folder(self._path.parent)
            self._own_the_file()
            private_database(self._path)
        except OSError as error:
            raise DatabaseUnavailableError(
                f"the folder {self._path.parent} cannot be used: {error.strerror}; it needs to be "
                "one that this user may write (DESK_DATA_DIR)"
            ) from error
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"{self._path.stem}-writer")
        self._write_engine = _engine(
            self._path,
            begin="BEGIN IMMEDIATE",
            connections=1,
            cache_kib=self._writer_cache,
            patient=False,
        )
        self._writes = GroupCommit(self._write_engine, self._writer)
        self._open_readers()
        try:
            await self._writes.in_thread(self._check_durability)
        except SQLITE_ERRORS as error:
            reason = unavailable(error)
            if reason is None:
                raise
            raise DatabaseUnavailableError(f"{self._path} cannot be used: {reason}") from error

    async def ping(self) -> None:
        await super().ping()
        if not os.access(self._path, os.W_OK):
            raise DatabaseUnavailableError(f"{self._path} is read-only")

    async def stop(self) -> None:
        if self._lock is None:
            return
        await self._writes.drain()
        await super().stop()
        # Last: whoever closes a file's last connection folds the write-ahead log into it.
        await self._in_thread(self._writer, self._write_engine.dispose)
        self._writer.shutdown()
        os.close(self._lock)
        self._lock = None

    async def write(
        self, verb: Callable[Concatenate[Write, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        # Here for a caller that writes again with the same moment; inside for one that goes away.
        with self._underway.one() as generation:

            async def counted() -> T:
                with self._underway.one(generation):
                    return await self._writes.write(
                        lambda c: verb(Write(c, self.followers), *args, **kwargs)
                    )

            return await self._observed(lambda: self._tasks.run(counted()), writing=True)

    def writing(self) -> AbstractContextManager[object]:
        return self._underway.one()

    async def migration(self, run: Callable[[Connection], T]) -> T:
        def job() -> T:
            # Rebuilding a parent table would delete its children while foreign keys are on.
            with self._write_engine.connect() as connection:
                raw = _raw(connection)
                pragma(raw, "foreign_keys=OFF")
                try:
                    with connection.begin():
                        result = run(connection)
                        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                        if orphans:
                            raise ValueError(f"the migration left orphaned rows: {orphans[:3]}")
                    return result
                finally:
                    pragma(raw, "foreign_keys=ON")

        return await self._observed(
            lambda: self._tasks.run(self._writes.in_thread(job)), writing=True
        )

    @asynccontextmanager
    async def sole_relay(
        self, _stop: asyncio.Event, *, table: str, now: Callable[[], datetime]
    ) -> AsyncIterator[RelayGuard | None]:
        del table, now
        yield _OwnFile(self._underway)  # the lock on the file says that nobody else is here

    async def tidy(self) -> None:
        """Give the space of the write-ahead log back."""

        def job() -> None:
            with self._write_engine.connect() as connection:
                pragma(_raw(connection), "wal_checkpoint(TRUNCATE)")

        await self._observed(lambda: self._tasks.run(self._writes.in_thread(job)), writing=False)

    def _own_the_file(self) -> None:
        try:
            self._lock = own(self._path)
        except FileTakenError as error:
            raise DatabaseUnavailableError(
                f"another process has {self._path} open (id {error.owner}); stop it first, or use "
                "PostgreSQL to run several processes"
            ) from error

    def _check_durability(self) -> None:
        with self._write_engine.connect() as connection:
            try:
                check_durable(_raw(connection))
            except NotDurableError as error:
                raise DatabaseUnavailableError(
                    f"{self._path} runs with {error}; accepted inquiries need WAL and FULL"
                ) from error


class _OwnFile:
    def __init__(self, underway: WritesUnderway) -> None:
        self._underway = underway

    async def still_mine(self) -> bool:
        return True

    async def settled_until(self, now: datetime) -> datetime | None:
        return self._underway.ended_until(now)


def _engine(
    path: Path,
    *,
    begin: str,
    connections: int,
    cache_kib: int,
    read_only: bool = False,
    patient: bool = True,
) -> Engine:
    # `%` in a path would be percent-decoded if the URL were text.
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
        # None stops sqlite3 from opening transactions by its own rules; `begin` below does it.
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": BUSY_SECONDS},
    )
    prepare = partial(_prepare, cache_kib=cache_kib, read_only=read_only, patient=patient)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare(
    raw: sqlite3.Connection, _record: object, *, cache_kib: int, read_only: bool, patient: bool
) -> None:
    make_durable(raw)
    pragma(raw, "foreign_keys=ON")
    pragma(raw, f"cache_size=-{cache_kib}")  # kibibytes, when it is negative
    if read_only:
        pragma(raw, "query_only=ON")
    if not patient:
        pragma(raw, "busy_timeout=0")


def _raw(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)

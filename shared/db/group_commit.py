"""SQLite's writing: what waits shares a transaction, and only its commit leaves the event loop.

A statement lets go of the interpreter's lock at each of its steps. In a thread beside a busy event
loop it waits for the lock as often, which took eight times as long as the statements themselves
(docs/decisions/embedded-writing.md). So verbs run on the loop, where each waits for nothing but the
page cache. The fsync at the end of the transaction takes longer: a thread waits for it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import OperationalError

from shared.db.failures import unavailable
from shared.db.sqlite_file import BUSY_SECONDS, pragma

MOST_TOGETHER = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    verb: Callable[[Connection], Any]
    context: Context
    done: asyncio.Future[Any]


class GroupCommit:
    """The transactions of one database, on the one connection that writes, from one event loop."""

    def __init__(self, engine: Engine, thread: Executor) -> None:
        """The engine's connection gives up at once while another process writes to the file."""
        self._engine = engine
        self._thread = thread
        self._waiting: deque[_Job] = deque()
        self._working: asyncio.Task[None] | None = None
        self._sole = asyncio.Lock()

    async def write(self, verb: Callable[[Connection], T]) -> T:
        """Run the verb, and return after the commit. Raises what the verb or the commit raised.

        A verb may run twice: when one of those beside it fails, each runs again in a transaction
        of its own. Who goes away does not take the verb along.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # The outbox needs the trace of whoever asked.
        self._waiting.append(_Job(verb, copy_context(), done))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await done

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do what takes its time on the thread, while nobody writes."""
        async with self._sole:
            return await self._off_the_loop(partial(self._with_patience, work))

    async def drain(self) -> None:
        """Return when nothing waits."""
        while self._working is not None:
            await asyncio.wait({self._working})

    async def _work(self) -> None:
        try:
            while self._waiting:
                most = min(len(self._waiting), MOST_TOGETHER)
                await self._each_done([self._waiting.popleft() for _ in range(most)])
        finally:
            self._working = None

    async def _each_done(self, jobs: Sequence[_Job]) -> None:
        try:
            results = await self._together(jobs)
        except Exception as error:  # noqa: BLE001 - the boundary of those who wait
            # A database that is away is so for each of them.
            if len(jobs) == 1 or unavailable(error) is not None:
                for job in jobs:
                    _settle(job, error=error)
                return
            for job in jobs:
                await self._each_done([job])
            return
        for job, result in zip(jobs, results, strict=True):
            _settle(job, result)

    async def _together(self, jobs: Sequence[_Job]) -> list[Any]:
        async with self._sole:
            with self._engine.connect() as connection:
                transaction = _begun(connection)
                if transaction is not None:
                    return await self._committed(connection, transaction, jobs)
            return await self._off_the_loop(lambda: self._patiently(jobs))

    async def _committed(
        self, connection: Connection, transaction: RootTransaction, jobs: Sequence[_Job]
    ) -> list[Any]:
        try:
            results = _run(jobs, connection)
            await self._off_the_loop(transaction.commit)
        except BaseException:
            _roll_back(connection, transaction)
            raise
        return results

    def _patiently(self, jobs: Sequence[_Job]) -> list[Any]:
        with self._engine.connect() as connection:
            _set_patience(connection, BUSY_SECONDS)
            try:
                with connection.begin():
                    return _run(jobs, connection)
            finally:
                _set_patience(connection, 0)

    def _with_patience(self, work: Callable[[], T]) -> T:
        """It waits for readers, as a checkpoint has to, and for other processes."""
        self._be_patient(BUSY_SECONDS)
        try:
            return work()
        finally:
            self._be_patient(0)

    def _be_patient(self, seconds: int) -> None:
        with self._engine.connect() as connection:
            _set_patience(connection, seconds)

    async def _off_the_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _run(jobs: Sequence[_Job], connection: Connection) -> list[Any]:
    return [job.context.run(job.verb, connection) for job in jobs]


def _set_patience(connection: Connection, seconds: int) -> None:
    raw: Any = connection.connection.driver_connection
    pragma(raw, f"busy_timeout={1000 * seconds}")


def _begun(connection: Connection) -> RootTransaction | None:
    """None when another process is writing to the file."""
    try:
        return connection.begin()
    except OperationalError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_BUSY:
            return None
        raise


def _roll_back(connection: Connection, transaction: RootTransaction) -> None:
    if transaction.is_active:
        transaction.rollback()
        return
    # A commit that failed leaves SQLite's transaction open where SQLAlchemy's has ended.
    raw: Any = connection.connection.driver_connection
    if raw.in_transaction:
        raw.execute("ROLLBACK")


def _settle(job: _Job, result: Any = None, *, error: Exception | None = None) -> None:
    if job.done.done():  # whoever asked has gone
        return
    if error is None:
        job.done.set_result(result)
    else:
        job.done.set_exception(error)

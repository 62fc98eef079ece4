"""The contract between a service and its database.

A verb is a plain function whose first argument is the transaction. `Database.write(verb, ...)`
begins, runs, commits and only then returns: so no verb can wait for anything but its database,
and none can answer before its commit. The same verb runs on PostgreSQL (asyncpg, bridged by
SQLAlchemy's `run_sync`) and on SQLite (see `group_commit`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable

from shared.db.availability import Availability
from shared.errors import UnavailableError

P = ParamSpec("P")
T = TypeVar("T")

Dialect = Literal["sqlite", "postgresql"]


class DatabaseUnavailableError(UnavailableError):
    def __init__(self, detail: str) -> None:
        super().__init__("database-unavailable", detail)


class Read:
    """A transaction that may look only."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[*tuple[Any, ...]]:
        return self.connection.execute(statement, parameters)

    def rows(self, query: Executable) -> list[dict[str, Any]]:
        """Every row as its columns by name."""
        return [{str(k): v for k, v in row.items()} for row in self.execute(query).mappings()]

    def row(self, query: Executable) -> dict[str, Any] | None:
        """The first row as its columns by name, or None."""
        return next(iter(self.rows(query)), None)

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name


class Write(Read):
    """A transaction that changes state. It ends when the verb returns (commit) or raises."""

    __slots__ = ("followers",)

    def __init__(self, connection: Connection, followers: Sequence[Follower] = ()) -> None:
        """`followers`: see Database."""
        super().__init__(connection)
        self.followers = followers


Follower = Callable[[Write, Sequence[Any]], None]


class Reader(Protocol):
    """A database into which one may look."""

    dialect: Dialect

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Let running verbs end, then close every connection."""

    async def ping(self) -> None:
        """Raises DatabaseUnavailableError."""

    async def read(
        self, verb: Callable[Concatenate[Read, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...


class Database(Reader, Protocol):
    availability: Availability
    """Told of every outcome, also by who asks this database past it."""
    followers: Sequence[Follower]
    """Each is called with the facts that a verb records (`shared.messaging.outbox`), in the same
    transaction: so no verb can forget what has to be stored with every fact. To be set before
    `start`.
    """

    async def ping(self) -> None:
        """Raises DatabaseUnavailableError, also when it takes no writes."""

    async def write(
        self, verb: Callable[Concatenate[Write, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run the verb in one transaction; return after the commit.

        Cancelling the caller does not cancel the verb: a commit that was cut off would have an
        unknown outcome. Raises DatabaseUnavailableError with nothing committed, or what the verb
        raised.
        """

    async def migration(self, run: Callable[[Connection], T]) -> T:
        """Run schema changes on a connection of their own (SQLite: foreign keys off)."""

    async def tidy(self) -> None:
        """Give back space that only this process can give back; called now and then."""

    def writing(self) -> AbstractContextManager[object]:
        """Whoever has taken the moment of a write, and waits before it writes, waits inside."""

    def sole_relay(
        self, stop: asyncio.Event, *, table: str, now: Callable[[], datetime]
    ) -> AbstractAsyncContextManager[RelayGuard | None]:
        """Wait until this process may be the service's one relay; hold that while inside.

        `table` is the one that it reads; `now` is the clock of the moments of writes. None when
        `stop` is set before.
        """


class RelayGuard(Protocol):
    async def still_mine(self) -> bool:
        """Whether this process is still the one relay; to be asked before each batch."""

    async def settled_until(self, now: datetime) -> datetime | None:
        """What this service wrote with a moment before that one can be read, or never will be,
        whichever process wrote it.

        None: not known yet, ask again soon.
        """

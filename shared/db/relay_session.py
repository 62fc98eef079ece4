"""The PostgreSQL session by which a process is its service's one relay, or waits to become it.

A session that waits says in its name until when the writes of its process have ended, by the clock
that gave them their moments. So the relay knows it of every process, without a table, without
comparing clocks, and what a dead process said is gone with its session.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from shared.db.underway import WritesUnderway

SETTLING: Final = timedelta(seconds=20)
"""Longer than a write may wait for a connection: of a process that is not seen (any more)."""
RELAY_LOCK: Final = zlib.crc32(b"inbound-desk relay")
CONNECT_SECONDS: Final = 5.0
STANDBY: Final = "inbound-desk-standby"
# A session that the server is just ending answers with asyncpg's own confusion.
GONE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

Now = Callable[[], datetime]

_TRY = "SELECT pg_try_advisory_lock($1), set_config('application_name', $2, false)"
_OTHERS = """
SELECT array(
    SELECT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND starts_with(application_name, $1)
), array(
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = to_regclass($2) AND mode = 'RowExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
"""What the other processes say, and who may have written to the table and has not committed:
prepared transactions and forgotten sessions, too."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Holds as soon as these transactions have ended."""

    until: datetime
    transactions: frozenset[str]


class RelaySession:
    """Holds the relay's lock from `try_lock` on, for as long as the session lives."""

    def __init__(self, connection: Any, name: str, underway: WritesUnderway, table: str) -> None:
        """`name` is this process's, `table` the one that the relay reads."""
        self._connection = connection
        self._name = name
        self._underway = underway
        self._table = table
        self._began = time.monotonic()
        self._others: dict[str, tuple[datetime, float]] = {}
        self._candidate: _Candidate | None = None

    @classmethod
    async def open(cls, dsn: str, name: str, underway: WritesUnderway, table: str) -> RelaySession:
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,
            server_settings={
                "application_name": "inbound-desk-relay",
                "tcp_keepalives_idle": "10",
                "tcp_keepalives_interval": "5",
                "tcp_keepalives_count": "3",
            },
        )
        return cls(connection, name, underway, table)

    def close(self) -> None:
        self._connection.terminate()

    async def try_lock(self, now: Now) -> bool:
        """Whether this process is the relay from now on; else the others see how far it is.

        Raises ConnectionError on a server that gives everybody's lock away; what asyncpg raises.
        """
        until = self._underway.ended_until(now())
        said = f"{STANDBY} {self._name} {'' if until is None else until.timestamp()}"
        if not await self._connection.fetchval(_TRY, RELAY_LOCK, said):
            return False
        await self._connection.execute("SET application_name = 'inbound-desk-relay'")
        self._began = time.monotonic()
        if not await self.still_mine():
            raise ConnectionError("a lock on this server keeps no other relay away")
        return True

    async def still_mine(self) -> bool:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                # A standby gives everybody's lock away once more.
                return not await self._connection.fetchval("SELECT pg_is_in_recovery()")
        except (OSError, *GONE):
            return False

    async def settled_until(self, now: datetime) -> datetime | None:
        """See RelayGuard."""
        mine = self._underway.ended_until(now)
        try:
            names, holders = await self._connection.fetchrow(_OTHERS, STANDBY, self._table)
        except (OSError, *GONE):
            return None
        if self._candidate is None:
            until = self._everybody(names, mine, now)
            self._candidate = None if until is None else _Candidate(until, frozenset(holders))
        if self._candidate is None or not self._candidate.transactions.isdisjoint(holders):
            return None
        until, self._candidate = self._candidate.until, None
        return until

    def _everybody(self, names: list[str], mine: datetime | None, now: datetime) -> datetime | None:
        seconds = time.monotonic()
        marks = [mine]
        for name, moment in (each.split(" ")[1:3] for each in names):
            if moment:
                self._others[name] = (datetime.fromtimestamp(float(moment), UTC), seconds)
            else:
                marks.append(None)
        # Who has lost its session may go on writing for a while.
        settled = seconds - SETTLING.total_seconds()
        self._others = {name: each for name, each in self._others.items() if each[1] > settled}
        marks += [mark for mark, _ in self._others.values()]
        if self._began > settled:
            marks.append(now - SETTLING)
        known = [mark for mark in marks if mark is not None]
        return min(known) if len(known) == len(marks) else None

"""The SQLite file under the local bus: plain blocking calls.

One process owns the file by an operating-system lock, which a killed process lets go of. Records
are fsynced before `commit` returns. A group's positions alone are written without fsync: after a
power cut they may be a little old, and then records come again, which the bus allows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.bus.port import BusUnavailableError, Partition, Topic
from shared.db.sqlite_file import (
    BUSY_SECONDS,
    FileTakenError,
    NotDurableError,
    Synchronous,
    check_durable,
    make_durable,
    own,
    pragma,
    sqlite_inserts,
)
from shared.runtime.files import private_database, private_folder

_FORMAT = 1
# A record's row id is its partition's number and its offset, so both orders are one index.
_OFFSET_BITS = 40
_READ_BYTES = 8_388_608
_SCHEMA = """
CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    number INTEGER NOT NULL,
    next_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
);
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    stored_at INTEGER NOT NULL,
    key TEXT NOT NULL,
    headers BLOB NOT NULL,
    value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS positions (
    consumer_group TEXT NOT NULL,
    partition_id INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, partition_id)
) WITHOUT ROWID;
"""

_MOVE = """
INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset
"""

StoredRow = tuple[int, int, str, bytes, bytes]
"""Row id, time in unix seconds, key, headers, value."""
ReadRow = tuple[int, str, bytes, bytes]
"""Offset, key, headers, value."""


@dataclass(slots=True)
class Extent:
    """What the log holds of one partition: offsets from `start` up to and without `end`."""

    id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of one partition to read: from `start`, before `end`, at most `limit` records."""

    partition_id: int
    start: int
    end: int
    limit: int


class LogFile:
    """`read` has a connection of its own; of all else one call at a time, in whatever thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, topics: Sequence[Topic]) -> dict[Partition, Extent]:
        """Raises BusUnavailableError when somebody else has the file or it does not fit."""
        with ExitStack() as opened:
            try:
                private_folder(self._path.parent)
                opened.callback(os.close, own(self._path))
                private_database(self._path)
                self._durable = opened.enter_context(closing(self._connect("FULL")))
                self._relaxed = opened.enter_context(closing(self._connect("NORMAL")))
                self._reader = opened.enter_context(closing(self._connect("FULL")))
                pragma(self._reader, "query_only=ON")
                extents = self._prepare(topics)
            except FileTakenError as error:
                raise BusUnavailableError(
                    f"{error}; a local bus has one owner, several processes need a kafka:// bus"
                ) from error
            except NotDurableError as error:
                raise BusUnavailableError(
                    f"{self._path}: SQLite refuses the durable settings ({error})"
                ) from error
            except (OSError, sqlite3.Error) as error:
                raise BusUnavailableError(f"{self._path} cannot be used: {error}") from error
            self._opened = opened.pop_all()
        return extents

    def close(self) -> None:
        self._opened.close()

    def extents(self) -> dict[Partition, Extent]:
        found: dict[Partition, Extent] = {}
        rows = self._durable.execute("SELECT id, topic, number, next_offset FROM partitions")
        for number, topic, partition, end in rows.fetchall():
            first = self._durable.execute(
                "SELECT min(id) FROM records WHERE id >= ? AND id < ?", _span(number, 0, end)
            ).fetchone()[0]
            start = end if first is None else _offset(first)
            found[Partition(topic, partition)] = Extent(number, start, end)
        return found

    def positions(self) -> list[tuple[str, int, int]]:
        """Consumer group, partition id, next offset."""
        return self._durable.execute("SELECT * FROM positions").fetchall()

    def stage(
        self,
        rows: Sequence[StoredRow],
        ends: Iterable[tuple[int, int]],
        positions: Iterable[tuple[str, int, int]],
    ) -> None:
        """Write into a transaction of its own, for `commit`; `ends` are pairs of new end offset and
        partition id. Nothing is left of it when this raises.
        """
        with _undone_by_failure(self._durable):
            self._durable.execute("BEGIN IMMEDIATE")
            _insert(self._durable, rows)
            self._durable.executemany("UPDATE partitions SET next_offset = ? WHERE id = ?", ends)
            self._durable.executemany(_MOVE, positions)

    def commit(self) -> None:
        """Make durable what is staged: all of it or nothing."""
        with _undone_by_failure(self._durable):
            self._durable.execute("COMMIT")

    def write_positions(self, positions: Iterable[tuple[str, int, int]]) -> None:
        """Without waiting for the disk."""
        with _transaction(self._relaxed) as connection:
            connection.executemany(_MOVE, positions)

    def read(self, ranges: Sequence[Range]) -> list[list[ReadRow]]:
        """The rows of each range; a shorter answer when the bytes grow beyond a few MiB."""
        found: list[list[ReadRow]] = []
        room = _READ_BYTES
        for wanted in ranges:
            cursor = self._reader.execute(
                "SELECT id, key, headers, value FROM records WHERE id >= ? AND id < ?"
                " ORDER BY id LIMIT ?",
                (*_span(wanted.partition_id, wanted.start, wanted.end), wanted.limit),
            )
            rows: list[ReadRow] = []
            for number, key, headers, value in cursor:
                rows.append((_offset(number), key, headers, value))
                room -= len(value)
                if room <= 0:
                    break
            # An open cursor would keep the write-ahead log from being shortened.
            cursor.close()
            found.append(rows)
            if room <= 0:
                break
        return found

    def expire(self, partition_id: int, before: int, limit: int) -> tuple[int, int | None]:
        """Forget the oldest records stored before that unix second, at most `limit`.

        Answers how many went, and the first offset that is left (None: the partition is empty).
        """
        lowest, highest = _span(partition_id, 0, (1 << _OFFSET_BITS) - 1)
        oldest = self._durable.execute(
            "SELECT id, stored_at FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (lowest, highest, limit + 1),
        ).fetchall()
        # Only a prefix may go: a clock that was set back must not make a hole.
        left = next((i for i, (_, stored) in enumerate(oldest) if stored >= before), len(oldest))
        gone = min(left, limit)
        if gone:
            with _transaction(self._durable) as connection:
                connection.execute(
                    "DELETE FROM records WHERE id >= ? AND id <= ?", (lowest, oldest[gone - 1][0])
                )
        return gone, _offset(oldest[gone][0]) if gone < len(oldest) else None

    def shrink(self) -> None:
        """Move the write-ahead log into the file."""
        pragma(self._durable, "wal_checkpoint(TRUNCATE)")

    def _connect(self, synchronous: Synchronous) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
        )
        make_durable(connection, synchronous)
        check_durable(connection, synchronous)
        # What was forgotten must not be readable in free pages either.
        pragma(connection, "secure_delete=ON")
        return connection

    def _prepare(self, topics: Sequence[Topic]) -> dict[Partition, Extent]:
        version = pragma(self._durable, "user_version")
        if version not in {0, _FORMAT}:
            raise BusUnavailableError(f"{self._path} was written by another release ({version})")
        if version != _FORMAT:  # a full disk must not keep a log that is there from being opened
            self._durable.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_FORMAT}; COMMIT"
            )
        for topic in topics:
            self._prepare_topic(topic)
        return self.extents()

    def _prepare_topic(self, topic: Topic) -> None:
        found = self._durable.execute(
            "SELECT count(*) FROM partitions WHERE topic = ?", (topic.name,)
        ).fetchone()[0]
        if found not in {0, topic.partitions}:
            raise BusUnavailableError(
                f"topic {topic.name} has {found} partitions in {self._path}, the configuration says"
                f" {topic.partitions}; the number cannot change, because keys would move"
            )
        if not found:
            with _transaction(self._durable) as connection:
                connection.executemany(
                    "INSERT INTO partitions (topic, number) VALUES (?, ?)",
                    [(topic.name, number) for number in range(topic.partitions)],
                )


def row_id(partition_id: int, offset: int) -> int:
    return partition_id << _OFFSET_BITS | offset


def pack_headers(headers: Iterable[tuple[str, bytes]]) -> bytes:
    """Each header as two lengths, the name, and the value."""
    parts: list[bytes] = []
    for name, value in headers:
        raw = name.encode()
        parts.append(b"%d %d %b%b" % (len(raw), len(value), raw, value))
    return b"".join(parts)


def unpack_headers(packed: bytes) -> tuple[tuple[str, bytes], ...]:
    headers: list[tuple[str, bytes]] = []
    at = 0
    while at < len(packed):
        first = packed.index(b" ", at)
        second = packed.index(b" ", first + 1)
        name_end = second + 1 + int(packed[at:first])
        at = name_end + int(packed[first + 1 : second])
        headers.append((packed[second + 1 : name_end].decode(), packed[name_end:at]))
    return tuple(headers)


def _offset(number: int) -> int:
    return number & (1 << _OFFSET_BITS) - 1


def _span(partition_id: int, start: int, end: int) -> tuple[int, int]:
    return row_id(partition_id, start), row_id(partition_id, end)


def _insert(connection: sqlite3.Connection, rows: Sequence[StoredRow]) -> None:
    for statement, values in sqlite_inserts("INSERT INTO records", rows):
        connection.execute(statement, values)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with _undone_by_failure(connection):
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")


@contextmanager
def _undone_by_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

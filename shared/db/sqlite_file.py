"""What every SQLite file of ours has in common: one owner, durable settings, many rows at once."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

BUSY_SECONDS = 10
Synchronous = Literal["FULL", "NORMAL"]
Row = tuple[Any, ...]

# One statement for many rows costs less than a step for each; few different lengths keep the
# statements prepared.
_ROWS_PER_STATEMENT = (128, 32, 8, 1)
_LEVELS: dict[Synchronous, int] = {"FULL": 2, "NORMAL": 1}


class FileTakenError(Exception):
    """Another process owns the file; `owner` is its id, as far as that is known."""

    def __init__(self, path: Path, owner: str) -> None:
        self.owner = owner
        super().__init__(f"{path} belongs to a running process (id {owner})")


class NotDurableError(Exception):
    """SQLite did not accept the settings under which a commit survives a power cut."""


def own(path: Path) -> int:
    """Take the file for this process until the returned handle is closed, or the process ends.

    An operating-system lock on a file beside it, which a killed process lets go of. Raises
    FileTakenError, and OSError when the lock file cannot be opened.
    """
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode(errors="replace") or "unknown"
        os.close(lock)
        raise FileTakenError(path, owner) from None
    with suppress(OSError):  # the id is only for the message; a full disk must not matter here
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
    return lock


def make_durable(connection: sqlite3.Connection, synchronous: Synchronous = "FULL") -> None:
    """Write-ahead log, synced at each commit (FULL) or at checkpoints (NORMAL)."""
    pragma(connection, "journal_mode=WAL")
    pragma(connection, f"synchronous={synchronous}")


def check_durable(connection: sqlite3.Connection, synchronous: Synchronous = "FULL") -> None:
    """Raises NotDurableError when SQLite keeps other settings: it refuses none of them aloud."""
    journal, level = pragma(connection, "journal_mode"), pragma(connection, "synchronous")
    if (journal, level) != ("wal", _LEVELS[synchronous]):
        raise NotDurableError(f"journal_mode={journal}, synchronous={level}")


def pragma(connection: sqlite3.Connection, setting: str) -> Any:
    """Set or read it; what SQLite answers, None for no answer."""
    rows = connection.execute(f"PRAGMA {setting}").fetchall()
    return rows[0][0] if rows else None


def sqlite_inserts(head: str, rows: Sequence[Row], tail: str = "") -> Iterator[tuple[str, Row]]:
    """The statements that insert these rows, each with its values.

    `head` ends before VALUES, `tail` is what may follow (ON CONFLICT ...).
    """
    at = 0
    for size in _ROWS_PER_STATEMENT:
        while len(rows) - at >= size:
            values = tuple(chain.from_iterable(rows[at : at + size]))
            yield _statement(head, tail, len(rows[0]), size), values
            at += size


@lru_cache(maxsize=512)
def _statement(head: str, tail: str, columns: int, rows: int) -> str:
    one = f"({', '.join('?' * columns)})"
    return f"{head} VALUES {', '.join([one] * rows)} {tail}"

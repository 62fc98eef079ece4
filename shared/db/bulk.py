"""Many rows into one table; on SQLite past SQLAlchemy's work per value, dearer than the insert.

Facts come in batches, and each service writes several rows per fact: this is its hot path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Table, Uuid, insert

from shared.db.database import Write
from shared.db.types import Utc

_AS_IT_IS = (String, Integer, BigInteger)
_Prepare = Callable[[Any], Any]


def insert_rows(tx: Write, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns; none: nothing. Raises as any insert does."""
    if not rows:
        return
    if tx.dialect != "sqlite":
        tx.execute(insert(table), rows)
        return
    names = tuple(rows[0])
    statement, prepared = _plan(table, names)
    tx.connection.exec_driver_sql(
        statement,
        [
            tuple(
                row[name] if prepare is None else prepare(row[name]) for name, prepare in prepared
            )
            for row in rows
        ],
    )


@lru_cache(maxsize=128)
def _plan(
    table: Table, names: tuple[str, ...]
) -> tuple[str, tuple[tuple[str, _Prepare | None], ...]]:
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names of our own tables
    return statement, tuple((name, _preparation(table, name)) for name in names)


def _preparation(table: Table, name: str) -> _Prepare | None:
    match table.c[name].type:
        case Uuid():
            return lambda value: None if value is None else value.hex
        case Utc():
            return _moment
        case kind if isinstance(kind, _AS_IT_IS):
            return None
        case kind:
            raise TypeError(f"{table.name}.{name} has the type {kind}, which is not known here")


def _moment(value: datetime | None) -> str | None:
    """As SQLAlchemy stores it: UTC without a zone, always with microseconds."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; use an aware datetime")
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]

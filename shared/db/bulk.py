"""Many rows into one table; on SQLite past SQLAlchemy, whose work per value costs more than the
insert.

Facts come in batches, and each service writes several rows per fact: this is its hot path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    Integer,
    String,
    Table,
    TextClause,
    Uuid,
    bindparam,
    insert,
    text,
)

from shared.db.database import Write
from shared.db.sqlite_file import sqlite_inserts
from shared.db.types import Utc

_AS_IT_IS = (String, Integer, BigInteger, Float, Boolean)
_Prepare = Callable[[Any], Any]


def insert_rows(
    tx: Write, table: Table, rows: Sequence[Mapping[str, Any]], *, on_conflict: str = ""
) -> None:
    """Insert rows that all name the same columns; none: nothing. Raises as any insert does.

    `on_conflict` is a clause that both databases understand, from ON CONFLICT on.
    """
    if not rows:
        return
    if tx.dialect != "sqlite":
        names = tuple(rows[0])
        tx.execute(_upsert(table, names, on_conflict) if on_conflict else insert(table), rows)
        return
    names = tuple(rows[0])
    head, preparations = _plan(table, names)
    columns = [_column(rows, name, prepare) for name, prepare in preparations]
    plain = list(zip(*columns, strict=True))
    for statement, values in sqlite_inserts(head, plain, on_conflict):
        tx.connection.exec_driver_sql(statement, values)


def _column(rows: Sequence[Mapping[str, Any]], name: str, prepare: _Prepare | None) -> list[Any]:
    values = [row[name] for row in rows]
    return values if prepare is None else list(map(prepare, values))


@lru_cache(maxsize=32)
def _upsert(table: Table, names: tuple[str, ...], on_conflict: str) -> TextClause:
    marks = ", ".join(f":{name}" for name in names)
    statement = text(f"{_head(table, names)} VALUES ({marks}) {on_conflict}")
    return statement.bindparams(*(bindparam(name, type_=table.c[name].type) for name in names))


def _head(table: Table, names: Sequence[str]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(table.c[name].name for name in names)})"


@lru_cache(maxsize=128)
def _plan(
    table: Table, names: tuple[str, ...]
) -> tuple[str, tuple[tuple[str, _Prepare | None], ...]]:
    return _head(table, names), tuple((name, _preparation(table, name)) for name in names)


def _preparation(table: Table, name: str) -> _Prepare | None:
    match table.c[name].type:
        case Uuid():
            return _hex
        case Utc():
            return sqlite_moment
        case JSON():
            return _json
        case kind if isinstance(kind, _AS_IT_IS):
            return None
        case kind:
            raise TypeError(f"{table.name}.{name} has the type {kind}, which is not known here")


def _hex(value: UUID | None) -> str | None:
    return None if value is None else value.hex


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def sqlite_moment(value: datetime | None) -> str | None:
    """As SQLAlchemy stores it: UTC without a zone, always with microseconds."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; use an aware datetime")
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]

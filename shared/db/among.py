"""`column IN (many values)` as one parameter: one statement for any number of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db.database import Read

Values = Sequence[int] | Sequence[str] | Sequence[UUID]


def among(tx: Read, column: ColumnElement[Any], values: Values) -> ColumnElement[bool]:
    """True where the column holds one of the values; never true for an empty sequence."""
    return _among(tx.dialect, column, bindparam(None, listed(tx, values), unique=True))


def among_named(dialect: str, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The same for a statement that is built once: the values are `listed` under that name."""
    return _among(dialect, column, bindparam(name))


def listed(tx: Read, values: Values) -> Any:
    """The values as the one parameter that `among_named` takes."""
    if tx.dialect == "postgresql":
        return list(values)
    # SQLAlchemy's Uuid is stored as 32 hex digits without dashes.
    plain = [value.hex if isinstance(value, UUID) else value for value in values]
    return orjson.dumps(plain).decode()


def _among(dialect: str, column: ColumnElement[Any], given: Any) -> ColumnElement[bool]:
    if dialect == "postgresql":
        given.type = ARRAY(column.type)
        return column == any_(given)
    given.type = String()
    each = func.json_each(given).table_valued("value")
    return column.in_(select(each.c.value))

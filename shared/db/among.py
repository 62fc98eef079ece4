"""`column IN (many values)` as one parameter: one statement for any number of values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db.database import Read


def among(
    tx: Read, column: ColumnElement[Any], values: Sequence[int] | Sequence[str] | Sequence[UUID]
) -> ColumnElement[bool]:
    """True where the column holds one of the values; never true for an empty sequence."""
    if tx.dialect == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    # SQLAlchemy's Uuid is stored as 32 hex digits without dashes.
    plain = [value.hex if isinstance(value, UUID) else value for value in values]
    each = func.json_each(json.dumps(plain)).table_valued("value")
    return column.in_(select(each.c.value))

"""An insert that may say what happens on a conflict: each dialect has its own class for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from shared.db.database import Write


def insert_into(tx: Write, table: Table) -> Any:
    """`on_conflict_do_nothing` and `on_conflict_do_update` mean the same on both databases."""
    dialect: Any = postgresql if tx.dialect == "postgresql" else sqlite
    return dialect.insert(table)

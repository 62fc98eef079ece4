"""What clocks were counted by: every edition of calendar and promises that was ever in use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from services.sla.tables import editions
from shared.db import Read, Write


def keep(tx: Write, *, key: str, document: str, now: datetime) -> None:
    """Store the edition unless it is there."""
    dialect: Any = postgresql if tx.dialect == "postgresql" else sqlite
    tx.execute(
        dialect.insert(editions).on_conflict_do_nothing(),
        {"key": key, "document": document, "first_used_at": now},
    )


def first_used_at(tx: Read, key: str) -> datetime | None:
    return tx.execute(select(editions.c.first_used_at).where(editions.c.key == key)).scalar()


def document(tx: Read, key: str) -> str | None:
    return tx.execute(select(editions.c.document).where(editions.c.key == key)).scalar()

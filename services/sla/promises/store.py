"""What clocks were counted by: every edition of calendar and promises that was ever in use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, update

from services.sla.tables import editions
from shared.db import Read, Write
from shared.db.upsert import insert_into


def keep(tx: Write, *, key: str, document: str, now: datetime) -> None:
    """Store the edition unless it is there."""
    tx.execute(
        insert_into(tx, editions).on_conflict_do_nothing(),
        {"key": key, "document": document, "first_used_at": now},
    )


def put_in_force(tx: Write, key: str, *, now: datetime) -> None:
    """From now on this stored edition is the policy of every instance."""
    latest = tx.execute(_latest()).one_or_none()
    if latest is not None and latest.key == key:
        return
    # Clocks of hosts differ, and what is put in force later must be the later one.
    since = now if latest is None else max(now, latest.in_force_since + timedelta(microseconds=1))
    c = editions.c
    tx.execute(update(editions).where(c.key == key).values(in_force_since=since))


def in_force(tx: Read) -> str | None:
    """The key of the policy of every instance; None until one was put in force."""
    latest = tx.execute(_latest()).one_or_none()
    return None if latest is None else str(latest.key)


def _latest() -> Select[*tuple[Any, ...]]:
    c = editions.c
    since = c.in_force_since
    return select(c.key, since).where(since.is_not(None)).order_by(since.desc()).limit(1)


def first_used_at(tx: Read, key: str) -> datetime | None:
    return tx.execute(select(editions.c.first_used_at).where(editions.c.key == key)).scalar()


def document(tx: Read, key: str) -> str | None:
    return tx.execute(select(editions.c.document).where(editions.c.key == key)).scalar()

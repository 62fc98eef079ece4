"""What clocks were counted by: every version of calendar and promises ever in use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, update

from services.sla.tables import policy_versions
from shared.db import Read, Write
from shared.db.upsert import insert_into


def keep(tx: Write, *, key: str, document: str, now: datetime) -> None:
    """Store the policy version unless it is there."""
    tx.execute(
        insert_into(tx, policy_versions).on_conflict_do_nothing(),
        {"key": key, "document": document, "first_used_at": now},
    )


def activate(tx: Write, key: str, *, now: datetime) -> None:
    """From now on this stored policy version is the policy of every instance."""
    latest = tx.execute(_latest()).one_or_none()
    if latest is not None and latest.key == key:
        return
    # Clocks of hosts differ, and what is put in force later must be the later one.
    since = now if latest is None else max(now, latest.in_force_since + timedelta(microseconds=1))
    c = policy_versions.c
    tx.execute(update(policy_versions).where(c.key == key).values(in_force_since=since))


def active_key(tx: Read) -> str | None:
    """The key of the policy of every instance; None until one was put in force."""
    latest = tx.execute(_latest()).one_or_none()
    return None if latest is None else str(latest.key)


def _latest() -> Select[*tuple[Any, ...]]:
    c = policy_versions.c
    since = c.in_force_since
    return select(c.key, since).where(since.is_not(None)).order_by(since.desc()).limit(1)


def first_used_at(tx: Read, key: str) -> datetime | None:
    return tx.execute(
        select(policy_versions.c.first_used_at).where(policy_versions.c.key == key)
    ).scalar()


def document(tx: Read, key: str) -> str | None:
    return tx.execute(
        select(policy_versions.c.document).where(policy_versions.c.key == key)
    ).scalar()

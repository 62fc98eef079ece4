"""Absences: at most one of each person, until it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, select, tuple_, update

from services.router.tables import absences
from shared.db import Read, Write
from shared.db.upsert import insert_into

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Absence:
    """From `begins_at` on, and before `ends_at`. `handed_on_at` is when what the person had went
    back to its desks, or to the substitute.
    """

    id: UUID
    person: str
    begins_at: datetime
    ends_at: datetime
    substitute: str | None
    set_by: str
    key_name: str
    set_at: datetime
    handed_on_at: datetime | None = None


def keep(tx: Write, absence: Absence) -> None:
    """In place of the person's absence of before, also of one that is just being stored."""
    row = {column.name: getattr(absence, column.name) for column in absences.columns}
    others = {name: value for name, value in row.items() if name != "person"}
    once = insert_into(tx, absences).values(row)
    tx.execute(once.on_conflict_do_update(index_elements=[absences.c.person], set_=others))


def remove(tx: Write, person: str) -> bool:
    """Whether there was one."""
    return tx.execute(delete(absences).where(absences.c.person == person)).rowcount > 0


def locked(tx: Write, person: str) -> Absence | None:
    """The person's absence, over or not; nobody else changes it in this transaction."""
    row = tx.execute(_of(person).with_for_update()).one_or_none()
    return None if row is None else _absence(row)


def present(tx: Read, person: str, now: datetime) -> Absence | None:
    """The absence in which the person is now."""
    during = and_(absences.c.begins_at <= now, absences.c.ends_at > now)
    row = tx.execute(_of(person).where(during)).one_or_none()
    return None if row is None else _absence(row)


def page(tx: Read, *, now: datetime, after: Place | None, limit: int) -> list[Absence]:
    """Those that are not over, by their beginning."""
    c = absences.c
    query = select(absences).where(c.ends_at > now)
    if after is not None:
        query = query.where(tuple_(c.begins_at, c.id) > after)
    rows = tx.execute(query.order_by(c.begins_at, c.id).limit(limit))
    return [_absence(row) for row in rows]


def begun(tx: Read, *, now: datetime, limit: int) -> Sequence[str]:
    """Persons whose absence has begun, and whose ToDos have not been handed on."""
    c = absences.c
    waiting = and_(c.begins_at <= now, c.ends_at > now, c.handed_on_at.is_(None))
    query = select(c.person).where(waiting).order_by(c.begins_at, c.id).limit(limit)
    return list(tx.execute(query).scalars())


def mark_handed_on(tx: Write, absence: Absence, now: datetime) -> None:
    mine = absences.c.id == absence.id
    tx.execute(update(absences).where(mine).values(handed_on_at=now))


def any_over(tx: Read, *, now: datetime) -> bool:
    return tx.execute(select(absences.c.id).where(absences.c.ends_at <= now)).first() is not None


def remove_over(tx: Write, *, now: datetime) -> None:
    tx.execute(delete(absences).where(absences.c.ends_at <= now))


def _of(person: str) -> Select[*tuple[Any, ...]]:
    return select(absences).where(absences.c.person == person)


def _absence(row: Row[*tuple[Any, ...]]) -> Absence:
    return Absence(**row._asdict())

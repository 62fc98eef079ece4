"""Verdicts of people: those that were given, and those that wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select

from services.router.tables import appeals, pending_verdicts, verdicts
from services.router.todos.domain.todo import DismissReason
from services.router.todos.domain.verdict import PendingVerdict, Verdict
from shared.db import Read, Write
from shared.db.among import among
from shared.db.upsert import insert_into


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """`desk` is where the inquiry went, None when it was dismissed. Of several the latest holds."""

    inquiry_id: UUID
    verdict: Verdict
    desk: str | None
    by: str
    at: datetime


def keep(tx: Write, given: GivenVerdict) -> None:
    row = {
        "inquiry_id": given.inquiry_id,
        "at": given.at,
        "kind": given.verdict.value,
        "desk": given.desk,
        "by": given.by,
    }
    tx.execute(insert_into(tx, verdicts).on_conflict_do_nothing(), [row])


def keep_appeal(
    tx: Write,
    todo_id: UUID,
    *,
    dismissed_for: DismissReason,
    dismissed_at: datetime,
    at: datetime,
    desk: str,
) -> None:
    row = {
        "todo_id": todo_id,
        "at": at,
        "dismissed_for": dismissed_for.value,
        "dismissed_at": dismissed_at,
        "desk": desk,
    }
    tx.execute(insert(appeals).values(row))


def pending_of(tx: Read, todo_id: UUID) -> PendingVerdict | None:
    p = pending_verdicts.c
    row = tx.execute(select(pending_verdicts).where(p.todo_id == todo_id)).one_or_none()
    if row is None:
        return None
    return PendingVerdict(Verdict(row.verdict), row.by, row.at, row.key_name)


def keep_pending(tx: Write, todo_id: UUID, pending: PendingVerdict) -> None:
    """The ToDo is locked, and has none."""
    row = {
        "todo_id": todo_id,
        "verdict": pending.verdict.value,
        "by": pending.by,
        "at": pending.at,
        "key_name": pending.key_name,
    }
    tx.execute(insert(pending_verdicts).values(row))


def clear_pending(tx: Write, todo_ids: Sequence[UUID]) -> list[UUID]:
    """Those ToDos of which a verdict waited; it does no more."""
    if not todo_ids:
        return []
    p = pending_verdicts.c
    gone = delete(pending_verdicts).where(among(tx, p.todo_id, todo_ids)).returning(p.todo_id)
    return sorted(tx.execute(gone).scalars())

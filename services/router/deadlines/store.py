"""What sla has published about deadlines, kept per inquiry whether its ToDo is there yet or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from services.router.tables import deadlines, todos
from shared.db import Write
from shared.db.among import among
from shared.db.bulk import insert_rows

_TAKE_OVER = """
ON CONFLICT (inquiry_id) DO UPDATE SET
  state = excluded.state, target = excluded.target, due_at = excluded.due_at,
  told_at = excluded.told_at, warning = {warning}.warning,
  changes = deadlines.changes + CASE
    WHEN deadlines.state = excluded.state AND deadlines.target = excluded.target
      AND deadlines.due_at = excluded.due_at
      AND COALESCE(deadlines.warning, '') = COALESCE({warning}.warning, '')
    THEN 0 ELSE 1 END
WHERE deadlines.told_at IS NULL OR deadlines.told_at <= excluded.told_at
"""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How an inquiry's clock stands; `warning` is the last level published for this target."""

    state: str
    target: str
    due_at: datetime
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedDeadline:
    """How the clock stood at `reported_at`."""

    inquiry_id: UUID
    reported_at: datetime
    deadline: Deadline


def keep_deadlines(tx: Write, reported: Sequence[ReportedDeadline], *, keep_warning: bool) -> None:
    """Take over what is not older than what is known; with `keep_warning` the level stays."""
    ordered = sorted(reported, key=lambda each: each.inquiry_id)
    insert_rows(
        tx,
        deadlines,
        [_row(each) for each in ordered],
        on_conflict=_TAKE_OVER.format(warning="deadlines" if keep_warning else "excluded"),
    )
    _show(tx, [each.inquiry_id for each in ordered])


def _show(tx: Write, inquiries: Sequence[UUID]) -> None:
    """Copy the due times to the ToDos whose deadlines look otherwise now."""
    c, t = deadlines.c, todos.c
    otherwise = (
        among(tx, t.inquiry_id, inquiries),
        t.inquiry_id == c.inquiry_id,
        or_(t.deadline_changes != c.changes, t.due_at != c.due_at),
    )
    if tx.dialect == "postgresql":
        # In the order in which everybody locks ToDos.
        locked = select(t.id).where(*otherwise).order_by(t.inquiry_id).with_for_update(of=todos)
        if not tx.execute(locked).all():
            return
    tx.execute(
        update(todos)
        .where(*otherwise)
        .values(due_at=c.due_at, deadline_changes=c.changes, version=t.version + 1)
    )


def _row(reported: ReportedDeadline) -> dict[str, Any]:
    deadline = reported.deadline
    return {
        "inquiry_id": reported.inquiry_id,
        "state": deadline.state,
        "target": deadline.target,
        "due_at": deadline.due_at,
        "warning": deadline.warning,
        "told_at": reported.reported_at,
    }

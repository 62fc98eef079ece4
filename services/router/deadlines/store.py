"""What sla has published about deadlines, kept per inquiry whether its ToDo is there yet or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from services.router.tables import deadlines, todos
from shared.db import Write
from shared.db.among import among
from shared.db.bulk import insert_rows

_TAKE_OVER = """
ON CONFLICT (inquiry_id) DO UPDATE SET
  state = excluded.state, target = excluded.target, due_at = excluded.due_at,
  told_at = excluded.told_at, warning = {warning}.warning
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
    c = deadlines.c
    tx.execute(
        update(todos)
        .where(
            among(tx, todos.c.inquiry_id, [each.inquiry_id for each in ordered]),
            todos.c.inquiry_id == c.inquiry_id,
            todos.c.due_at != c.due_at,
        )
        .values(due_at=c.due_at)
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

"""What sla told about deadlines, kept per inquiry whether its ToDo is there yet or not."""

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
    """How an inquiry's clock stands; `warning` is the last level that was told for this target."""

    state: str
    target: str
    due_at: datetime
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class ToldDeadline:
    """How the clock stood at `told_at`."""

    inquiry_id: UUID
    told_at: datetime
    deadline: Deadline


def keep_deadlines(tx: Write, told: Sequence[ToldDeadline], *, keep_warning: bool) -> None:
    """Take over what is not older than what is known; with `keep_warning` the level stays."""
    ordered = sorted(told, key=lambda each: each.inquiry_id)
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


def _row(told: ToldDeadline) -> dict[str, Any]:
    deadline = told.deadline
    return {
        "inquiry_id": told.inquiry_id,
        "state": deadline.state,
        "target": deadline.target,
        "due_at": deadline.due_at,
        "warning": deadline.warning,
        "told_at": told.told_at,
    }

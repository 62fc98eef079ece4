"""What sla told about deadlines, kept per inquiry whether its ToDo is there yet or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.dialects import postgresql, sqlite

from services.router.tables import deadlines, todos
from shared.db import Write
from shared.db.among import among


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
    dialect: Any = postgresql if tx.dialect == "postgresql" else sqlite
    new = dialect.insert(deadlines)
    c, told_now = deadlines.c, new.excluded
    upsert = new.on_conflict_do_update(
        index_elements=[c.inquiry_id],
        set_={
            "state": told_now.state,
            "target": told_now.target,
            "due_at": told_now.due_at,
            "told_at": told_now.told_at,
            "warning": c.warning if keep_warning else told_now.warning,
        },
        where=or_(c.told_at.is_(None), c.told_at <= told_now.told_at),
    )
    tx.execute(upsert, [_row(each) for each in ordered])
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

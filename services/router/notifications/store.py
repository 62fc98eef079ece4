"""What a notification says of a ToDo: no word of a customer is read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.router.tables import NEVER, todos
from shared.db import Read
from shared.db.among import among


@dataclass(frozen=True, slots=True)
class Standing:
    """How a ToDo stands; `due_at` is None while no deadline is known."""

    channel: str
    desk: str
    kind: str
    state: str
    assignee: str | None
    due_at: datetime | None


def standings(tx: Read, todo_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """How these ToDos stand, by their ids."""
    c = todos.c
    query = select(c.id, c.channel, c.desk, c.kind, c.state, c.assignee, c.due_at)
    found = tx.execute(query.where(among(tx, c.id, todo_ids)))
    return {
        row.id: Standing(
            row.channel,
            row.desk,
            row.kind,
            row.state,
            row.assignee,
            None if row.due_at >= NEVER else row.due_at,
        )
        for row in found
    }

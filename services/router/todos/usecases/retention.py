"""What a customer wrote goes from ToDos that ended long ago; the ToDos stay, without the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_, update

from services.router.tables import messages, todos
from shared.db import Read, Write
from shared.db.among import among

AT_ONCE = 200
"""ToDos that are looked at, and stripped, together."""

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Found:
    """ToDos whose words may go, and the place at which the search goes on (None: the end)."""

    todos: Sequence[UUID]
    after: Place | None


def old(tx: Read, *, before: datetime, after: Place | None) -> Found:
    """The next page of those that ended before that moment."""
    t = todos.c
    query = select(t.received_at, t.id).where(
        t.received_at < before, t.ended_at < before, t.removed_at.is_(None)
    )
    if after is not None:
        query = query.where(tuple_(t.received_at, t.id) > after)
    page = tx.execute(query.order_by(t.received_at, t.id).limit(AT_ONCE)).all()
    place = (page[-1].received_at, page[-1].id) if len(page) == AT_ONCE else None
    return Found([row.id for row in page], place)


def remove(tx: Write, todo_ids: Sequence[UUID], *, before: datetime, now: datetime) -> int:
    """Take the words from those that still have ended; how many."""
    t = todos.c
    ended = (
        select(t.id, t.inquiry_id)
        .where(among(tx, t.id, todo_ids), t.ended_at < before, t.removed_at.is_(None))
        .order_by(t.inquiry_id)
        .with_for_update(skip_locked=True)
    )
    rows = tx.execute(ended).all()
    inquiries = [row.inquiry_id for row in rows]
    words = messages.c.inquiry_id
    tx.execute(update(messages).where(among(tx, words, inquiries)).values(content=None))
    tx.execute(
        update(todos)
        .where(among(tx, t.id, [row.id for row in rows]))
        .values(reasons=[], removed_at=now)
    )
    return len(rows)


def is_removed(tx: Read, todo_id: UUID) -> bool:
    found = tx.execute(select(todos.c.removed_at).where(todos.c.id == todo_id)).scalar()
    return found is not None

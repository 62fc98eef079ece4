"""What became of the index: who looked, and what was reused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, insert, select, update

from services.router.tables import history, lookups, questions, reuses, todos
from shared.db import Read, Write
from shared.db.upsert import insert_into

REUSED = "answer_reused"
"""What the line of the ToDo's history says."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """The answer of an inquiry, reused for a ToDo. `key_name` is the API key that said so."""

    todo_id: UUID
    inquiry_id: UUID
    at: datetime
    by: str
    key_name: str


@dataclass(frozen=True, slots=True)
class Used:
    """Of the ToDos of a desk that were received in a span."""

    desk: str
    received: int
    asked: int
    found: int
    shown: int
    reused: int
    answered: int
    answered_with_reuse: int


def note_lookup(tx: Write, todo_id: UUID, *, shown: int, now: datetime) -> None:
    """That similar questions were looked up; the most that were shown at once counts."""
    row = insert_into(tx, lookups).values(todo_id=todo_id, first_at=now, shown=shown)
    more = row.on_conflict_do_update(
        index_elements=["todo_id"],
        set_={"shown": row.excluded.shown},
        where=lookups.c.shown < row.excluded.shown,
    )
    tx.execute(more)


def lock_todo(tx: Write, todo_id: UUID) -> tuple[UUID, str] | None:
    """Its inquiry and its state."""
    t = todos.c
    query = select(t.inquiry_id, t.state).where(t.id == todo_id).with_for_update()
    row = tx.execute(query).one_or_none()
    return None if row is None else (row.inquiry_id, row.state)


def is_answered(tx: Read, inquiry_id: UUID) -> bool:
    """Whether its answer is in the index."""
    found = select(questions.c.id).where(questions.c.inquiry_id == inquiry_id)
    return tx.execute(found).first() is not None


def find_reuse(tx: Read, todo_id: UUID, inquiry_id: UUID) -> Reuse | None:
    r = reuses.c
    row = tx.row(select(reuses).where(r.todo_id == todo_id, r.inquiry_id == inquiry_id))
    return None if row is None else Reuse(**row)


def add_reuse(tx: Write, reuse: Reuse) -> None:
    """With its line in the history, which is a new version of the ToDo; that is locked."""
    values = {
        "todo_id": reuse.todo_id,
        "at": reuse.at,
        "key_name": reuse.key_name,
    }
    tx.execute(insert(reuses).values(**values, inquiry_id=reuse.inquiry_id, by=reuse.by))
    line = {"who": reuse.by, "what": REUSED, "why": str(reuse.inquiry_id)}
    tx.execute(insert(history).values(**values, **line))
    mine = todos.c.id == reuse.todo_id
    tx.execute(update(todos).where(mine).values(version=todos.c.version + 1))


def used(tx: Read, *, start: datetime, end: datetime) -> Sequence[Used]:
    """By desk; of the ToDos that were received from `start` on and before `end`."""
    t = todos.c
    here = and_(t.received_at >= start, t.received_at < end)
    reused = (
        select(reuses.c.todo_id, func.count().label("times"))
        .where(reuses.c.todo_id.in_(select(t.id).where(here)))
        .group_by(reuses.c.todo_id)
        .subquery("reused")
    )
    done = t.state == "done"
    query = (
        select(
            t.desk,
            func.count(),
            func.count(lookups.c.todo_id),
            _how_many(lookups.c.shown > 0),
            func.coalesce(func.sum(lookups.c.shown), 0),
            func.coalesce(func.sum(reused.c.times), 0),
            _how_many(done),
            _how_many(and_(done, reused.c.times > 0)),
        )
        .select_from(todos)
        .outerjoin(lookups, lookups.c.todo_id == t.id)
        .outerjoin(reused, reused.c.todo_id == t.id)
        .where(here)
        .group_by(t.desk)
        .order_by(t.desk)
    )
    return [Used(row[0], *(int(each) for each in row[1:])) for row in tx.execute(query)]


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))

"""What somebody at a desk takes next: what is due first, and what nobody promised after that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from services.router.tables import pending_verdicts, todos
from services.router.todos.domain.todo import TodoState
from services.router.todos.store.pages import ListedTodo, listed
from services.router.todos.store.walks import Sort, Walk, first_of
from shared.db import Read, Write

_SORT = Sort.DUE


def page(
    tx: Read, *, desk: str, person: str, after: tuple[datetime, UUID] | None, limit: int
) -> list[ListedTodo]:
    """What is open there, and what the person has there."""
    c = todos.c
    free: Walk = (c.desk == desk, c.state == TodoState.OPEN, _fit_for(person))
    own: Walk = (c.assignee == person, c.state == TodoState.CLAIMED, c.desk == desk)
    return listed(tx, first_of([free, own], (), sort=_SORT, after=after, limit=limit), _SORT)


def next_open(tx: Write, *, desk: str, person: str) -> UUID | None:
    """The most urgent one that is open, locked. What somebody else is just taking is passed over:
    of many who ask at once, each gets another one and nobody waits.
    """
    return tx.execute(_next(desk, person)).scalar()


def _next(desk: str, person: str) -> Select[*tuple[Any, ...]]:
    c = todos.c
    free = select(c.id).where(c.desk == desk, c.state == TodoState.OPEN, _fit_for(person))
    return free.order_by(c.due_at, c.id).limit(1).with_for_update(skip_locked=True, of=todos)


def _fit_for(person: str) -> ColumnElement[bool]:
    """Where a verdict waits for a second person, the first one has nothing to do."""
    p = pending_verdicts.c
    own = (
        select(p.todo_id)
        .where(p.todo_id == todos.c.id, func.lower(p.by) == func.lower(person))
        .correlate(todos)
    )
    return ~own.exists()

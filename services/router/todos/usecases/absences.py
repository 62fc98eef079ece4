"""When a person's absence begins, what they have goes back to its desk, or to their substitute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.router.people import store as people
from services.router.people.store import Absence
from services.router.tables import todos
from services.router.todos.domain.todo import TodoState
from services.router.todos.store.work import WorkTodo, lock
from services.router.todos.usecases.desk_work import By, assign, release
from shared.db import Read, Write

AT_ONCE = 50
"""ToDos in one transaction."""


def hand_on(tx: Write, *, person: str, now: datetime) -> int:
    """Hand on some of what an absent person has; how many. Zero: no more is to be done.

    What the person takes after the last one was handed on stays theirs. A substitute who is absent
    as well gets nothing.
    """
    absence = people.locked(tx, person)
    if absence is None or absence.handed_on_at is not None:
        return 0
    if not absence.begins_at <= now < absence.ends_at:
        return 0
    mine = _claimed_by(tx, person)
    for todo_id in mine:
        _hand_on(tx, todo_id, absence, now=now)
    if len(mine) < AT_ONCE:
        people.mark_handed_on(tx, absence, now)
    return len(mine)


def hand_on_again(tx: Write, todos: Sequence[WorkTodo], *, now: datetime) -> None:
    """Of these, which are somebody's again without having been taken, those of who is absent, and
    whose ToDos were handed on before.
    """
    for todo in todos:
        if todo.status.state is TodoState.CLAIMED and todo.status.assignee is not None:
            absence = people.present(tx, todo.status.assignee, now)
            if absence is not None and absence.handed_on_at is not None:
                _hand_on(tx, todo.id, absence, now=now)


def _claimed_by(tx: Read, person: str) -> Sequence[UUID]:
    """In the order in which everybody locks ToDos."""
    c = todos.c
    some = select(c.id, c.inquiry_id).where(c.assignee == person, c.state == TodoState.CLAIMED)
    chosen = some.order_by(c.due_at, c.id).limit(AT_ONCE).subquery()
    return list(tx.execute(select(chosen.c.id).order_by(chosen.c.inquiry_id)).scalars())


def _hand_on(tx: Write, todo_id: UUID, absence: Absence, *, now: datetime) -> None:
    """As whoever has said that the person is absent."""
    todo = lock(tx, todo_id)
    if todo is None or todo.status.state is not TodoState.CLAIMED:
        return
    if todo.status.assignee != absence.person:
        return
    supervisor = absence.set_by != absence.person
    by = By(absence.key_name, now, absence.set_by, supervisor)
    why = f"{absence.person} is absent until {absence.ends_at.isoformat()}"
    substitute = absence.substitute
    if substitute is None or people.present(tx, substitute, now) is not None:
        release(tx, todo_id=todo_id, by=by, reason=why)
    else:
        assign(tx, todo_id=todo_id, assignee=substitute, by=by, reason=why)

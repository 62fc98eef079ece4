"""How many ToDos there are at each desk, each count the walk of an index that has all it needs.

What goes on is little, and counted exactly. What has ended grows for ever: counting a million takes
a noticeable part of a second, so whoever asks often keeps that for a while.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from services.router.tables import todos
from services.router.todos.domain.todo import ENDED, GOING_ON, TodoState
from shared.db import Read

SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class GoingOn:
    """Of one desk and state. `overdue` were due before now, `due_soon` are in the next 24 hours."""

    todos: int
    overdue: int
    due_soon: int


Key = tuple[str, TodoState]


def going_on(tx: Read, now: datetime) -> Mapping[Key, GoingOn]:
    c = todos.c
    overdue = func.count().filter(c.due_at < now)
    soon = func.count().filter(c.due_at >= now, c.due_at < now + SOON)
    query = (
        select(c.desk, c.state, func.count(), overdue, soon)
        .where(c.desk.in_(_desks(tx)), c.state.in_(GOING_ON))
        .group_by(c.desk, c.state)
    )
    rows = tx.execute(query).all()
    return {(row[0], TodoState(row[1])): GoingOn(*row[2:]) for row in rows}


def ended(tx: Read) -> Mapping[Key, int]:
    c = todos.c
    query = (
        select(c.desk, c.state, func.count())
        .where(c.desk.in_(_desks(tx)), c.state.in_(ENDED))
        .group_by(c.desk, c.state)
    )
    return {(row[0], TodoState(row[1])): row[2] for row in tx.execute(query)}


def _desks(tx: Read) -> Sequence[str]:
    """Every desk that has ToDos, whether the policy still has it or not: one step in the index for
    each.
    """
    found: list[str] = []
    while True:
        following = select(func.min(todos.c.desk))
        if found:
            following = following.where(todos.c.desk > found[-1])
        desk = tx.execute(following).scalar()
        if desk is None:
            return found
        found.append(desk)

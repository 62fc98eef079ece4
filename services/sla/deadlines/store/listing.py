"""Lists of deadlines, by due time. A deadline that has passed is shown as breached at once.

Nobody has to wait for the timers to see the truth: the state follows from the due time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, exists, literal, not_, or_, tuple_

from services.sla import tables
from services.sla.deadlines.store import hand_overs
from services.sla.deadlines.store.deadlines import PAUSED, RUNNING, DeadlineRow, whole_rows
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.tables import deadlines
from shared.db import Read

BREACHED = "breached"
_C = deadlines.c


@dataclass(frozen=True, slots=True)
class Listed:
    """A deadline, with the hand-over beside it where somebody owes or owed one."""

    row: DeadlineRow
    hand_over: HandOverRow | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deadlines a list shows; None: no matter."""

    state: str | None = None
    channel: str | None = None
    desk: str | None = None
    target: str | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    breached: bool | None = None
    hand_over: str | None = None


def page(
    tx: Read, wanted: Wanted, *, now: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """The next `limit` deadlines by due time and id, from behind `after`."""
    conditions: list[ColumnElement[bool]] = [_C.due_at.is_not(None), *_conditions(wanted, now)]
    if after is not None:
        conditions.append(tuple_(_C.due_at, _C.inquiry_id) > tuple_(*_as_bound(after)))
    rows = tx.execute(
        whole_rows().where(*conditions).order_by(_C.due_at, _C.inquiry_id).limit(limit)
    )
    return _listed(tx, [DeadlineRow(*row) for row in rows])


def open_ones(tx: Read, *, desk: str | None, limit: int) -> list[Listed]:
    """Deadlines for which an answer is still owed, the most urgent answer first."""
    conditions: list[ColumnElement[bool]] = [
        _C.due_at.is_not(None),
        _C.state.in_((RUNNING, PAUSED, BREACHED)),
    ]
    if desk is not None:
        conditions.append(_C.desk == desk)
    rows = tx.execute(whole_rows().where(*conditions).order_by(_C.due_at).limit(limit))
    return _listed(tx, [DeadlineRow(*row) for row in rows])


def _listed(tx: Read, rows: Sequence[DeadlineRow]) -> list[Listed]:
    owed = hand_overs.of(tx, [row.inquiry_id for row in rows])
    return [Listed(row, owed.get(row.inquiry_id)) for row in rows]


def overdue(now: datetime, of: Table = deadlines) -> ColumnElement[bool]:
    """The deadline has passed, whether the timers have handled it or not.

    That of a paused clock lies behind the pause's bound, so the clock ran when it passed.
    """
    return and_(of.c.state.in_((RUNNING, PAUSED)), of.c.due_at < now)


def _stands(state: str, now: datetime, of: Table) -> ColumnElement[bool]:
    if state == BREACHED:
        return or_(of.c.state == BREACHED, overdue(now, of))
    if state in (RUNNING, PAUSED):
        return and_(of.c.state == state, not_(overdue(now, of)))
    return of.c.state == state


def _conditions(wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(_stands(wanted.state, now, deadlines))
    if wanted.hand_over is not None:
        table = tables.hand_overs
        here = table.c.inquiry_id == _C.inquiry_id
        conditions.append(exists().where(here, _stands(wanted.hand_over, now, table)))
    for column, value in (
        (_C.channel, wanted.channel),
        (_C.desk, wanted.desk),
        (_C.target, wanted.target),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.due_before is not None:
        conditions.append(_C.due_at < wanted.due_before)
    if wanted.due_after is not None:
        conditions.append(_C.due_at > wanted.due_after)
    if wanted.breached is not None:
        broken = or_(_C.breached_at.is_not(None), overdue(now))
        conditions.append(broken if wanted.breached else not_(broken))
    return conditions


def _as_bound(after: tuple[datetime, UUID]) -> tuple[ColumnElement[object], ColumnElement[object]]:
    return literal(after[0], _C.due_at.type), literal(after[1], _C.inquiry_id.type)

"""Lists of deadlines, by due time. A deadline that has passed is shown as breached at once.

Nobody has to wait for the timers to see the truth: the state follows from the due time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, literal, not_, or_, tuple_

from services.sla.deadlines.store.deadlines import PAUSED, RUNNING, DeadlineRow, whole_rows
from services.sla.tables import deadlines
from shared.db import Read

BREACHED = "breached"
_C = deadlines.c


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
) -> list[DeadlineRow]:
    """The next `limit` deadlines by due time and id, from behind `after`."""
    conditions: list[ColumnElement[bool]] = [_C.due_at.is_not(None), *_conditions(wanted, now)]
    if after is not None:
        conditions.append(tuple_(_C.due_at, _C.inquiry_id) > tuple_(*_as_bound(after)))
    rows = tx.execute(
        whole_rows().where(*conditions).order_by(_C.due_at, _C.inquiry_id).limit(limit)
    )
    return [DeadlineRow(*row) for row in rows]


def open_ones(tx: Read, *, desk: str | None, limit: int) -> list[DeadlineRow]:
    """Deadlines for which an answer is still owed, the most urgent answer first."""
    conditions: list[ColumnElement[bool]] = [
        _C.due_at.is_not(None),
        _C.state.in_((RUNNING, PAUSED, BREACHED)),
    ]
    if desk is not None:
        conditions.append(_C.desk == desk)
    rows = tx.execute(whole_rows().where(*conditions).order_by(_C.due_at).limit(limit))
    return [DeadlineRow(*row) for row in rows]


def overdue(now: datetime) -> ColumnElement[bool]:
    """The deadline has passed, whether the timers have handled it or not.

    That of a paused clock lies behind the pause's bound, so the clock ran when it passed.
    """
    return and_(_C.state.in_((RUNNING, PAUSED)), _C.due_at < now)


def hand_over_overdue(now: datetime) -> ColumnElement[bool]:
    """The same of the hand-over."""
    return and_(_C.hand_over_state.in_((RUNNING, PAUSED)), _C.hand_over_due_at < now)


def _conditions(wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, state, passed in (
        (_C.state, wanted.state, overdue(now)),
        (_C.hand_over_state, wanted.hand_over, hand_over_overdue(now)),
    ):
        if state == BREACHED:
            conditions.append(or_(column == BREACHED, passed))
        elif state in (RUNNING, PAUSED):
            conditions += [column == state, not_(passed)]
        elif state is not None:
            conditions.append(column == state)
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

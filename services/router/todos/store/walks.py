"""Which ToDos a list shows, and in which order: each page is the walk of indexes from a place.

Where several desks or states are wanted, one index is walked for each of them from the same place,
and what comes first of all is the page. `channel`, `kind`, a desk beside a person, and spans of the
moment by which is not sorted have no index of their own: they leave out rows of a walk, which is
cheap as long as they fit some percent of the ToDos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, select, tuple_, union_all

from services.router.tables import NEVER, todos
from services.router.todos.domain.todo import GOING_ON, TodoState

Place = tuple[datetime, UUID]
Conditions = tuple[ColumnElement[bool], ...]
Walk = Conditions
"""A part of a list: the rows with these values, by which an index begins."""

EVERY_STATE = tuple(TodoState)


class Sort(StrEnum):
    """`due`: what is due first, without a due time last. `age`: what waits longest first."""

    DUE = "due"
    OLDEST = "age"
    NEWEST = "-age"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows; None, and nothing of many, does not narrow.

    A span begins with its `after` and ends before its `before`. `overdue` is what goes on and was
    due before now.
    """

    desks: tuple[str, ...] = ()
    states: tuple[TodoState, ...] = ()
    assignee: str | None = None
    channel: str | None = None
    kind: str | None = None
    inquiry_id: UUID | None = None
    overdue: bool = False
    due_after: datetime | None = None
    due_before: datetime | None = None
    received_after: datetime | None = None
    received_before: datetime | None = None


def chosen(
    wanted: Filter, *, sort: Sort, after: Place | None, limit: int, now: datetime
) -> Select[*tuple[Any, ...]]:
    """The rows of the page, not yet sorted where more than one walk leads to them."""
    return first_of(walks(wanted), narrowing(wanted, now), sort=sort, after=after, limit=limit)


def first_of(
    parts: Sequence[Walk], narrow: Conditions, *, sort: Sort, after: Place | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """What comes first of all that these walks lead to, and that fulfils the rest."""
    if len(parts) == 1:
        return _along(select(todos), parts[0], narrow, sort=sort, after=after, limit=limit)
    moment = _moment(sort)
    found = union_all(
        *(
            select(
                _along(
                    select(todos.c.id, moment.label("moment")),
                    part,
                    narrow,
                    sort=sort,
                    after=after,
                    limit=limit,
                ).subquery()
            )
            for part in parts
        )
    ).subquery("found")
    first = select(found.c.id).order_by(*_ways(sort, found.c.moment, found.c.id)).limit(limit)
    top = first.subquery("top")
    return select(todos).join(top, top.c.id == todos.c.id)


def walks(wanted: Filter) -> list[Walk]:
    """One for each combination of values by which an index begins."""
    c = todos.c
    states = wanted.states
    if wanted.overdue:
        states = tuple(state for state in states or GOING_ON if state in GOING_ON)
    if wanted.inquiry_id is not None:
        beginning: Conditions = (c.inquiry_id == wanted.inquiry_id,)
        if wanted.assignee is not None:
            beginning += (c.assignee == wanted.assignee,)
        return [(*beginning, *_among(c.desk, wanted.desks), *_among(c.state, states))]
    if wanted.assignee is not None:
        mine = c.assignee == wanted.assignee, *_among(c.desk, wanted.desks)
        return [(*mine, c.state == state) for state in states or EVERY_STATE]
    if wanted.desks:
        both = product(wanted.desks, states or EVERY_STATE)
        return [(c.desk == desk, c.state == state) for desk, state in both]
    return [(c.state == state,) for state in states] or [()]


def narrowing(wanted: Filter, now: datetime) -> Conditions:
    """What else holds for every row."""
    c, found = todos.c, []
    if wanted.channel is not None:
        found.append(c.channel == wanted.channel)
    if wanted.kind is not None:
        found.append(c.kind == wanted.kind)
    if wanted.overdue:
        found.append(c.due_at < now)
    if wanted.due_after is not None:
        found += [c.due_at >= wanted.due_after, c.due_at < NEVER]
    if wanted.due_before is not None:
        found.append(c.due_at < wanted.due_before)
    if wanted.received_after is not None:
        found.append(c.received_at >= wanted.received_after)
    if wanted.received_before is not None:
        found.append(c.received_at < wanted.received_before)
    return tuple(found)


def in_order(
    rows: Select[*tuple[Any, ...]], sort: Sort, moment: Any, identifier: Any
) -> Select[*tuple[Any, ...]]:
    return rows.order_by(*_ways(sort, moment, identifier))


def _along(
    rows: Select[*tuple[Any, ...]],
    part: Walk,
    narrow: Conditions,
    *,
    sort: Sort,
    after: Place | None,
    limit: int,
) -> Select[*tuple[Any, ...]]:
    moment, identifier = _moment(sort), todos.c.id
    rows = rows.where(*part, *narrow)
    if after is not None:
        place = tuple_(literal(after[0], moment.type), literal(after[1], identifier.type))
        here = tuple_(moment, identifier)
        rows = rows.where(here < place if sort is Sort.NEWEST else here > place)
    return in_order(rows, sort, moment, identifier).limit(limit)


def _moment(sort: Sort) -> ColumnElement[datetime]:
    return todos.c.due_at if sort is Sort.DUE else todos.c.received_at


def _ways(sort: Sort, moment: Any, identifier: Any) -> tuple[Any, Any]:
    if sort is Sort.NEWEST:
        return moment.desc(), identifier.desc()
    return moment, identifier


def _among(column: ColumnElement[str], values: Sequence[str]) -> Conditions:
    return (column.in_(values),) if values else ()

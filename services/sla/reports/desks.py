"""What each desk had a share in: who answered, how long it was where, and where it became late.

Inquiries that stayed at one desk are counted by the database. Those that a desk handed to another
are few; they are read page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, or_, select

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.deadlines.store.listing import overdue
from services.sla.promises.policy_version import PolicyVersionByKey
from services.sla.promises.versions import PolicyVersions
from services.sla.reports.store import Span
from services.sla.tables import deadlines, desk_moves
from shared.db import Read
from shared.db.among import among

AT_ONCE: Final = 500
"""Inquiries on one page."""
_C, _M = deadlines.c, desk_moves.c


@dataclass(slots=True)
class DeskLine:
    """One desk. `held_seconds` is opening time between the receipt and the answer."""

    desk: str | None
    inquiries: int = 0
    answered: int = 0
    held_seconds: int = 0
    handed_over_to: int = 0
    handed_over_from: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Stay:
    """An inquiry at one desk; `end` is None at the last one."""

    desk: str
    start: datetime
    end: datetime | None


def by_desk(
    tx: Read, span: Span, *, policy_versions: PolicyVersions, now: datetime
) -> list[DeskLine]:
    """A line for each desk that had a promised inquiry of the span, in order of their names."""
    lines = _Lines()
    _count_unmoved(tx, span, lines, now=now)
    version_by_key = policy_versions.by_key(tx, now=now)
    for page in _pages(tx, span, now=now):
        for row, stays in page:
            _count_moved(row, stays, lines, calendar=_calendar(row, version_by_key))
    return sorted(lines.values(), key=lambda line: (line.desk is not None, line.desk or ""))


def stays_of(received_at: datetime, moves: Sequence[tuple[datetime, str, str]]) -> list[Stay]:
    """From the moves (when, from which desk, to which), in whatever order, to where it was when."""
    ordered = sorted((max(at, received_at), came_from, desk) for at, came_from, desk in moves)
    starts = [(received_at, ordered[0][1]), *((at, desk) for at, _, desk in ordered)]
    ends = [*(at for at, _ in starts[1:]), None]
    return [Stay(desk, start, end) for (start, desk), end in zip(starts, ends, strict=True)]


class _Lines(dict[str | None, DeskLine]):
    def __missing__(self, desk: str | None) -> DeskLine:
        self[desk] = line = DeskLine(desk)
        return line


def _count_unmoved(tx: Read, span: Span, lines: _Lines, *, now: datetime) -> None:
    rows = tx.execute(
        select(
            _C.desk,
            func.count(),
            func.count(_C.answered_at),
            func.coalesce(func.sum(_C.answer_business_seconds), 0),
            func.sum(case((_late(now), 1), else_=0)),
        )
        .where(span.condition(), _C.due_at.is_not(None), ~_moved())
        .group_by(_C.desk)
    )
    for desk, count, answered, seconds, missed in rows:
        line = lines[desk]
        line.inquiries += count
        line.answered += answered
        line.held_seconds += int(seconds)
        line.missed += int(missed)


def _count_moved(
    row: Any, stays: Sequence[Stay], lines: _Lines, *, calendar: BusinessCalendar
) -> None:
    for desk in {stay.desk for stay in stays}:
        lines[desk].inquiries += 1
    for before, after in pairwise(stays):
        lines[before.desk].handed_over_from += 1
        lines[after.desk].handed_over_to += 1
    if row.late:
        lines[_at(stays, row.breached_at or row.due_at)].missed += 1
    if row.answered_at is None:
        return
    lines[_at(stays, row.answered_at)].answered += 1
    for stay in stays:
        end = row.answered_at if stay.end is None else min(stay.end, row.answered_at)
        if end > stay.start:
            held = calendar.elapsed(stay.start, end)
            lines[stay.desk].held_seconds += int(held.total_seconds())


def _at(stays: Sequence[Stay], moment: datetime) -> str:
    """The desk that had it then."""
    begun = [stay.desk for stay in stays if stay.start <= moment]
    return begun[-1] if begun else stays[0].desk


def _pages(tx: Read, span: Span, *, now: datetime) -> Iterator[list[tuple[Any, list[Stay]]]]:
    after = UUID(int=0)
    while True:
        rows = tx.execute(
            select(
                _C.inquiry_id, _C.received_at, _C.answered_at, _C.breached_at, _C.due_at,
                _C.policy_version, _late(now).label("late"),
            )
            .where(span.condition(), _C.due_at.is_not(None), _moved(), _C.inquiry_id > after)
            .order_by(_C.inquiry_id)
            .limit(AT_ONCE)
        ).all()  # fmt: skip
        if not rows:
            return
        after = rows[-1].inquiry_id
        moves = _moves(tx, [row.inquiry_id for row in rows])
        yield [(row, stays_of(row.received_at, moves[row.inquiry_id])) for row in rows]


def _moves(tx: Read, inquiry_ids: list[UUID]) -> dict[UUID, list[tuple[datetime, str, str]]]:
    rows = tx.execute(
        select(desk_moves)
        .where(among(tx, _M.inquiry_id, inquiry_ids))
        .order_by(_M.inquiry_id, _M.at)
    )
    return {
        inquiry_id: [(row.at, row.from_desk, row.desk) for row in moves]
        for inquiry_id, moves in groupby(rows, key=lambda row: row.inquiry_id)
    }


def _calendar(row: Any, version_by_key: PolicyVersionByKey) -> BusinessCalendar:
    return version_by_key(str(row.policy_version)).calendar


def _moved() -> ColumnElement[bool]:
    return exists().where(_M.inquiry_id == _C.inquiry_id)


def _late(now: datetime) -> ColumnElement[bool]:
    return or_(_C.breached_at.is_not(None), overdue(now, deadlines))

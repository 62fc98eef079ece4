"""Numbers about the promise, computed by the database: memory does not grow with the inquiries.

Percentiles are by nearest rank, the same on both databases: the smallest answer time for which at
least that share of the answers was as fast or faster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, FromClause, Subquery, Table, and_, case, func, or_, select

from services.sla.deadlines.store.deadlines import BEST_EFFORT
from services.sla.deadlines.store.listing import overdue
from services.sla.tables import deadlines, hand_overs
from shared.db import Read
from shared.text.percent import percent

GroupBy = Literal["channel", "desk", "week", "promise"]
_C = deadlines.c
_COLUMN: Mapping[GroupBy | None, ColumnElement[str]] = {
    "channel": _C.channel,
    "desk": _C.desk,
    "week": _C.received_week,
    "promise": _C.promise,
    None: case((_C.inquiry_id.is_not(None), "all")),
}


@dataclass(frozen=True, slots=True)
class Class:
    """Deadlines that are counted alike; each belongs to an inquiry, which has the groups."""

    table: Table
    joined: FromClause
    ended: ColumnElement[bool]
    cancelled: ColumnElement[bool]
    reason: ColumnElement[str]


_H = hand_overs.c
ANSWERS: Final = Class(
    table=deadlines,
    joined=deadlines,
    ended=_C.answered_at.is_not(None),
    cancelled=_C.cancelled_at.is_not(None),
    reason=_C.cancel_reason,
)
HAND_OVERS: Final = Class(
    table=hand_overs,
    joined=hand_overs.join(deadlines, _H.inquiry_id == _C.inquiry_id),
    ended=_H.taken_over_at.is_not(None),
    cancelled=_H.state == "cancelled",
    reason=_H.state,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Inquiries received in [start, end), without those that turned out to be part of another."""

    start: datetime
    end: datetime

    def condition(self) -> ColumnElement[bool]:
        return and_(
            _C.received_at >= self.start, _C.received_at < self.end, _C.merged_into.is_(None)
        )


@dataclass(slots=True)
class Line:
    """One group of deadlines. Answer times are seconds, None without an answer."""

    group: str | None
    promised: int = 0
    met: int = 0
    met_late: int = 0
    breached: int = 0
    open: int = 0
    cancelled: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    business_median: int | None = None
    business_p90: int | None = None
    wall_median: int | None = None
    wall_p90: int | None = None

    @property
    def kept_percent(self) -> float | None:
        """100 is said only when no promise was broken."""
        return percent(self.met, self.met + self.missed)


@dataclass(frozen=True, slots=True)
class BestEffortLine:
    """One best-effort channel: how many came, how many were answered, how long the rest waits."""

    channel: str
    count: int
    answered: int
    closed: int
    open: int
    median_age: int | None
    oldest_received_at: datetime | None


def lines(
    tx: Read, span: Span, *, of: Class, group_by: GroupBy | None, now: datetime
) -> list[Line]:
    """A line for each group with deadlines of that class, in order of the groups; inquiries without
    one (no desk) come first. Without `group_by` all of them are one group.
    """
    group = _COLUMN[group_by]
    found: dict[str | None, Line] = {}
    c = of.table.c
    broken = or_(c.breached_at.is_not(None), overdue(now, of.table))
    outcome = case(
        (of.cancelled, "cancelled"),
        (and_(of.ended, broken), "met_late"),
        (of.ended, "met"),
        (broken, "breached"),
        else_="open",
    )
    rows = tx.execute(
        select(group, outcome, of.reason, func.count(), func.sum(case((broken, 1), else_=0)))
        .select_from(of.joined)
        .where(span.condition(), c.due_at.is_not(None))
        .group_by(group, outcome, of.reason)
    )
    for name, what, reason, count, missed in rows:
        line = found.setdefault(name, Line(name))
        line.promised += count
        line.missed += int(missed)
        if what == "cancelled":
            line.cancelled[reason] = line.cancelled.get(reason, 0) + count
        else:
            setattr(line, what, getattr(line, what) + count)
    if of is ANSWERS:
        _add_percentiles(tx, span, group, found)
    return [found[name] for name in _in_order(found)]


def total(tx: Read, span: Span, *, of: Class, now: datetime) -> Line:
    """Over all deadlines of the class in the span, with percentiles of their own."""
    return replace(
        next(iter(lines(tx, span, of=of, group_by=None, now=now)), Line(None)), group=None
    )


def _in_order(names: Iterable[str | None]) -> list[str | None]:
    return sorted(names, key=lambda name: (name is not None, name or ""))


def best_effort_lines(tx: Read, span: Span, *, now: datetime) -> list[BestEffortLine]:
    """A line for each best-effort channel with inquiries in the span."""
    here = and_(span.condition(), _C.state == BEST_EFFORT)
    waiting = and_(_C.answered_at.is_(None), _C.cancelled_at.is_(None))
    rows = tx.execute(
        select(
            _C.channel,
            func.count(),
            func.count(_C.answered_at),
            func.sum(case((waiting, 1), else_=0)),
            func.min(case((waiting, _C.received_at))),
        )
        .where(here)
        .group_by(_C.channel)
        .order_by(_C.channel)
    ).all()
    medians = _median_received(tx, here & waiting)
    return [
        BestEffortLine(
            channel=channel,
            count=count,
            answered=answered,
            closed=count - answered - int(waits),
            open=int(waits),
            median_age=_age(medians.get(channel), now),
            oldest_received_at=oldest,
        )
        for channel, count, answered, waits, oldest in rows
    ]


def _add_percentiles(
    tx: Read, span: Span, group: ColumnElement[str], lines: Mapping[str | None, Line]
) -> None:
    for kind, seconds in (
        ("business", _C.answer_business_seconds),
        ("wall", _C.answer_wall_seconds),
    ):
        ranked = _ranked(group, seconds, and_(span.condition(), _C.due_at.is_not(None)))
        found: dict[str | None, dict[int, int]] = defaultdict(dict)
        rows = tx.execute(
            select(ranked.c.grouped, ranked.c.value, ranked.c.rank, ranked.c.total).where(
                or_(
                    ranked.c.rank == _nearest_rank(ranked.c.total, percent=50),
                    ranked.c.rank == _nearest_rank(ranked.c.total, percent=90),
                )
            )
        )
        for name, value, rank, total in rows:
            for percentile in (50, 90):
                if rank == -(-total * percentile // 100):
                    found[name][percentile] = value
        for name, by_percent in found.items():
            setattr(lines[name], f"{kind}_median", by_percent[50])
            setattr(lines[name], f"{kind}_p90", by_percent[90])


def _ranked(
    group: ColumnElement[str], value: ColumnElement[Any], where: ColumnElement[bool]
) -> Subquery:
    return (
        select(
            group.label("grouped"),
            value.label("value"),
            func.row_number().over(partition_by=group, order_by=value).label("rank"),
            func.count().over(partition_by=group).label("total"),
        )
        .where(where, value.is_not(None))
        .subquery()
    )


def _nearest_rank(total: ColumnElement[int], *, percent: int) -> ColumnElement[int]:
    """The share of the total, rounded up; in whole numbers, which divide alike everywhere."""
    return (total * percent + 99) // 100


def _median_received(tx: Read, where: ColumnElement[bool]) -> dict[str, datetime]:
    """By channel: when the inquiry in the middle was received, the older of two middle ones."""
    ranked = _ranked(_C.channel, _C.received_at, where)
    rows = tx.execute(
        select(ranked.c.grouped, ranked.c.value).where(
            ranked.c.rank == _nearest_rank(ranked.c.total, percent=50)
        )
    )
    return {row.grouped: row.value for row in rows}


def _age(received_at: datetime | None, now: datetime) -> int | None:
    return None if received_at is None else max(0, (now - received_at) // timedelta(seconds=1))

"""Spans of time in a query: between two moments, over whole days of the desk's zone, or a week; and
the weeks that a span has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from shared.errors import FieldProblem, InvalidError
from shared.web.moments import day_or_moment, midnight, plausible_day

WEEK = "a week such as 2026-W47 (ISO 8601; it begins on Monday)"
END = "a day such as 2026-11-22, or a moment with its zone such as 2026-11-23T00:00:00+01:00"
MOST_WEEKS = 54
"""What a report by weeks may touch: a leap year that begins on a Sunday touches so many."""
_ONE_DAY = timedelta(days=1)
_ONE_WEEK = timedelta(weeks=1)
_WEEK = re.compile(r"(\d{4})-W(\d{2})")

WeekText = Annotated[
    str | None, Query(max_length=40, description=f"{WEEK}.", examples=["2026-W47"])
]
FirstText = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=64,
        description="The first day in the desk's zone, or a moment with its zone.",
        examples=["2026-03-01"],
    ),
]
LastText = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=64,
        description="The last day, itself included, or a moment, itself not included.",
        examples=["2026-03-31"],
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A span as it stands in a query; each part may be left out."""

    week: str | None
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week, from `start` until before `end`: as much of it as lies in a span."""

    monday: date
    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"


def span_of(asked: Asked, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments from which and before which it is. A last day belongs to the span.

    Raises InvalidError for what is no span.
    """
    if asked.week is not None:
        if asked.first is not None or asked.last is not None:
            raise _wrong("week", "stands beside `from` or `to`", "either the week or these two")
        return _week(asked.week, zone)
    if asked.first is None and asked.last is None:
        raise _wrong("week", "is missing", f"{WEEK}, or `from` and `to`")
    start = _edge("from", asked.first, zone, days_later=0)
    end = _edge("to", asked.last, zone, days_later=1)
    if end <= start:
        raise _wrong("to", "is not after `from`", f"a day or moment after {asked.first}")
    return start, end


def weeks_of(start: datetime, end: datetime, zone: ZoneInfo) -> list[Week]:
    """Oldest first; they begin in that zone. Raises InvalidError for more than `MOST_WEEKS`."""
    first = start.astimezone(zone).date()
    monday = first - first.weekday() * _ONE_DAY
    weeks: list[Week] = []
    while (begins := midnight(zone, monday)) < end:
        if len(weeks) == MOST_WEEKS:
            raise _wrong("to", "is too late", f"{MOST_WEEKS} weeks after `from` at most")
        following = midnight(zone, monday + _ONE_WEEK)
        weeks.append(Week(monday, max(begins, start), min(following, end)))
        monday += _ONE_WEEK
    return weeks


def _week(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    found = _WEEK.fullmatch(text)
    if found is None:
        raise _wrong("week", "is no week", WEEK)
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        raise _wrong("week", "is no week of that year", WEEK) from None
    try:
        plausible_day(monday)
    except ValueError as error:
        raise _wrong("week", str(error), WEEK) from None
    return midnight(zone, monday), midnight(zone, monday + 7 * _ONE_DAY)


def _edge(field: str, text: str | None, zone: ZoneInfo, *, days_later: int) -> datetime:
    if text is None:
        raise _wrong(field, "is missing", END)
    try:
        found = day_or_moment(text)
    except ValueError as error:
        raise _wrong(field, str(error), END) from None
    if isinstance(found, datetime):
        return found
    return midnight(zone, found + days_later * _ONE_DAY)


def _wrong(field: str, problem: str, expected: str) -> InvalidError:
    return InvalidError("wrong-span", f"{field} {problem}", FieldProblem(field, problem, expected))

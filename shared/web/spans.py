"""Spans of time in a query: between two moments, over whole days of the desk's zone, or a week."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.errors import FieldProblem, InvalidError
from shared.web.moments import day_or_moment, midnight, plausible_day

WEEK = "a week such as 2026-W47 (ISO 8601; it begins on Monday)"
END = "a day such as 2026-11-22, or a moment with its zone such as 2026-11-23T00:00:00+01:00"
_ONE_DAY = timedelta(days=1)
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, slots=True)
class Asked:
    """A span as it stands in a query; each part may be left out."""

    week: str | None
    first: str | None
    last: str | None


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

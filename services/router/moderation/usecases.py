"""The report by ISO week, in the desk's zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.router.moderation import store
from services.router.moderation.store import Appeals
from shared.db import Read
from shared.errors import FieldProblem, InvalidError
from shared.web.moments import midnight

MOST_WEEKS = 54
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """As much of the week as lies in the span; `dismissed` is by reason."""

    monday: date
    dismissed: Mapping[str, int]
    appeals: Appeals


def report(tx: Read, *, start: datetime, end: datetime, zone: ZoneInfo) -> Sequence[Week]:
    """Each week of the span, oldest first. Raises InvalidError for more than 54."""
    weeks = list(_weeks(start, end, zone))
    if len(weeks) > MOST_WEEKS:
        wrong = f"is more than {MOST_WEEKS} weeks after `from`"
        raise InvalidError("wrong-span", f"to {wrong}", FieldProblem("to", wrong, "a shorter span"))
    return [
        Week(
            monday,
            store.dismissed(tx, start=begin, end=until),
            store.appealed(tx, start=begin, end=until),
        )
        for monday, begin, until in weeks
    ]


def _weeks(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[date, datetime, datetime]]:
    day = start.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    begin = start
    for _ in range(MOST_WEEKS + 1):
        if begin >= end:
            return
        following = midnight(zone, monday + _WEEK)
        yield monday, begin, min(following, end)
        monday, begin = monday + _WEEK, following

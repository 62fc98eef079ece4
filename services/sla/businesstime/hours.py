"""Opening hours as written by people, and as seconds of a local day.

An interval belongs to the day on which it begins. It is half open: from the opening second up to,
but not including, the closing second. `22:00-06:00` ends on the next day, `00:00-24:00` (also
written `00:00-00:00`) is the whole day; any other interval that ends where it begins is refused,
because it could mean nothing or everything.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from services.sla.businesstime.errors import CalendarError
from services.sla.businesstime.instants import DAY_SECONDS

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_RANGE = re.compile(r"\s*(\S+?)\s*[-\u2013]\s*(\S+?)\s*")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Seconds from local midnight by the clock's face; `closes` passes 86400 overnight."""

    opens: int
    closes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `09:00-17:00`, with optional seconds; CalendarError says what is wrong."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise CalendarError(f"{text!r} is not an interval: write it like 09:00-17:00")
        opens, closes = _seconds(match[1]), _seconds(match[2])
        if opens == DAY_SECONDS:
            raise CalendarError(f"{text!r} opens at 24:00: that is 00:00 of the next day")
        if opens == closes and opens != 0:
            raise CalendarError(
                f"{text!r} ends when it begins: leave it out, or write 00:00-24:00 for a whole day"
            )
        return cls(opens, closes if closes > opens else closes + DAY_SECONDS)

    def __str__(self) -> str:
        return f"{_face(self.opens)}-{_face(self.closes)}"


def day_hours(intervals: Iterable[str | Interval], where: str = "the day") -> tuple[Interval, ...]:
    """The intervals of one day in order; CalendarError when they overlap."""
    hours = tuple(
        sorted(Interval.parse(each) if isinstance(each, str) else each for each in intervals)
    )
    for first, second in pairwise(hours):
        _refuse_overlap(where, first, second, shift=0)
    return hours


@dataclass(frozen=True, slots=True)
class Week:
    """Opening hours by weekday, Monday first."""

    days: tuple[tuple[Interval, ...], ...]

    @classmethod
    def of(cls, hours: Mapping[str, Iterable[str]]) -> Self:
        """Build from `{"mon": ["09:00-17:00"], ...}`; a day left out is closed.

        CalendarError names the weekday whose hours are unknown, malformed or overlapping, also
        when a night reaches into the next day's hours.
        """
        unknown = sorted(set(hours) - set(WEEKDAYS))
        if unknown:
            raise CalendarError(
                f"{unknown[0]!r} is not a weekday: use one of {', '.join(WEEKDAYS)}"
            )
        week = cls(tuple(day_hours(hours.get(name, ()), name) for name in WEEKDAYS))
        for index, today in enumerate(week.days):
            tomorrow = week.days[(index + 1) % 7]
            if today and tomorrow:
                _refuse_overlap(WEEKDAYS[index], today[-1], tomorrow[0], shift=DAY_SECONDS)
        return week


def _refuse_overlap(where: str, first: Interval, second: Interval, *, shift: int) -> None:
    if second.opens + shift < first.closes:
        following = "" if shift == 0 else " of the next day"
        raise CalendarError(
            f"opening hours of {where} overlap: {first} and {second}{following};"
            " join them or move one"
        )


def _seconds(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise CalendarError(f"{text!r} is not a time: write it like 09:00 or 09:00:30")
    hour, minute, second = (int(part or 0) for part in match.groups())
    total = hour * 3600 + minute * 60 + second
    if minute > 59 or second > 59 or total > DAY_SECONDS:
        raise CalendarError(f"{text!r} is not a time of day: it must lie in 00:00 to 24:00")
    return total


def _face(seconds: int) -> str:
    rest = seconds if seconds <= DAY_SECONDS else seconds - DAY_SECONDS
    hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")

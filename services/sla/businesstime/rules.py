"""The rules of a calendar as one hashable value, and what they say about a single date.

They come from the policy file, which is where they are validated (`shared/policy/calendar.py`).

Precedence, strongest first: dated override, public holiday, closure, weekly hours. A day closed by
a holiday, a closure or an override without hours is closed from local midnight to local midnight:
a night that began the day before ends at that midnight, and a night that would begin on the closed
day is not worked at all. An override with hours replaces what begins on its date, even on a
holiday.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from services.sla.businesstime.holidays_source import Region
from services.sla.businesstime.hours import Interval, Week


class Reason(StrEnum):
    """Why an interval counted or did not."""

    OPEN = "open"
    WORKING_DAY = "working day"
    EVERY_HOUR = "every hour counts"
    OUTSIDE_HOURS = "outside opening hours"
    WEEKEND = "weekend"
    CLOSED_WEEKDAY = "closed weekday"
    HOLIDAY = "holiday"
    CLOSURE = "closure"
    OVERRIDE = "closed by a dated exception"
    PAUSED = "paused"


_CLOSED_ALL_DAY: Final = (Reason.HOLIDAY, Reason.CLOSURE, Reason.OVERRIDE)


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed days from `first` to `last`, both included."""

    first: date
    last: date
    name: str


@dataclass(frozen=True, slots=True)
class Override:
    """The hours of one date, whatever the week or a holiday says; no hours close the day."""

    day: date
    hours: tuple[Interval, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """What holds on one date: its hours, or why it has none."""

    hours: tuple[Interval, ...]
    reason: Reason
    name: str = ""

    @property
    def closed_all_day(self) -> bool:
        """True when even a night from the day before ends at midnight."""
        return self.reason in _CLOSED_ALL_DAY


@dataclass(frozen=True, slots=True)
class KnownHolidays:
    """The public holidays before `until` as they were known once, by date.

    Tables of holidays are corrected; what was counted by an earlier one stays explainable.
    """

    until: date
    days: tuple[tuple[date, str], ...]

    def over(self, table: Mapping[date, str]) -> Mapping[date, str]:
        """These, and the later ones of the table."""
        later = {day: name for day, name in table.items() if day >= self.until}
        return {**dict(self.days), **later}


@dataclass(frozen=True, slots=True)
class CalendarRules:
    """Time zone, week, holidays, closures and dated exceptions; equal rules are one calendar.

    At most one exception for a date.

    Without `holidays` they are those of the table of today. `zone_digest` tells the zone's rules of
    one day from those of another.
    """

    zone: str
    week: Week
    region: Region | None = None
    closures: tuple[Closure, ...] = ()
    overrides: tuple[Override, ...] = ()
    holidays: KnownHolidays | None = None
    zone_digest: str = ""


@dataclass(frozen=True, slots=True)
class Almanac:
    """Answers what a date is, from the rules and the holidays of a range of years."""

    rules: CalendarRules
    holidays: Mapping[date, str]
    closures: Mapping[date, str] = field(init=False)
    overrides: Mapping[date, Override] = field(init=False)
    week: tuple[Day, ...] = field(init=False)

    def __post_init__(self) -> None:
        closures: dict[date, str] = {}
        for closure in self.rules.closures:
            for offset in range((closure.last - closure.first).days + 1):
                closures.setdefault(closure.first + timedelta(offset), closure.name)
        object.__setattr__(self, "closures", closures)
        object.__setattr__(self, "overrides", {each.day: each for each in self.rules.overrides})
        week = [_weekday(number, hours) for number, hours in enumerate(self.rules.week.days)]
        object.__setattr__(self, "week", tuple(week))

    def day(self, day: date) -> Day:
        override = self.overrides.get(day)
        if override is not None:
            reason = Reason.OPEN if override.hours else Reason.OVERRIDE
            return Day(override.hours, reason, override.name)
        if day in self.holidays:
            return Day((), Reason.HOLIDAY, self.holidays[day])
        if day in self.closures:
            return Day((), Reason.CLOSURE, self.closures[day])
        return self.week[day.weekday()]


def _weekday(number: int, hours: tuple[Interval, ...]) -> Day:
    if hours:
        return Day(hours, Reason.OPEN)
    return Day((), Reason.WEEKEND if number > 4 else Reason.CLOSED_WEEKDAY)

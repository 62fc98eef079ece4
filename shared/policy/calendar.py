"""The calendar of the policy: when the desk is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import holidays
from holidays.registry import COUNTRIES
from pydantic import AfterValidator, Field, Strict, model_validator

from shared.policy.parts import Part, refuse
from shared.policy.problems import nearest
from shared.policy.values import (
    MINUTES_A_DAY,
    Interval,
    OpeningInterval,
    Word,
    clock_text,
    mistake,
    shown,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_CLOSURE_DAYS = 366


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = {zone.casefold(): zone for zone in available_timezones()}
        guess = nearest(name, sorted(zones)).strip('"')
        right = f'"{zones[guess]}"' if guess in zones else 'a name such as "Europe/Berlin"'
        raise mistake(f"{shown(name)} is not a known time zone", right) from None
    return name


Day = Annotated[date, Strict()]


class Week(Part):
    """Opening hours by weekday; a weekday that is left out is closed."""

    monday: tuple[Interval, ...] = ()
    tuesday: tuple[Interval, ...] = ()
    wednesday: tuple[Interval, ...] = ()
    thursday: tuple[Interval, ...] = ()
    friday: tuple[Interval, ...] = ()
    saturday: tuple[Interval, ...] = ()
    sunday: tuple[Interval, ...] = ()

    def days(self) -> tuple[tuple[OpeningInterval, ...], ...]:
        """The hours of each weekday, Monday first."""
        return tuple(getattr(self, weekday) for weekday in WEEKDAYS)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not any(self.days()):
            raise mistake(
                "the calendar never opens",
                'hours on at least one weekday: monday = ["09:00-17:00"]',
            )
        placed = sorted(
            (place * MINUTES_A_DAY + hours.opens, place * MINUTES_A_DAY + hours.closes, place, i)
            for place, day in enumerate(self.days())
            for i, hours in enumerate(day)
        )
        week = 7 * MINUTES_A_DAY
        again = (placed[0][0] + week, placed[0][1] + week, *placed[0][2:])
        findings = [
            ((WEEKDAYS[second[2]], second[3]), *_overlap(WEEKDAYS[first[2]], first, second))
            for first, second in pairwise([*placed, again])
            if second[0] < first[1] and first[2:] != second[2:]
        ]
        refuse(tuple(findings))
        return self


def _overlap(
    weekday: str, first: tuple[int, int, int, int], second: tuple[int, int, int, int]
) -> tuple[str, str]:
    midnight = first[2] * MINUTES_A_DAY
    interval = f"{clock_text(first[0] - midnight)}-{clock_text(first[1] - midnight)}"
    starts = clock_text(second[0] % MINUTES_A_DAY)
    return (
        f"starts at {starts}, while {weekday}[{first[3]}] ({interval}) is still open",
        "intervals that do not overlap",
    )


@cache
def _regions() -> Mapping[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=False)


def subdivision_names(country: str) -> Mapping[str, str]:
    """The code of each part of a country that has a name in the `holidays` package."""
    names = {code: name for name, code, *_ in COUNTRIES.values()}
    entity = getattr(holidays, names.get(country, ""), None)
    return getattr(entity, "subdivisions_aliases", None) or {}


class Holidays(Part):
    """Whose public holidays close the desk: codes of the `holidays` package (DE, BE)."""

    country: str
    subdivision: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        regions = _regions()
        if self.country not in regions:
            upper = self.country.strip().upper()
            right = f'"{upper}"' if upper in regions else 'a country code such as "DE"'
            refuse(((("country",), f"no holidays are known for {shown(self.country)}", right),))
        known = regions[self.country]
        if self.subdivision is not None and self.subdivision not in known:
            wrong = f"{self.country} has no part {shown(self.subdivision)}"
            by_name = {code.casefold(): code for code in known} | {
                name.casefold(): code for name, code in subdivision_names(self.country).items()
            }
            code = by_name.get(self.subdivision.strip().casefold())
            right = nearest(self.subdivision, known) if known else "no subdivision at all"
            refuse(((("subdivision",), wrong, f'"{code}"' if code else right),))
        return self


class Closure(Part):
    """Closed from `from` to `to`, both days included."""

    first_day: Day = Field(alias="from")
    last_day: Day = Field(alias="to")
    name: Word

    @model_validator(mode="after")
    def _check(self) -> Self:
        days = (self.last_day - self.first_day).days
        if days < 0:
            wrong = f"{self.last_day} is before the closure begins on {self.first_day}"
            refuse(((("to",), wrong, "the last closed day"),))
        if days >= LONGEST_CLOSURE_DAYS:
            refuse(((("to",), "the closure is longer than a year", "at most 366 days"),))
        return self


class Override(Part):
    """The hours of one date, stronger than closures, holidays and the week; no hours: closed."""

    date: Day
    hours: tuple[Interval, ...]
    name: Word

    @model_validator(mode="after")
    def _check(self) -> Self:
        order = sorted(range(len(self.hours)), key=lambda place: self.hours[place])
        refuse(
            tuple(
                (
                    ("hours", later),
                    f"{self.hours[later]} overlaps with {self.hours[earlier]}",
                    "intervals that do not overlap",
                )
                for earlier, later in pairwise(order)
                if self.hours[later].opens < self.hours[earlier].closes
            )
        )
        return self


class Calendar(Part):
    """When the desk is open. Strongest first: overrides, holidays, closures, weekly hours."""

    timezone: Annotated[str, AfterValidator(_known_zone)]
    hours: Week
    holidays: Holidays | None = None
    closures: tuple[Closure, ...] = ()
    overrides: tuple[Override, ...] = ()
    ical_file: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: dict[date, int] = {}
        findings = []
        for place, override in enumerate(self.overrides):
            first = seen.setdefault(override.date, place)
            if first != place:
                wrong = f"{override.date} already has hours at overrides[{first}]"
                findings.append((("overrides", place, "date"), wrong, "one entry with all hours"))
        refuse(tuple(findings))
        return self

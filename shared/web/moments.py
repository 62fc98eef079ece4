"""Moments and days as they come in: with a zone, and in a time that a desk can mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, TypeAdapter, ValidationError

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""The end of the last day, so that a span may reach to it."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_OUTSIDE = f"lies outside the years {EARLIEST.year} to {LATEST.year - 1}"


def _plausible(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(f"a moment in the years {EARLIEST.year} to {LATEST.year - 1}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""An aware moment of the years 1990 to 2099, turned into UTC."""
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def moment_of(text: str) -> datetime:
    """In UTC. Raises ValueError, which says what is wrong with the text, to be put after it."""
    try:
        return _MOMENT.validate_python(text)
    except ValidationError as error:
        kind = error.errors(include_url=False)[0]["type"]
    if kind == "timezone_aware":
        raise ValueError("has no zone")
    raise ValueError(_OUTSIDE if kind == "value_error" else "is no moment")


def day_or_moment(text: str) -> date:
    """A moment (a datetime) in UTC, or a day. Raises ValueError like `moment_of`."""
    if _DAY.fullmatch(text) is None:
        return moment_of(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no day of the calendar") from None
    return plausible_day(day)


def plausible_day(day: date) -> date:
    """The same day. Raises ValueError like `moment_of`."""
    if not EARLIEST.year <= day.year < LATEST.year:
        raise ValueError(_OUTSIDE)
    return day


def midnight(zone: ZoneInfo, day: date) -> datetime:
    """The moment at which the day begins there, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)

"""Moments in words: in the desk's zone, as people of that language write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location

from services.intake.form.wording import Wording

_SOON = timedelta(days=6)
"""In which a weekday's name alone names one day."""


def due_text(moment: datetime, *, now: datetime, zone: ZoneInfo, said: Wording) -> str:
    """ "Freitag, 12:00 Uhr"; with its date when the weekday alone could be another day.

    The minute is that in which it is due: a promise is not kept by its last second.
    """
    near = timedelta() <= moment - now <= _SOON
    pattern = said.day_pattern if near else said.date_pattern
    return format_datetime(moment, pattern, tzinfo=zone, locale=said.locale)


def full_text(moment: datetime, *, zone: ZoneInfo, said: Wording) -> str:
    return format_datetime(moment, said.date_pattern, tzinfo=zone, locale=said.locale)


def place_of(zone: ZoneInfo, said: Wording) -> str:
    """The city after which the zone is named."""
    return get_timezone_location(zone, locale=said.locale, return_city=True)

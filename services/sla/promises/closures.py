"""Closed days from an iCalendar file: whole-day events, read by the `icalendar` library.

What a closure cannot be is refused by name instead of being half understood: events with a time of
day, and repeated ones. Cancelled events are left out, other components are skipped.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from icalendar import Calendar, Component
from pydantic import ValidationError

from services.sla.businesstime.errors import CalendarError
from shared import policy as written
from shared.policy.problems import PolicyError, PolicyProblem, problem_of

_REPETITION: Final = ("EXDATE", "RDATE", "RECURRENCE-ID", "RRULE")
_ONE_DAY: Final = timedelta(days=1)


def with_ical_closures(calendar: written.Calendar) -> written.Calendar:
    """The file's closures as if they stood in the policy: the stored version must not need it.

    Raises PolicyError for a file that cannot be read or understood.
    """
    if calendar.ical_file is None:
        return calendar
    try:
        added = closures_from_ical(_read(calendar.ical_file))
    except (OSError, CalendarError) as error:
        right = "an iCalendar file (UTF-8) of whole-day events"
        problem = PolicyProblem("calendar.ical_file", str(error), right)
        raise PolicyError((problem,)) from error
    return calendar.model_copy(update={"ical_file": None, "closures": (*calendar.closures, *added)})


def closures_from_ical(text: str) -> tuple[written.Closure, ...]:
    """The whole-day events as closures, in order of their first day. Raises CalendarError."""
    try:
        calendar = Calendar.from_ical(text)
    except ValueError as error:
        raise CalendarError(f"this is not a whole iCalendar file: {str(error)[:200]}") from error
    if calendar.name != "VCALENDAR":
        raise CalendarError(f"this is not an iCalendar file: it begins with {calendar.name}")
    events = calendar.walk("VEVENT")
    if not events:
        raise CalendarError("the file holds no event, so it would close no day")
    closures = [
        _closure(event) for event in events if str(event.get("STATUS", "")).upper() != "CANCELLED"
    ]
    return tuple(sorted(closures, key=lambda closure: (closure.first_day, closure.last_day)))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalendarError(f"the bytes from {error.start} on are not UTF-8") from error


def _closure(event: Component) -> written.Closure:
    name = str(event.get("SUMMARY", "")).strip() or "closed"
    shown = repr(name[:80])
    if event.errors:
        raise CalendarError(f"the event {shown} cannot be read: {event.errors[0][1]}")
    repeated = next((key for key in _REPETITION if key in event), None)
    if repeated is not None:
        raise CalendarError(
            f"the event {shown} repeats ({repeated}): write each closure as its own event"
        )
    first = _day(event, "DTSTART", shown)
    if first is None:
        raise CalendarError(f"the event {shown} has no DTSTART")
    raw = {"from": first, "to": _last(event, first, shown), "name": name}
    try:
        return written.Closure.model_validate(raw)
    except ValidationError as error:
        (problem, *_) = error.errors(include_url=False)
        wrong = problem_of(problem, written.Closure).wrong
        raise CalendarError(f"the event {shown} is no closure: {wrong}") from error


def _last(event: Component, first: date, shown: str) -> date:
    """The last closed day: DTEND is the day after it; without an end the event lasts one day."""
    end = _day(event, "DTEND", shown)
    if end is not None:
        # Some programs write the same day twice for one whole day.
        return first if end == first else end - _ONE_DAY
    if "DURATION" not in event:
        return first
    duration = _value(event, "DURATION", shown)
    if not isinstance(duration, timedelta) or duration % _ONE_DAY:
        raise CalendarError(f"the event {shown} does not last whole days: use DTEND")
    if duration < timedelta():
        raise CalendarError(f"the event {shown} ends before it begins")
    try:
        return first + max(duration, _ONE_DAY) - _ONE_DAY
    except OverflowError:
        raise CalendarError(f"the event {shown} lasts beyond the year 9999") from None


def _day(event: Component, key: str, shown: str) -> date | None:
    if key not in event:
        return None
    value = _value(event, key, shown)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise CalendarError(
            f"the event {shown} has a time of day: closures are whole days such as 20261224"
        )
    return value


def _value(event: Component, key: str, shown: str) -> object:
    found: Any = event[key]
    if isinstance(found, list):
        raise CalendarError(f"the event {shown} has {key} twice")
    return found.dt

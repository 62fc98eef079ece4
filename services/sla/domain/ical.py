"""Closures from an iCalendar text: whole-day events, nothing more.

A company's list of closed days is a handful of VEVENTs with a date and a summary. A library would
read all of RFC 5545, of which nearly everything (repetition, alarms, meetings) has no meaning for
a closure; what this parser does not understand it refuses by name instead of guessing. Cancelled
events are left out, other components are skipped.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from services.sla.domain.errors import CalendarError
from services.sla.domain.rules import Closure

_REPETITION: Final = frozenset({"RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_FOLD = re.compile(r"\r?\n[ \t]")
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DURATION = re.compile(r"P(?:(\d+)W|(\d+)D)")
_ESCAPE = re.compile(r"\\([\\;,nN])")


def closures_from_ical(text: str) -> tuple[Closure, ...]:
    """The whole-day events as closures, in order of their first day.

    CalendarError for what is no iCalendar, for events with a time of day and for repeated events.
    """
    if "BEGIN:VCALENDAR" not in text.upper():
        raise CalendarError("the text holds no BEGIN:VCALENDAR: it is not an iCalendar file")
    closures = [
        _closure(event)
        for event in _events(_FOLD.sub("", text))
        if event.get("STATUS", "").upper() != "CANCELLED"
    ]
    return tuple(sorted(closures, key=lambda closure: (closure.first, closure.last)))


def _events(text: str) -> Iterator[dict[str, str]]:
    """The properties of each VEVENT by name, without those of components nested in it."""
    open_components: list[str] = []
    event: dict[str, str] = {}
    for line in text.splitlines():
        name, value = _property(line)
        if name == "BEGIN":
            open_components.append(value.upper())
            if value.upper() == "VEVENT":
                event = {}
        elif name == "END":
            if not open_components or open_components.pop() != value.upper():
                raise CalendarError(f"END:{value} closes nothing that was begun")
            if value.upper() == "VEVENT":
                yield event
        elif open_components and open_components[-1] == "VEVENT":
            event[name] = value
    if open_components:
        raise CalendarError(f"BEGIN:{open_components[-1]} is never ended: the file is cut off")


def _property(line: str) -> tuple[str, str]:
    """Name without parameters, and value; a quoted parameter may hold a colon."""
    quoted = False
    for position, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ":" and not quoted:
            return line[:position].partition(";")[0].upper(), line[position + 1 :].strip()
    return "", ""


def _closure(event: dict[str, str]) -> Closure:
    name = _ESCAPE.sub(_unescape, event.get("SUMMARY", "")).strip() or "closed"
    repeated = sorted(_REPETITION & event.keys())
    if repeated:
        raise CalendarError(
            f"the event {name!r} repeats ({repeated[0]}): write each closure as its own event"
        )
    if "DTSTART" not in event:
        raise CalendarError(f"the event {name!r} has no DTSTART")
    first = _date(event["DTSTART"], name)
    return Closure(first, _last(event, first, name), name)


def _last(event: dict[str, str], first: date, name: str) -> date:
    """The last closed day: DTEND is the day after it; without an end the event lasts one day."""
    if "DTEND" in event:
        end = _date(event["DTEND"], name)
        # Some programs write the same day twice for one whole day.
        return first if end == first else end - timedelta(days=1)
    if "DURATION" in event:
        match = _DURATION.fullmatch(event["DURATION"])
        if match is None:
            raise CalendarError(f"the event {name!r} does not last whole days: use DTEND")
        days = int(match[1] or 0) * 7 + int(match[2] or 0)
        return first + timedelta(days=max(days, 1) - 1)
    return first


def _date(text: str, name: str) -> date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise CalendarError(
            f"the event {name!r} has the time {text!r}: closures are whole days such as 20261224"
        )
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise CalendarError(
            f"the event {name!r} has the date {text!r}, which no month has"
        ) from None


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] in "nN" else match[1]

"""iCalendar out (RFC 5545), as much as a calendar of deadlines and opening hours needs.

Text is escaped, lines are folded at 75 octets without cutting a character in two, moments are UTC,
and an event keeps its UID, so a subscribed calendar moves it instead of showing it twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

MEDIA_TYPE = "text/calendar; charset=utf-8"
OCTETS_A_LINE = 75
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Event:
    """`start` and `end` are both moments, or both dates; the end is not part of the event."""

    uid: str
    start: datetime | date
    end: datetime | date
    summary: str
    description: str = ""
    busy: bool = False


def calendar(name: str, events: Iterable[Event], *, now: datetime) -> str:
    """The whole calendar as text, with the line ends that the format demands."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Inbound Desk//sla//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
    ]
    for event in events:
        lines += _event(event, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def all_day(uid: str, day: date, summary: str) -> Event:
    return Event(uid, day, day + timedelta(days=1), summary)


def _event(event: Event, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{_moment(now)}"
    yield _when("DTSTART", event.start)
    yield _when("DTEND", event.end)
    yield f"SUMMARY:{_text(event.summary)}"
    if event.description:
        yield f"DESCRIPTION:{_text(event.description)}"
    yield f"TRANSP:{'OPAQUE' if event.busy else 'TRANSPARENT'}"
    yield "END:VEVENT"


def _when(name: str, moment: datetime | date) -> str:
    if isinstance(moment, datetime):
        return f"{name}:{_moment(moment)}"
    return f"{name};VALUE=DATE:{moment:%Y%m%d}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    lines = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    escaped = lines.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    rest = line.encode()
    limit = OCTETS_A_LINE
    prefix = ""
    while len(rest) > limit:
        cut = limit
        while rest[cut] & 0xC0 == 0x80:  # inside a character
            cut -= 1
        yield prefix + rest[:cut].decode()
        rest, prefix, limit = rest[cut:], " ", OCTETS_A_LINE - 1
    yield prefix + rest.decode()

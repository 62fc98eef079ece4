"""iCalendar out: deadlines and opening hours as events, written by the `icalendar` library.

Moments are UTC, and an event keeps its UID, so a subscribed calendar moves it instead of showing it
twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import icalendar

MEDIA_TYPE = "text/calendar; charset=utf-8"
REFRESH_INTERVAL = timedelta(minutes=15)
"""How often a program that subscribes is asked to fetch it again."""
# RFC 5545 has no place for them in a text, and a name in a policy file may hold anything.
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
    made = icalendar.Calendar()
    made.add("VERSION", "2.0")
    made.add("PRODID", "-//Inbound Desk//sla//EN")
    made.add("CALSCALE", "GREGORIAN")
    made.add("METHOD", "PUBLISH")
    made.add("NAME", name)  # RFC 7986, with the older name of it for those who know that
    made.add("X-WR-CALNAME", name)
    made.add("REFRESH-INTERVAL", REFRESH_INTERVAL, parameters={"VALUE": "DURATION"})
    for event in events:
        made.add_component(_event(event, now))
    text: bytes = made.to_ical(sorted=False)
    return text.decode()


def all_day(uid: str, day: date, summary: str) -> Event:
    return Event(uid, day, day + timedelta(days=1), summary)


def _event(event: Event, now: datetime) -> icalendar.Event:
    made = icalendar.Event()
    made.add("UID", event.uid)
    made.add("DTSTAMP", now)
    made.add("DTSTART", event.start)
    made.add("DTEND", event.end)
    made.add("SUMMARY", _CONTROL.sub("", event.summary))
    if event.description:
        made.add("DESCRIPTION", _CONTROL.sub("", event.description))
    made.add("TRANSP", "OPAQUE" if event.busy else "TRANSPARENT")
    return made

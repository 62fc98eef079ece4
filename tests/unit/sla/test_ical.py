"""Closures from an iCalendar text."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain import CalendarError, Closure, closures_from_ical


def ical(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""))


def event(*lines: str) -> str:
    return ical("BEGIN:VEVENT", *lines, "END:VEVENT")


def test_whole_days_with_an_exclusive_end() -> None:
    text = event(
        "UID:1", "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20270102", "SUMMARY:Ferien"
    )
    assert closures_from_ical(text) == (Closure(date(2026, 12, 24), date(2027, 1, 1), "Ferien"),)


def test_without_an_end_it_is_one_day_and_a_duration_is_understood() -> None:
    one = closures_from_ical(event("DTSTART:20261224"))
    week = closures_from_ical(event("DTSTART:20261224", "DURATION:P1W"))
    assert one == (Closure(date(2026, 12, 24), date(2026, 12, 24), "closed"),)
    assert week[0].last == date(2026, 12, 30)


def test_folded_lines_escapes_and_quoted_parameters() -> None:
    text = event(
        'DTSTART;X-NOTE="a:b";VALUE=DATE:20260601',
        "SUMMARY;LANGUAGE=de:Umzug\\, Halle 1\\; und",
        "  Inventur \\\\ Teil\\n2",
    )
    assert closures_from_ical(text)[0].name == "Umzug, Halle 1; und Inventur \\ Teil\n2"


def test_nested_and_foreign_components_are_skipped() -> None:
    text = ical(
        "BEGIN:VTIMEZONE", "TZID:x", "END:VTIMEZONE",
        "BEGIN:VEVENT", "DTSTART:20260601", "SUMMARY:Umzug",
        "BEGIN:VALARM", "SUMMARY:Alarm", "END:VALARM", "END:VEVENT",
        "BEGIN:VEVENT", "DTSTART:20260501", "STATUS:CANCELLED", "END:VEVENT",
    )  # fmt: skip
    assert [closure.name for closure in closures_from_ical(text)] == ["Umzug"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello", "not an iCalendar file"),
        (event("DTSTART:20261224T100000Z", "SUMMARY:Treffen"), "'Treffen' has the time"),
        (event("DTSTART:20261224", "RRULE:FREQ=YEARLY"), r"repeats \(RRULE\)"),
        (event("DTSTART:20261224", "DURATION:PT4H"), "does not last whole days"),
        (event("SUMMARY:x"), "has no DTSTART"),
        (event("DTSTART:20260230"), "which no month has"),
        (event("DTSTART:20261224", "DTEND:20261220"), "before it begins"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261224", "cut off"),
        ("BEGIN:VCALENDAR\nEND:VEVENT", "closes nothing"),
    ],
)
def test_what_it_does_not_understand_it_refuses(text: str, sentence: str) -> None:
    with pytest.raises(CalendarError, match=sentence):
        closures_from_ical(text)


@given(st.text() | st.lists(st.text(max_size=20)).map(lambda lines: event(*lines)))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    with contextlib.suppress(CalendarError):
        closures_from_ical(text)

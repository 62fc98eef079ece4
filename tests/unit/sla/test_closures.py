"""Closures from an iCalendar text."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.businesstime.errors import CalendarError
from services.sla.promises.closures import closures_from_ical


def ical(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""))


def event(*lines: str) -> str:
    return ical("BEGIN:VEVENT", *lines, "END:VEVENT")


def days(text: str) -> list[tuple[date, date, str]]:
    return [(each.first_day, each.last_day, each.name) for each in closures_from_ical(text)]


def test_whole_days_with_an_exclusive_end() -> None:
    text = event(
        "UID:1", "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20270102", "SUMMARY:Ferien"
    )
    assert days(text) == [(date(2026, 12, 24), date(2027, 1, 1), "Ferien")]


def test_without_an_end_it_is_one_day_and_a_duration_is_understood() -> None:
    one = days(event("DTSTART:20261224"))
    ((_, last, _),) = days(event("DTSTART:20261224", "DURATION:P1W"))
    assert one == [(date(2026, 12, 24), date(2026, 12, 24), "closed")]
    assert last == date(2026, 12, 30)


def test_folded_lines_escapes_and_quoted_parameters() -> None:
    text = event(
        'DTSTART;X-NOTE="a:b";VALUE=DATE:20260601',
        "SUMMARY;LANGUAGE=de:Umzug\\, Halle 1\\; und",
        "  Inventur \\\\ Teil\\n2",
    )
    assert closures_from_ical(text)[0].name == "Umzug, Halle 1; und Inventur \\ Teil\n2"


def test_nested_and_foreign_components_are_skipped() -> None:
    text = ical(
        "BEGIN:VTIMEZONE", "TZID:x", "BEGIN:STANDARD", "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0100", "TZOFFSETTO:+0100", "END:STANDARD", "END:VTIMEZONE",
        "BEGIN:VEVENT", "DTSTART:20260601", "SUMMARY:Umzug",
        "BEGIN:VALARM", "SUMMARY:Alarm", "END:VALARM", "END:VEVENT",
        "BEGIN:VEVENT", "DTSTART:20260501", "STATUS:CANCELLED", "END:VEVENT",
    )  # fmt: skip
    assert [closure.name for closure in closures_from_ical(text)] == ["Umzug"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello", "not a whole iCalendar file"),
        ("BEGIN:VEVENT\nDTSTART:20261224\nEND:VEVENT", "begins with VEVENT"),
        (event("DTSTART:20261224T100000Z", "SUMMARY:Treffen"), "'Treffen' has a time of day"),
        (event("DTSTART:20261224", "RRULE:FREQ=YEARLY"), r"repeats \(RRULE\)"),
        (event("DTSTART:20261224", "DURATION:PT4H"), "does not last whole days"),
        (event("SUMMARY:x"), "has no DTSTART"),
        (event("DTSTART:20260230"), "cannot be read: .* 20260230"),
        (event("DTSTART:20261224", "DTSTART:20261225"), "has DTSTART twice"),
        (event("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20280101"), "longer than a year"),
        (event("DTSTART:20261224", "DTEND:20261220"), "before the closure begins"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261224", "not a whole iCalendar file"),
        ("BEGIN:VCALENDAR\nEND:VEVENT", "holds no event"),
    ],
)
def test_what_it_does_not_understand_it_refuses(text: str, sentence: str) -> None:
    with pytest.raises(CalendarError, match=sentence):
        closures_from_ical(text)


@given(st.text() | st.lists(st.text(max_size=20)).map(lambda lines: event(*lines)))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    with contextlib.suppress(CalendarError):
        closures_from_ical(text)

"""The iCalendar text is what calendar programs can read."""

from __future__ import annotations

from datetime import UTC, date, datetime

from services.sla.deadlines import ics
from services.sla.promises.closures import closures_from_ical

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_text_is_escaped_and_lines_end_as_they_must() -> None:
    event = ics.Event("1@desk", NOW, NOW, "a, b; c\\d\r\ne", description="x\x00y")
    lines = ics.calendar("Desk", [event], now=NOW).split("\r\n")
    assert "SUMMARY:a\\, b\\; c\\\\d\\ne" in lines
    assert "DESCRIPTION:xy" in lines
    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR", "")
    assert not any("\n" in line for line in lines)


def test_long_lines_are_folded_between_characters() -> None:
    summary = "ä" * 200
    text = ics.calendar("Desk", [ics.all_day("1@desk", date(2026, 3, 2), summary)], now=NOW)
    lines = text.encode().split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    for line in lines:
        line.decode()
    assert f"SUMMARY:{summary}" in text.replace("\r\n ", "")


def test_a_whole_day_is_read_back_as_the_same_day() -> None:
    text = ics.calendar(
        "Desk", [ics.all_day("1@desk", date(2026, 12, 24), "Heiligabend, ab 12")], now=NOW
    )
    (closure,) = closures_from_ical(text)
    assert (closure.first_day, closure.last_day) == (date(2026, 12, 24), date(2026, 12, 24))
    assert closure.name == "Heiligabend, ab 12"

"""When a channel has been silent for unusually long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.intake.channels.domain import (
    FEWEST_WEEKS,
    MISSED_MESSAGES,
    Usual,
    unusually_silent,
    usual,
)

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
MONDAY = datetime(2026, 11, 23, tzinfo=BERLIN)


def office(weeks: int, messages: int = 4, *, hours: range = range(9, 17)) -> dict[datetime, int]:
    """So many messages in each hour of the working days before Monday."""
    return {
        (MONDAY - WEEK * week + DAY * day + HOUR * hour).astimezone(UTC): messages
        for week in range(1, weeks + 1)
        for day in range(5)
        for hour in hours
    }


def learned(counts: dict[datetime, int]) -> Usual | None:
    return usual(counts, now=MONDAY + 8 * HOUR, zone=BERLIN)


@pytest.mark.parametrize(
    ("last", "now", "silent"),
    [
        (MONDAY + 10 * HOUR, MONDAY + 12.4 * HOUR, False),
        (MONDAY + 10 * HOUR, MONDAY + 12.5 * HOUR, True),
        (MONDAY + 17 * HOUR, MONDAY + DAY + 9 * HOUR, False),  # the night
        (MONDAY + 17 * HOUR, MONDAY + DAY + 11.5 * HOUR, True),  # missed in the morning
        (MONDAY - 2.3 * DAY, MONDAY + 9 * HOUR, False),  # the weekend
        (MONDAY + 17 * HOUR, MONDAY + 4 * DAY, True),
    ],
)
def test_silence_is_unusual_when_ten_messages_usually_come_in_it(
    last: datetime, now: datetime, silent: bool
) -> None:
    assert unusually_silent(last, learned(office(8)), now) is silent


def test_a_short_silence_is_never_unusual() -> None:
    busy, noon = learned(office(8, 1000)), MONDAY + 12 * HOUR
    assert not unusually_silent(noon, busy, noon + timedelta(minutes=29))
    assert unusually_silent(noon, busy, noon + timedelta(minutes=30))


def test_a_channel_with_a_message_a_day_is_missed_after_days() -> None:
    """Though no hour of the week has one usually."""
    counts = {
        (MONDAY - DAY * day + HOUR * (7 * day % 24)).astimezone(UTC): 1 for day in range(1, 57)
    }
    known = learned(counts)
    assert known is not None
    assert not any(known.hours)
    assert not unusually_silent(MONDAY, known, MONDAY + DAY * MISSED_MESSAGES)
    assert unusually_silent(MONDAY, known, MONDAY + DAY * (MISSED_MESSAGES + 1))


def test_with_too_few_weeks_nothing_is_known() -> None:
    assert learned({}) is None
    assert learned(office(FEWEST_WEEKS - 1)) is None
    assert learned(office(FEWEST_WEEKS)) is not None
    assert not unusually_silent(MONDAY, None, MONDAY + 30 * DAY)
    assert not unusually_silent(None, learned(office(8)), MONDAY + 12 * HOUR)


def test_one_day_of_a_thousand_messages_makes_nothing_usual() -> None:
    counts = office(8, 0) | {(MONDAY - WEEK + 10 * HOUR).astimezone(UTC): 1000}
    known = learned(counts)
    assert known is not None
    assert known.gap(MONDAY + 10 * HOUR) is None


def test_the_usual_gap_is_that_of_the_local_hour() -> None:
    known = learned(office(8))
    assert known is not None
    assert known.gap(MONDAY + 9.5 * HOUR) == timedelta(minutes=15)
    assert known.gap((MONDAY + 16.9 * HOUR).astimezone(UTC)) == timedelta(minutes=15)
    assert known.gap(MONDAY + 17 * HOUR) is None
    summer = datetime(2027, 6, 7, 9, 30, tzinfo=BERLIN)
    assert known.gap(summer) == timedelta(minutes=15)


def test_a_silence_of_years_costs_no_more_than_one_of_weeks() -> None:
    known = learned(office(8))
    assert known is not None
    years = known.between(MONDAY - 3000 * DAY, MONDAY)
    assert years == known.between(MONDAY - 8 * WEEK, MONDAY) == pytest.approx(8 * 5 * 8 * 4)

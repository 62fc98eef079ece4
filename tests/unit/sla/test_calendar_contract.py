"""The written contract of the calendar, sentence by sentence."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.sla.businesstime.calendar import BusinessCalendar, calendar_for
from services.sla.businesstime.errors import BeyondHorizonError, CalendarError
from services.sla.businesstime.hours import Interval
from services.sla.businesstime.rules import Closure, Override, Reason
from tests.unit.sla.builders import (
    BERLIN,
    HOUR,
    NINE_TO_FIVE,
    at,
    berlin,
    calendar_rules,
    hours,
    local,
)


def test_add_lands_on_the_closing_instant_and_subtract_on_the_opening() -> None:
    calendar = berlin()
    assert calendar.add(at("2026-03-02 09:00"), 8 * HOUR) == at("2026-03-02 17:00")
    assert calendar.subtract(at("2026-03-03 17:00"), 8 * HOUR) == at("2026-03-03 09:00")
    assert calendar.add(at("2026-03-03 17:00"), -8 * HOUR) == at("2026-03-03 09:00")


def test_zero_budget_is_the_identity_in_utc() -> None:
    saturday = datetime(2026, 3, 7, 12, tzinfo=BERLIN)
    for moved in (berlin().add(saturday, timedelta(0)), berlin().subtract(saturday, timedelta(0))):
        assert moved == saturday
        assert moved.tzinfo is UTC


def test_microseconds_are_kept() -> None:
    start = at("2026-03-06 16:59:59.999999")
    assert berlin().add(start, timedelta(microseconds=3)) == at("2026-03-09 09:00:00.000002")


def test_intervals_are_half_open() -> None:
    calendar = berlin()
    assert calendar.is_open(at("2026-03-02 09:00"))
    assert not calendar.is_open(at("2026-03-02 17:00"))
    assert calendar.next_open(at("2026-03-02 17:00")) == at("2026-03-03 09:00")
    assert calendar.last_open(at("2026-03-02 20:00")) == at("2026-03-02 17:00")
    assert calendar.last_open(at("2026-03-03 09:00")) == at("2026-03-03 09:00")


@pytest.mark.parametrize(
    ("day", "hours", "spring", "autumn"),
    [
        ("sun", "00:00-10:00", 9, 11),
        ("sun", "02:00-03:00", 0, 2),
        ("sun", "01:00-02:30", 1, 1.5),
        ("sun", "02:30-04:00", 1, 2.5),
        ("sun", "00:00-24:00", 23, 25),
        ("sat", "22:00-06:00+1", 7, 9),
        ("sun", "09:00-17:00", 8, 8),
    ],
)
def test_missing_hour_is_not_counted_and_repeated_hour_counts_twice(
    day: str, hours: str, spring: float, autumn: float
) -> None:
    calendar = berlin({day: [hours]})
    assert calendar.elapsed(at("2026-03-28 12:00"), at("2026-03-30 12:00")) == spring * HOUR
    assert calendar.elapsed(at("2026-10-24 12:00"), at("2026-10-26 12:00")) == autumn * HOUR


def test_a_missing_midnight_is_the_instant_of_the_jump() -> None:
    week = {"sat": ["00:00-24:00"], "sun": ["00:00-02:00"]}
    calendar = calendar_for(calendar_rules("Asia/Beirut", week), 2026, 2026)
    jump = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert calendar.day(date(2026, 3, 29)).hours == (Interval(0, 7200),)
    assert calendar.segments(jump - HOUR, jump + 3 * HOUR) == [(jump - HOUR, jump + HOUR)]


def test_nights_belong_to_the_day_they_begin_on() -> None:
    week = {day: ["22:00-06:00+1"] for day in ("mon", "tue", "wed", "thu", "fri")}
    holiday = Closure(date(2026, 3, 4), date(2026, 3, 4), "Betriebsversammlung")
    calendar = berlin(week, closures=(holiday,))
    pieces = calendar.segments(at("2026-03-02 12:00"), at("2026-03-08 12:00"))
    assert [(local(a), local(b)) for a, b in pieces] == [
        ("Mon 2026-03-02 22:00", "Tue 2026-03-03 06:00"),
        ("Tue 2026-03-03 22:00", "Wed 2026-03-04 00:00"),
        ("Thu 2026-03-05 22:00", "Fri 2026-03-06 06:00"),
        ("Fri 2026-03-06 22:00", "Sat 2026-03-07 06:00"),
    ]


def test_an_override_beats_holiday_closure_and_week() -> None:
    calendar = berlin(
        closures=(Closure(date(2026, 12, 21), date(2026, 12, 31), "Betriebsferien"),),
        overrides=(
            Override(date(2026, 12, 24), hours("09:00-12:00"), "Heiligabend"),
            Override(date(2026, 12, 26), hours("10:00-11:00")),
            Override(date(2026, 12, 18), (), "Umzug"),
        ),
    )
    pieces = calendar.segments(at("2026-12-18 00:00"), at("2027-01-01 00:00"))
    assert [local(a) for a, _ in pieces] == ["Thu 2026-12-24 09:00", "Sat 2026-12-26 10:00"]
    assert calendar.day(date(2026, 12, 18)).name == "Umzug"
    assert calendar.day(date(2026, 12, 25)).name == "Erster Weihnachtstag"
    assert calendar.day(date(2026, 12, 28)).reason is Reason.CLOSURE


def test_explain_names_every_reason() -> None:
    calendar = berlin(closures=(Closure(date(2026, 3, 10), date(2026, 3, 10), "Klausur"),))
    spans = calendar.explain(at("2026-03-06 16:00"), at("2026-03-11 10:00"))
    assert [(local(span.start), span.counted, span.because) for span in spans] == [
        ("Fri 2026-03-06 16:00", True, "open"),
        ("Fri 2026-03-06 17:00", False, "outside opening hours"),
        ("Sat 2026-03-07 00:00", False, "weekend"),
        ("Sun 2026-03-08 00:00", False, "Frauentag"),
        ("Mon 2026-03-09 00:00", False, "outside opening hours"),
        ("Mon 2026-03-09 09:00", True, "open"),
        ("Mon 2026-03-09 17:00", False, "outside opening hours"),
        ("Tue 2026-03-10 00:00", False, "Klausur"),
        ("Wed 2026-03-11 00:00", False, "outside opening hours"),
        ("Wed 2026-03-11 09:00", True, "open"),
    ]


def test_a_closed_weekday_is_not_called_weekend() -> None:
    calendar = berlin({"mon": ["09:00-17:00"]})
    assert calendar.day(date(2026, 3, 3)).reason is Reason.CLOSED_WEEKDAY
    assert calendar.day(date(2026, 3, 7)).reason is Reason.WEEKEND


@pytest.mark.parametrize("name", ["add", "subtract", "is_open", "next_open", "last_open"])
def test_a_time_without_zone_is_refused(name: str) -> None:
    arguments = (HOUR,) if name in {"add", "subtract"} else ()
    with pytest.raises(CalendarError, match="has no time zone: pass an aware datetime"):
        getattr(berlin(), name)(datetime(2026, 3, 2, 10), *arguments)  # noqa: DTZ001


@pytest.mark.parametrize("name", ["elapsed", "segments", "explain"])
def test_a_span_without_zone_is_refused(name: str) -> None:
    naive, aware = datetime(2026, 3, 2, 10), at("2026-03-02 11:00")  # noqa: DTZ001
    for first, second in ((naive, aware), (aware, naive), (naive, naive)):
        with pytest.raises(CalendarError, match="has no time zone"):
            getattr(berlin(), name)(first, second)


def test_beyond_the_horizon_is_an_error_not_a_loop() -> None:
    calendar = berlin(years=(2026, 2026))
    outside = at("2027-03-02 10:00")
    with pytest.raises(BeyondHorizonError, match=r"lies outside the calendar, which reaches"):
        calendar.add(outside, HOUR)
    with pytest.raises(BeyondHorizonError, match="leaves the calendar"):
        calendar.add(at("2026-12-31 10:00"), 100 * HOUR)
    with pytest.raises(BeyondHorizonError, match="leaves the calendar"):
        calendar.subtract(at("2026-01-02 10:00"), 100 * HOUR)
    with pytest.raises(BeyondHorizonError):
        calendar.is_open(datetime.max.replace(tzinfo=UTC))
    with pytest.raises(BeyondHorizonError):
        calendar.segments(outside, outside + HOUR)
    with pytest.raises(BeyondHorizonError):
        calendar.day(date(2027, 1, 1))


def test_a_calendar_that_never_opens_cannot_be_built() -> None:
    with pytest.raises(CalendarError, match="never opens from 2026 to 2026"):
        BusinessCalendar.build(calendar_rules("UTC", {}), 2026, 2026)
    everything = Closure(date(2025, 1, 1), date(2027, 12, 31), "closed")
    with pytest.raises(CalendarError, match="never opens"):
        BusinessCalendar.build(
            calendar_rules("UTC", NINE_TO_FIVE, closures=(everything,)), 2026, 2026
        )


def test_touching_intervals_are_one() -> None:
    calendar = berlin({"mon": ["09:00-12:00", "12:00-17:00"]})
    assert len(calendar.segments(at("2026-03-02 00:00"), at("2026-03-03 00:00"))) == 1


def test_equal_rules_share_one_calendar_between_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = set(
            pool.map(lambda _: berlin().add(at("2026-03-06 15:00"), 24 * HOUR), range(200))
        )
    assert answers == {at("2026-03-11 15:00")}
    assert berlin() is berlin()


def test_input_zone_only_names_the_instant() -> None:
    tokyo = at("2026-03-02 10:00").astimezone(ZoneInfo("Asia/Tokyo"))
    assert berlin().add(tokyo, HOUR) == at("2026-03-02 11:00")

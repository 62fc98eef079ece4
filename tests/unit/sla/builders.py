"""Calendars, instants and promises for the tests, each with defaults that are the shipped ones."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.sla.businesstime.calendar import BusinessCalendar, calendar_for
from services.sla.businesstime.counting import Counting
from services.sla.businesstime.holidays_source import Region
from services.sla.businesstime.hours import Interval, Week
from services.sla.businesstime.rules import CalendarRules, Closure, Override
from services.sla.promises.promise import Promise
from shared.policy.values import parse_interval

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NINE_TO_FIVE = {day: ["09:00-17:00"] for day in WEEKDAYS[:5]}
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


def berlin(
    week: dict[str, list[str]] | None = None,
    *,
    closures: tuple[Closure, ...] = (),
    overrides: tuple[Override, ...] = (),
    years: tuple[int, int] = (2024, 2028),
) -> BusinessCalendar:
    rules = calendar_rules(
        "Europe/Berlin",
        NINE_TO_FIVE if week is None else week,
        region=Region("DE", "BE", "de"),
        closures=closures,
        overrides=overrides,
    )
    return calendar_for(rules, *years)


def calendar_rules(
    zone: str,
    week: Mapping[str, Iterable[str]],
    *,
    region: Region | None = None,
    closures: tuple[Closure, ...] = (),
    overrides: tuple[Override, ...] = (),
) -> CalendarRules:
    """From hours as the policy file writes them; a weekday that is left out is closed."""
    days = Week(tuple(hours(*week.get(day, ())) for day in WEEKDAYS))
    return CalendarRules(zone, days, region, closures, overrides)


def hours(*intervals: str) -> tuple[Interval, ...]:
    read = (parse_interval(each) for each in intervals)
    return tuple(sorted(Interval(each.opens * 60, each.closes * 60) for each in read))


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """`2026-03-02 10:00` by the clocks of the zone, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def local(instant: datetime, zone: ZoneInfo = BERLIN) -> str:
    return instant.astimezone(zone).strftime("%a %Y-%m-%d %H:%M")


def promise(counting: Counting = Counting.WORKING_DAYS, target: timedelta = DAY) -> Promise:
    return Promise(name="public", first_answer=target, counting=counting)

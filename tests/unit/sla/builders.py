"""Calendars, instants and promises for the tests, each with defaults that are the shipped ones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.sla.businesstime.calendar import BusinessCalendar, calendar_for
from services.sla.businesstime.counting import Counting
from services.sla.businesstime.holidays_source import Region
from services.sla.businesstime.rules import CalendarRules, Closure, Override
from services.sla.promises.promise import Promise

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


def berlin(
    week: dict[str, list[str]] | None = None,
    *,
    closures: tuple[Closure, ...] = (),
    overrides: tuple[Override, ...] = (),
    years: tuple[int, int] = (2024, 2028),
) -> BusinessCalendar:
    rules = CalendarRules.of(
        "Europe/Berlin",
        NINE_TO_FIVE if week is None else week,
        region=Region("DE", "BE", "de"),
        closures=closures,
        overrides=overrides,
    )
    return calendar_for(rules, *years)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """`2026-03-02 10:00` by the clocks of the zone, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def local(instant: datetime, zone: ZoneInfo = BERLIN) -> str:
    return instant.astimezone(zone).strftime("%a %Y-%m-%d %H:%M")


def promise(counting: Counting = Counting.WORKING_DAYS, target: timedelta = DAY) -> Promise:
    return Promise(name="public", first_answer=target, counting=counting)

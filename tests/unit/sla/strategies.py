"""Random calendars, together with the plain description a reference can be computed from."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.hours import Interval, Week
from services.sla.businesstime.rules import CalendarRules, Closure, Override
from tests.unit.sla.builders import BERLIN

CALENDARS = 600
YEAR = 2026
QUARTER = 15 * 60
DAY_QUARTERS = 96

# Ordinary zones, a half-hour shift (Lord Howe), a missing midnight (Beirut), no shifts at all.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "Asia/Kolkata",
    "UTC",
)
# Around these days of 2026 the zones above change their clocks, or the year ends.
FOCUS = tuple(
    date(YEAR, *day) for day in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1), (6, 17))
)


@dataclass(frozen=True, eq=False)
class Described:
    """A calendar and the rules it was built from, as a reader would write them down."""

    number: int
    calendar: BusinessCalendar
    zone: ZoneInfo
    week: tuple[tuple[Interval, ...], ...]
    closed: frozenset[date]
    dated: dict[date, tuple[Interval, ...]]
    around: date

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:  # noqa: ARG002 - the printer's protocol
        printer.text(f"calendar_number({self.number})")


def described() -> st.SearchStrategy[Described]:
    """One of many random calendars; each is known by its number, so that a failure repeats."""
    return st.integers(0, CALENDARS - 1).map(calendar_number)


@cache
def calendar_number(number: int) -> Described:
    dice = Random(number)
    zone = ZONES[number % len(ZONES)]
    week: tuple[tuple[Interval, ...], ...] = ((),)
    while not any(week):
        week = _without_overlap([_day_intervals(dice) for _ in range(7)])
    around = dice.choice(FOCUS)
    nearby = [around + timedelta(days) for days in range(-3, 4)]
    closed = frozenset(dice.sample(nearby, dice.randrange(3)))
    dated = {day: _day_intervals(dice) for day in dice.sample(nearby, dice.randrange(3))}
    rules = CalendarRules(
        zone,
        Week(week),
        closures=tuple(Closure(day, day, "closed") for day in sorted(closed)),
        overrides=tuple(Override(day, hours) for day, hours in sorted(dated.items())),
    )
    calendar = BusinessCalendar.build(rules, YEAR, YEAR)
    return Described(number, calendar, ZoneInfo(zone), week, closed, dated, around)


def _day_intervals(dice: Random) -> tuple[Interval, ...]:
    marks = sorted(dice.sample(range(DAY_QUARTERS + 1), dice.choice((0, 2, 2, 4))))
    pairs = list(zip(marks[::2], marks[1::2], strict=True))
    if pairs and dice.random() < 0.4:
        opens, _ = pairs[-1]
        pairs[-1] = (opens, DAY_QUARTERS + dice.randrange(max(1, min(opens, 40))))
    return tuple(Interval(a * QUARTER, b * QUARTER) for a, b in pairs)


def _without_overlap(days: list[tuple[Interval, ...]]) -> tuple[tuple[Interval, ...], ...]:
    """Let a night end where the next day's hours begin."""
    whole_day = DAY_QUARTERS * QUARTER
    for index, hours in enumerate(days):
        tomorrow = days[(index + 1) % 7]
        if hours and tomorrow:
            last = hours[-1]
            latest = max(whole_day, min(last.closes, tomorrow[0].opens + whole_day))
            days[index] = (*hours[:-1], Interval(last.opens, min(last.closes, latest)))
    return tuple(days)


def instants() -> st.SearchStrategy[datetime]:
    """Aware instants in Berlin, exact to the microsecond, often on the full minute."""
    exact = st.datetimes(
        min_value=datetime(YEAR, 2, 1),  # noqa: DTZ001 - the zone is drawn with it
        max_value=datetime(YEAR, 11, 30),  # noqa: DTZ001 - the zone is drawn with it
        timezones=st.just(BERLIN),
        allow_imaginary=False,
    )
    return exact | exact.map(lambda moment: moment.replace(second=0, microsecond=0))


def spans(most: timedelta = timedelta(days=10)) -> st.SearchStrategy[timedelta]:
    exact = st.timedeltas(min_value=timedelta(0), max_value=most)
    quarters = st.integers(0, int(most.total_seconds()) // QUARTER)
    return exact | quarters.map(lambda count: timedelta(seconds=count * QUARTER))

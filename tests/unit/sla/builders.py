"""Calendars, instants and promises for the tests, each with defaults that are the shipped ones."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.sla.businesstime.calendar import BusinessCalendar, calendar_for
from services.sla.businesstime.counting import Counting
from services.sla.businesstime.holidays_source import Region
from services.sla.businesstime.hours import Interval, Week
from services.sla.businesstime.rules import CalendarRules, Closure, Override
from services.sla.clocks import evolve as clocks
from services.sla.clocks import explanation, notices
from services.sla.clocks.events import ClockEvent, Moved, Started
from services.sla.promises.promise import Explanation, Promise, TargetKind, Terms
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


_TERMS: dict[str, Terms] = {}


def terms(promise: Promise, calendar: BusinessCalendar) -> Terms:
    """Kept under a key made of its contents, so that clocks can be evolved by it."""
    key = f"{hash((promise, calendar.rules)):x}"
    return _TERMS.setdefault(key, Terms(key, promise, calendar))


def terms_of(key: str, _promise: str) -> Terms:
    return _TERMS[key]


def start(
    promise: Promise,
    calendar: BusinessCalendar,
    received_at: datetime,
    *,
    target: TargetKind = TargetKind.FIRST_ANSWER,
    window_ends_at: datetime | None = None,
) -> Started:
    known = terms(promise, calendar)
    return clocks.start(known, received_at, target=target, window_ends_at=window_ends_at)


def evolve(events: Iterable[ClockEvent], as_of: datetime) -> clocks.ClockState:
    return clocks.evolve(events, terms_of, as_of)


def move(
    events: Iterable[ClockEvent],
    promise: Promise,
    *,
    calendar: BusinessCalendar,
    at: datetime,
    reason: str = "policy changed",
) -> Moved | None:
    return clocks.move(events, terms(promise, calendar), terms_of=terms_of, at=at, reason=reason)


def clock_explanations(events: Iterable[ClockEvent], as_of: datetime) -> tuple[Explanation, ...]:
    return explanation.clock_explanations(events, terms_of, as_of)


def pending_notices(
    events: Iterable[ClockEvent],
    now: datetime,
    *,
    sent: Collection[notices.NoticeKey] = frozenset(),
    window_lead: timedelta = notices.WINDOW_LEAD,
) -> notices.DueNotices:
    """What the clock owes at `now`, without what was `sent`."""
    return notices.due_notices(evolve(events, now), sent=sent, window_lead=window_lead)


def promise(counting: Counting = Counting.WORKING_DAYS, target: timedelta = DAY) -> Promise:
    return Promise(name="public", first_answer=target, counting=counting)

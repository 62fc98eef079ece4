"""Business time, right to the second.

The contract (docs/business-time.md explains each sentence):

- Every datetime that comes in carries a zone, every datetime that goes out is UTC. A datetime
  without a zone is a CalendarError. Microseconds are kept exactly.
- Intervals are half open: the opening instant is open, the closing instant is not.
- Opening hours are turned into UTC instants. An hour that does not exist is not counted, an hour
  that exists twice counts twice; an opening or closing time inside the repeated hour means its
  first occurrence, inside the missing hour the instant of the jump.
- `add` lands where the budget is exactly spent: on the closing instant, not on the next opening.
  `subtract` is its mirror and lands on the opening instant. A zero budget changes nothing, a
  negative one is the other function. `elapsed(a, add(a, d)) == d` for every a and d.
- `elapsed(b, a) == -elapsed(a, b)`.
- A calendar that never opens in its years cannot be built. Outside its years it answers nothing:
  BeyondHorizonError, never a loop and never a guess.

Everything is computed when the calendar is built; afterwards nothing changes, so one calendar
serves any number of threads, and the cost of a question does not depend on the length of a span.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

from services.sla.businesstime.errors import CalendarError
from services.sla.businesstime.holidays_source import public_holidays
from services.sla.businesstime.instants import (
    DAY_SECONDS,
    EPOCH,
    ZERO,
    since_epoch,
    wall_clock,
    zoneless,
)
from services.sla.businesstime.rules import Almanac, CalendarRules, Day, Reason
from services.sla.businesstime.timeline import Timeline

_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """An interval [start, end) in UTC, whether it counted, and why."""

    start: datetime
    end: datetime
    counted: bool
    reason: Reason
    name: str = ""

    @property
    def because(self) -> str:
        """The name where there is one (`Frauentag`), otherwise the kind of reason."""
        return self.name or self.reason.value


@dataclass(frozen=True, slots=True, eq=False)
class BusinessCalendar:
    """Opening hours as instants, for the years `first_year` to `last_year`, both included."""

    rules: CalendarRules
    first_year: int
    last_year: int
    zone: ZoneInfo = field(repr=False)
    almanac: Almanac = field(repr=False)
    hours: Timeline = field(repr=False)
    days: Timeline = field(repr=False)

    @classmethod
    def build(cls, rules: CalendarRules, first_year: int, last_year: int) -> Self:
        """Turn the rules into instants; CalendarError when there is not one open second."""
        if not 1900 <= first_year <= last_year <= 9000:
            raise CalendarError(
                f"the years {first_year} to {last_year} are no range within 1900 to 9000"
            )
        zone = ZoneInfo(rules.zone)
        names: Mapping[date, str] = (
            {}
            if rules.region is None
            else public_holidays(rules.region, range(first_year - 1, last_year + 2))
        )
        if rules.holidays is not None:
            names = rules.holidays.over(names)
        almanac = Almanac(rules, names)
        hours, days = _timelines(almanac, zone, date(first_year, 1, 1), date(last_year + 1, 1, 1))
        if not hours.starts:
            raise CalendarError(
                f"the calendar never opens from {first_year} to {last_year}:"
                " give at least one weekday opening hours"
            )
        return cls(rules, first_year, last_year, zone, almanac, hours, days)

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """The instant at which `duration` of opening time after `start` is spent."""
        try:
            moment = start - EPOCH
        except TypeError:
            raise zoneless(start) from None
        try:
            if duration > ZERO:
                return EPOCH + self.hours.advance(moment, duration)
            if duration < ZERO:
                return EPOCH + self.hours.retreat(moment, -duration)
        except OverflowError:
            raise self.hours.exhausted(moment) from None
        return EPOCH + moment

    def subtract(self, end: datetime, duration: timedelta) -> datetime:
        """The instant from which `duration` of opening time remains until `end`."""
        return self.add(end, -duration)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The opening time between two instants, negative when `end` is earlier."""
        try:
            return self.hours.count(end - EPOCH) - self.hours.count(start - EPOCH)
        except TypeError:
            raise zoneless(end if end.utcoffset() is None else start) from None

    def is_open(self, instant: datetime) -> bool:
        return self.hours.covers(since_epoch(instant))

    def next_open(self, instant: datetime) -> datetime:
        """`instant` itself when open, otherwise the next opening."""
        return EPOCH + self.hours.at_or_after(since_epoch(instant))

    def last_open(self, instant: datetime) -> datetime:
        """The last moment of opening hours not later than `instant`; a closing instant is one."""
        return EPOCH + self.hours.at_or_before(since_epoch(instant))

    def segments(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The open intervals within [start, end), in UTC and in order."""
        pieces = self.hours.between(since_epoch(start), since_epoch(end))
        return [_in_utc(*piece) for piece in pieces]

    def explain(self, start: datetime, end: datetime) -> list[Span]:
        """[start, end) without a gap: what was open, and why the rest was not."""
        return self._spans(self.hours, Reason.OPEN, start, end)

    def explain_days(self, start: datetime, end: datetime) -> list[Span]:
        """[start, end) without a gap: which whole days were working days, and why not the rest."""
        return self._spans(self.days, Reason.WORKING_DAY, start, end)

    def day(self, day: date) -> Day:
        """What a local date is: its hours, or the reason and name for having none."""
        if not self.first_year <= day.year <= self.last_year:
            raise self.hours.beyond(wall_clock(self.zone, day, 0))
        return self.almanac.day(day)

    def holidays(self, first: date, last: date) -> list[tuple[date, str]]:
        """Public holidays with their names, `first` and `last` included, within its years."""
        return [
            (day, name)
            for day, name in self.almanac.holidays.items()
            if first <= day <= last and self.first_year <= day.year <= self.last_year
        ]

    def _spans(
        self, timeline: Timeline, counted: Reason, start: datetime, end: datetime
    ) -> list[Span]:
        begin, finish = since_epoch(start), since_epoch(end)
        spans: list[Span] = []
        reached = begin
        for opening, closing in timeline.between(begin, finish):
            spans += self._gap(reached, opening)
            for _, *piece in self._by_date(opening, closing):
                spans.append(Span(*_in_utc(*piece), counted=True, reason=counted))
            reached = closing
        spans += self._gap(reached, finish)
        return _joined(spans)

    def _gap(self, start: timedelta, end: timedelta) -> Iterator[Span]:
        for today, *piece in self._by_date(start, end):
            day = self.almanac.day(today)
            if day.reason is Reason.OPEN:
                yield Span(*_in_utc(*piece), counted=False, reason=Reason.OUTSIDE_HOURS)
            else:
                yield Span(*_in_utc(*piece), counted=False, reason=day.reason, name=day.name)

    def _by_date(
        self, start: timedelta, end: timedelta
    ) -> Iterator[tuple[date, timedelta, timedelta]]:
        """Cut at local midnights; a date begins at its first midnight, as in the timelines."""
        today = (EPOCH + start).astimezone(self.zone).date()
        while start < end:
            midnight = wall_clock(self.zone, today + _ONE_DAY, 0)
            if midnight > start:
                yield today, start, min(midnight, end)
                start = min(midnight, end)
            today += _ONE_DAY


@lru_cache(maxsize=64)
def calendar_for(rules: CalendarRules, first_year: int, last_year: int) -> BusinessCalendar:
    """The calendar of these rules and years, built once and then shared.

    Building takes about ten milliseconds for six years. CalendarError as in `build`.
    """
    return BusinessCalendar.build(rules, first_year, last_year)


def _timelines(
    almanac: Almanac, zone: ZoneInfo, first: date, end: date
) -> tuple[Timeline, Timeline]:
    """Opening hours and whole working days as instants, for the dates from `first` until `end`."""
    hours: list[tuple[timedelta, timedelta]] = []
    days: list[tuple[timedelta, timedelta]] = []
    today, midnight = first - _ONE_DAY, wall_clock(zone, first - _ONE_DAY, 0)
    rule = almanac.day(today)
    while today < end:
        tomorrow = today + _ONE_DAY
        next_midnight, next_rule = wall_clock(zone, tomorrow, 0), almanac.day(tomorrow)
        limit = DAY_SECONDS if next_rule.closed_all_day else 2 * DAY_SECONDS
        steady = next_midnight - midnight == _ONE_DAY
        for interval in rule.hours:
            closes = min(interval.closes, limit)
            if steady and closes <= DAY_SECONDS:  # no clock change: cheaper than asking the zone
                opening = midnight + timedelta(seconds=interval.opens)
                closing = midnight + timedelta(seconds=closes)
            else:
                opening = wall_clock(zone, today, interval.opens)
                closing = wall_clock(zone, today, closes)
            hours.append((opening, closing))
        if rule.hours:
            days.append((midnight, next_midnight))
        today, midnight, rule = tomorrow, next_midnight, next_rule
    horizon = wall_clock(zone, first, 0), wall_clock(zone, end, 0)
    return Timeline.of(hours, *horizon), Timeline.of(days, *horizon)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbours with the same reason become one; counted time stays apart by day."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and not span.counted and _alike(last, span):
            joined[-1] = Span(last.start, span.end, span.counted, span.reason, span.name)
        else:
            joined.append(span)
    return joined


def _alike(first: Span, second: Span) -> bool:
    return (first.counted, first.reason, first.name) == (
        second.counted,
        second.reason,
        second.name,
    )


def _in_utc(start: timedelta, end: timedelta) -> tuple[datetime, datetime]:
    return EPOCH + start, EPOCH + end

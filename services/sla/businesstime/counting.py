"""The three ways to count a promised time, and where each one ends.

`working-days` is the published promise: the time runs on whole working days, from local midnight
to local midnight in real seconds (a working day on which the clocks change has 23 or 25 hours),
and the deadline is the last moment of opening hours that is not later than its end. A working day
is a date that has opening hours of its own. When nobody was open between the start and that end,
the deadline is the next opening: the first moment at which an answer is possible at all. So a
later start never has an earlier deadline.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from services.sla.businesstime.calendar import BusinessCalendar, Span
from services.sla.businesstime.instants import EPOCH, as_utc, since_epoch
from services.sla.businesstime.rules import Reason


class Counting(StrEnum):
    """Which time counts towards a target."""

    WORKING_DAYS = "working-days"
    OPENING_HOURS = "opening-hours"
    WALL_CLOCK = "wall-clock"


def runs_out(
    counting: Counting, calendar: BusinessCalendar, *, start: datetime, budget: timedelta
) -> datetime:
    """The instant at which `budget` of counted time is spent, in UTC."""
    match counting:
        case Counting.OPENING_HOURS:
            return calendar.add(start, budget)
        case Counting.WALL_CLOCK:
            try:
                return as_utc(start) + budget
            except OverflowError:
                raise calendar.hours.exhausted(since_epoch(start)) from None
        case Counting.WORKING_DAYS:
            if not budget:
                return as_utc(start)
            return EPOCH + calendar.days.advance(since_epoch(start), budget)


def deadline(
    counting: Counting, calendar: BusinessCalendar, *, start: datetime, budget: timedelta
) -> datetime:
    """The last instant at which an answer is in time, in UTC."""
    end = runs_out(counting, calendar, start=start, budget=budget)
    return pulled_back(calendar, start, end) if counting is Counting.WORKING_DAYS else end


def pulled_back(calendar: BusinessCalendar, start: datetime, end: datetime) -> datetime:
    """The last open moment after `start` and not later than `end`, else the next opening."""
    last = calendar.last_open(end)
    return last if last > start else calendar.next_open(end)


def counted(
    counting: Counting, calendar: BusinessCalendar, *, start: datetime, end: datetime
) -> timedelta:
    """How much time counted between two instants, negative when `end` is earlier."""
    match counting:
        case Counting.OPENING_HOURS:
            return calendar.elapsed(start, end)
        case Counting.WALL_CLOCK:
            return as_utc(end) - as_utc(start)
        case Counting.WORKING_DAYS:
            return calendar.days.count(since_epoch(end)) - calendar.days.count(since_epoch(start))


def spans(
    counting: Counting, calendar: BusinessCalendar, *, start: datetime, end: datetime
) -> list[Span]:
    """[start, end) without a gap, each piece counted or not, with its reason."""
    match counting:
        case Counting.OPENING_HOURS:
            return calendar.explain(start, end)
        case Counting.WORKING_DAYS:
            return calendar.explain_days(start, end)
        case Counting.WALL_CLOCK:
            first, last = as_utc(start), as_utc(end)
            if first >= last:
                return []
            return [Span(first, last, counted=True, reason=Reason.EVERY_HOUR)]

"""When a channel has been silent for unusually long, by what usually comes.

What usually comes in an hour of the week is the median of that hour in the last weeks: one busy day
changes it as little as one day of silence, and a channel on which nobody writes at night misses
nothing then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from statistics import median

MOST_WEEKS = 8
FEWEST_WEEKS = 3
"""With fewer it is not known what is usual."""
MISSED_MESSAGES = 10
SHORTEST_SILENCE = timedelta(minutes=30)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
HOURS_OF_WEEK = 168


@dataclass(frozen=True, slots=True)
class Usual:
    """How many messages usually come in each hour of the local week, Monday from midnight first,
    and on each weekday, Monday first.

    A day is no sum of its hours: of a channel with one message a day nobody knows the hour.
    """

    hours: Sequence[float]
    days: Sequence[float]
    zone: tzinfo

    def gap(self, now: datetime) -> timedelta | None:
        """Between two messages at this time of the week; None where usually none comes."""
        messages = self.hours[hour_of_week(now.astimezone(self.zone))]
        return HOUR / messages if messages else None

    def between(self, since: datetime, until: datetime) -> float:
        """How many messages usually come in that span, of which the last weeks count."""
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        since = max(since, until - MOST_WEEKS * WEEK)
        return max(self._by_hours(since, until), self._by_days(since, until))

    def _by_hours(self, since: datetime, until: datetime) -> float:
        messages, at = 0.0, since
        while at < until:
            end = min(beginning_of_hour(at) + HOUR, until)
            messages += self.hours[hour_of_week(at.astimezone(self.zone))] * ((end - at) / HOUR)
            at = end
        return messages

    def _by_days(self, since: datetime, until: datetime) -> float:
        """Of whole days alone."""
        day, last = since.astimezone(self.zone).date() + DAY, until.astimezone(self.zone).date()
        messages = 0.0
        while day < last:
            messages += self.days[day.weekday()]
            day += DAY
        return messages


def usual(counts: Mapping[datetime, int], *, now: datetime, zone: tzinfo) -> Usual | None:
    """From the messages that came in each hour (UTC, its beginning); None as long as they are of
    too few weeks. Whole days before today count.
    """
    if not counts:
        return None
    today = now.astimezone(zone).date()
    weeks = min(MOST_WEEKS, (today - min(counts).astimezone(zone).date()).days // 7)
    if weeks < FEWEST_WEEKS:
        return None
    hours = [[0] * weeks for _ in range(HOURS_OF_WEEK)]
    days = [[0] * weeks for _ in range(7)]
    for hour, messages in counts.items():
        local = hour.astimezone(zone)
        week = _weeks_ago(local.date(), today)
        if 0 <= week < weeks:
            hours[hour_of_week(local)][week] += messages
            days[local.weekday()][week] += messages
    return Usual([float(median(each)) for each in hours], [float(median(d)) for d in days], zone)


def unusually_silent(last: datetime | None, known: Usual | None, now: datetime) -> bool:
    """Whether so much usually comes in the time since the last message that it should be missed."""
    if last is None or known is None or now - last < SHORTEST_SILENCE:
        return False
    return known.between(last, now) >= MISSED_MESSAGES


def hour_of_week(local: datetime) -> int:
    return local.weekday() * 24 + local.hour


def beginning_of_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _weeks_ago(day: date, today: date) -> int:
    """0 for the seven days before today; negative for today."""
    return ((today - day).days - 1) // 7


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in quarantine."""

    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class PollState:
    """Of a channel that is polled: when it last was, how far it is behind, why it failed last."""

    last_at: datetime | None = None
    lag_seconds: float | None = None
    last_error: str | None = None

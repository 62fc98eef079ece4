"""Sorted open intervals with running totals: every question is one or two binary searches.

A timeline knows nothing of zones or rules. It is built once, never changed, and may be read from
any number of threads. A moment is the timedelta since the epoch; intervals are half open.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate

from services.sla.businesstime.errors import BeyondHorizonError
from services.sla.businesstime.instants import EPOCH, ZERO


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Disjoint intervals between `first` and `last`, the horizon inside which it can answer."""

    first: timedelta
    last: timedelta
    starts: tuple[timedelta, ...]
    ends: tuple[timedelta, ...]
    through: tuple[timedelta, ...] = field(init=False, repr=False)
    before: tuple[timedelta, ...] = field(init=False, repr=False)
    shift: tuple[timedelta, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lengths = [end - start for start, end in zip(self.starts, self.ends, strict=True)]
        through = tuple(accumulate(lengths))
        before = (ZERO, *through[:-1])[: len(through)]
        # Inside one interval a moment and the amount counted by then differ by a constant.
        shift = tuple(start - counted for start, counted in zip(self.starts, before, strict=True))
        object.__setattr__(self, "through", through)
        object.__setattr__(self, "before", before)
        object.__setattr__(self, "shift", shift)

    @classmethod
    def of(
        cls, intervals: Iterable[tuple[timedelta, timedelta]], first: timedelta, last: timedelta
    ) -> "Timeline":
        """Sort, merge what touches or overlaps, and cut at the horizon."""
        starts: list[timedelta] = []
        ends: list[timedelta] = []
        for start, end in sorted(intervals):
            opening, closing = max(start, first), min(end, last)
            if closing <= opening:
                continue
            if ends and opening <= ends[-1]:
                ends[-1] = max(ends[-1], closing)
            else:
                starts.append(opening)
                ends.append(closing)
        return cls(first, last, tuple(starts), tuple(ends))

    def count(self, moment: timedelta) -> timedelta:
        """How much of the timeline lies before `moment`."""
        if not self.first <= moment <= self.last:
            raise self.beyond(moment)
        index = bisect_right(self.starts, moment) - 1
        if index < 0:
            return ZERO
        counted = moment - self.shift[index]
        most = self.through[index]
        return most if counted > most else counted  # noqa: FURB136 - min() doubles the cost

    def advance(self, start: timedelta, budget: timedelta) -> timedelta:
        """The earliest moment by which `budget` (positive) has been spent since `start`."""
        spent = self.count(start) + budget
        index = bisect_left(self.through, spent)
        if index == len(self.through):
            raise self.exhausted(start)
        return self.shift[index] + spent

    def retreat(self, end: timedelta, budget: timedelta) -> timedelta:
        """The latest moment from which `budget` (positive) is spent until `end`."""
        left = self.count(end) - budget
        if left < ZERO:
            raise self.exhausted(end)
        return self.shift[bisect_right(self.before, left) - 1] + left

    def covers(self, moment: timedelta) -> bool:
        if not self.first <= moment < self.last:
            raise self.beyond(moment)
        index = bisect_right(self.starts, moment) - 1
        return index >= 0 and moment < self.ends[index]

    def at_or_after(self, moment: timedelta) -> timedelta:
        """`moment` itself when it is covered, otherwise the next start."""
        if not self.first <= moment <= self.last:
            raise self.beyond(moment)
        index = bisect_right(self.starts, moment)
        if index and moment < self.ends[index - 1]:
            return moment
        if index == len(self.starts):
            raise self.exhausted(moment)
        return self.starts[index]

    def at_or_before(self, moment: timedelta) -> timedelta:
        """The last moment not after `moment` that is covered or ends an interval."""
        if not self.first <= moment <= self.last:
            raise self.beyond(moment)
        index = bisect_right(self.starts, moment) - 1
        if index < 0:
            raise self.exhausted(moment)
        return min(moment, self.ends[index])

    def between(self, start: timedelta, end: timedelta) -> Iterator[tuple[timedelta, timedelta]]:
        """The intervals, cut to [start, end), in order; nothing when the span is empty."""
        for moment in (start, end):
            if not self.first <= moment <= self.last:
                raise self.beyond(moment)
        index = bisect_right(self.ends, start)
        while start < end and index < len(self.starts) and self.starts[index] < end:
            yield max(self.starts[index], start), min(self.ends[index], end)
            index += 1

    def beyond(self, moment: timedelta) -> BeyondHorizonError:
        return BeyondHorizonError(
            f"{_shown(moment)} lies outside the calendar, which reaches from {self._horizon()}"
        )

    def exhausted(self, moment: timedelta) -> BeyondHorizonError:
        return BeyondHorizonError(
            f"counting from {_shown(moment)} leaves the calendar, which reaches from"
            f" {self._horizon()}"
        )

    def _horizon(self) -> str:
        return f"{_shown(self.first)} to {_shown(self.last)}"


def _shown(moment: timedelta) -> str:
    try:
        return (EPOCH + moment).isoformat()
    except OverflowError:
        return "a moment beyond the years 1 to 9999"

"""Sorted open intervals with running totals: every question is one or two binary searches.

A timeline knows nothing of zones or rules. It is built once, never changed, and may be read from
any number of threads. All numbers are integer microseconds; intervals are half open.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from services.sla.domain.errors import BeyondHorizonError
from services.sla.domain.instants import from_microseconds


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Disjoint intervals between `first` and `last`, the horizon inside which it can answer."""

    first: int
    last: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...] = field(init=False, repr=False)
    through: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lengths = [end - start for start, end in zip(self.starts, self.ends, strict=True)]
        through = tuple(accumulate(lengths))
        object.__setattr__(self, "through", through)
        object.__setattr__(self, "before", (0, *through[:-1]) if through else ())

    @classmethod
    def of(cls, intervals: Iterable[tuple[int, int]], first: int, last: int) -> "Timeline":
        """Sort, merge what touches or overlaps, and cut at the horizon."""
        starts: list[int] = []
        ends: list[int] = []
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

    def count(self, instant: int) -> int:
        """How much of the timeline lies before `instant`."""
        if not self.first <= instant <= self.last:
            raise self.beyond(instant)
        index = bisect_right(self.starts, instant) - 1
        if index < 0:
            return 0
        end = self.ends[index]
        return self.before[index] + (min(end, instant)) - self.starts[index]

    def advance(self, start: int, budget: int) -> int:
        """The earliest instant by which `budget` (positive) has been spent since `start`."""
        spent = self.count(start) + budget
        index = bisect_left(self.through, spent)
        if index == len(self.through):
            raise self._exhausted(start)
        return self.starts[index] + spent - self.before[index]

    def retreat(self, end: int, budget: int) -> int:
        """The latest instant from which `budget` (positive) is spent until `end`."""
        left = self.count(end) - budget
        if left < 0:
            raise self._exhausted(end)
        index = bisect_right(self.before, left) - 1
        return self.starts[index] + left - self.before[index]

    def covers(self, instant: int) -> bool:
        if not self.first <= instant < self.last:
            raise self.beyond(instant)
        index = bisect_right(self.starts, instant) - 1
        return index >= 0 and instant < self.ends[index]

    def at_or_after(self, instant: int) -> int:
        """`instant` itself when it is covered, otherwise the next start."""
        if not self.first <= instant <= self.last:
            raise self.beyond(instant)
        index = bisect_right(self.starts, instant)
        if index and instant < self.ends[index - 1]:
            return instant
        if index == len(self.starts):
            raise self._exhausted(instant)
        return self.starts[index]

    def at_or_before(self, instant: int) -> int:
        """The last instant not after `instant` that is covered or ends an interval."""
        if not self.first <= instant <= self.last:
            raise self.beyond(instant)
        index = bisect_right(self.starts, instant) - 1
        if index < 0:
            raise self._exhausted(instant)
        return min(instant, self.ends[index])

    def between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The intervals, cut to [start, end), in order."""
        for instant in (start, end):
            if not self.first <= instant <= self.last:
                raise self.beyond(instant)
        index = bisect_right(self.ends, start)
        while index < len(self.starts) and self.starts[index] < end:
            yield max(self.starts[index], start), min(self.ends[index], end)
            index += 1

    def beyond(self, instant: int) -> BeyondHorizonError:
        return BeyondHorizonError(
            f"{_text(instant)} lies outside the calendar, which was built from"
            f" {_text(self.first)} to {_text(self.last)}: build it for more years"
        )

    def _exhausted(self, instant: int) -> BeyondHorizonError:
        return BeyondHorizonError(
            f"counting from {_text(instant)} leaves the calendar, which was built from"
            f" {_text(self.first)} to {_text(self.last)}: build it for more years"
        )


def _text(instant: int) -> str:
    try:
        return from_microseconds(instant).isoformat()
    except OverflowError:
        return f"{instant} microseconds since 1970"

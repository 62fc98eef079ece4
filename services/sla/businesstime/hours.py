"""Opening hours as seconds of a local day; how people write them is shared/policy's to read.

An interval belongs to the day on which it begins. It is half open: from the opening second up to,
but not including, the closing second. One that runs past midnight closes after the 86,400th.
Intervals of a week do not overlap: the policy file refuses those that do.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Seconds from local midnight by the clock's face; `closes` passes 86400 overnight."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Week:
    """Opening hours by weekday, Monday first, each day's in order."""

    days: tuple[tuple[Interval, ...], ...]

"""Who wants to hear of what, and when a delivery that failed is tried again.

A delivery is tried for three days: first after seconds, then at growing distances, each a little
sooner or later than the others', so that a receiver that comes back is not met by all at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RETRY_PERIOD: Final = timedelta(days=3)
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=6)
GROWTH: Final = 3
SPREAD: Final = 0.25
"""A pause is at most so much of itself shorter or longer."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A target, the kinds it wants, and the desks; none: every inquiry, also without a desk."""

    name: str
    kinds: frozenset[str]
    desks: frozenset[str] = frozenset()

    def wants(self, kind: str, *desks: str | None) -> bool:
        """Whether it wants to hear of that, of an inquiry that concerns these desks."""
        return kind in self.kinds and (not self.desks or any(desk in self.desks for desk in desks))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a try: HTTP status, error in words, and how long the receiver asked to wait.

    `gone`: the receiver says that it wants nothing more, so no other try makes sense.
    """

    delivered: bool
    status: int | None = None
    error: str | None = None
    gone: bool = False
    wait: timedelta | None = None


def next_attempt(
    attempt: Attempt, *, attempts: int, now: datetime, give_up_at: datetime, jitter: float
) -> datetime | None:
    """When to try again after `attempts` tries, None: never. `jitter` is from 0 up to 1.

    The last try is at `give_up_at`, or after it if the desk did not run then.
    """
    if attempt.gone or now >= give_up_at:
        return None
    # Beyond 20 the pause has long been the longest one, and numbers only grow.
    growth: int = GROWTH ** min(attempts - 1, 20)
    pause = min(FIRST_PAUSE * growth, LONGEST_PAUSE) * (1 + SPREAD * (2 * jitter - 1))
    if attempt.wait is not None:
        pause = max(pause, min(attempt.wait, LONGEST_PAUSE))
    return min(now + pause, give_up_at)

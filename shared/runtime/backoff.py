"""Growing pauses between tries, so that what is away is not asked all the time."""

from __future__ import annotations


class Backoff:
    """Each pause is twice as long as the one before, up to the longest."""

    def __init__(self, first_seconds: float, longest_seconds: float) -> None:
        self._first = self._next = first_seconds
        self._longest = longest_seconds

    def pause(self) -> float:
        """Seconds to wait after this failure."""
        seconds = self._next
        self._next = min(seconds * 2, self._longest)
        return seconds

    def reset(self) -> None:
        """It worked: the next failure is a first one again."""
        self._next = self._first

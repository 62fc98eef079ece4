"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    def __init__(self, now: datetime) -> None:
        self.set(now)

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Raises ValueError for a moment without a zone."""
        if now.tzinfo is None:
            raise ValueError("the clock needs an aware moment")
        self._now = now.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self._now += by

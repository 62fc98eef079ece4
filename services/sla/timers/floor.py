"""From which moment on the timers look."""

from __future__ import annotations

from datetime import datetime
from typing import Final

WHOLE_LOOK_SECONDS: Final = 10.0


class Floor:
    """From which moment on the timers have to look, so that they pass over what fired long ago.

    What this instance writes lowers it; what another one writes, that one looks after. Should that
    one die, a look at everything, every ten seconds, finds it.
    """

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._noted: datetime | None = None
        self._whole_look_at = 0.0

    def since(self, seconds: float) -> datetime | None:
        """None: look at everything. `seconds` are those of a clock that nobody sets."""
        return None if seconds >= self._whole_look_at else self._since

    def looked_at_everything(self, first: datetime, seconds: float) -> None:
        """`first` is the first moment that was found, or now."""
        # What was noted may not have been committed when everything was looked at.
        self._since = first if self._noted is None else min(first, self._noted)
        self._noted = None
        self._whole_look_at = seconds + WHOLE_LOOK_SECONDS

    def note(self, at: datetime) -> None:
        self._noted = at if self._noted is None else min(at, self._noted)
        if self._since is not None:
            self._since = min(at, self._since)

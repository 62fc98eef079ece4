"""Until when nothing can come any more that would have kept a promise.

An answer in time may still wait in intake's outbox, behind a bus that is away, or on the bus: a
breach told before it would be a lie. Intake and the router publish each second until when
everything that they recorded is on the bus. What fell due later has to wait, and so has what fell
due before, until the facts that are on the bus have been consumed. It also keeps a machine whose
own clock is ahead from telling anything early.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.sla.timers.offsets import OffsetsNow, consumed, ends_of, known
from shared.bus.port import Partition

SOURCES: Final = ("intake", "router")
ALLOWED_LATENESS: Final = timedelta(seconds=1)
"""By so much may a fact come from behind the progress: a moment that was taken early."""
UNASKED_SECONDS: Final = 30.0
"""Who has not asked for so long cannot say that a source was idle meanwhile."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Consuming:
    """Safe up to `until` as soon as the group has consumed up to these ends."""

    until: datetime
    ends: Mapping[Partition, int]


class Watermark:
    def __init__(
        self,
        published: Callable[[], Awaitable[Mapping[str, datetime]]],
        *,
        offsets: OffsetsNow,
        idle_seconds: float,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`published` gives the newest progress of each source, `offsets` how far the group has
        consumed the facts.

        A source that makes no progress for `idle_seconds` is not waited for any longer: a breach
        that nobody hears of helps nobody either. While the bus is away from here nobody is idle.
        """
        self._published = published
        self._offsets = offsets
        self._idle_seconds = idle_seconds
        self._seconds = seconds
        self._asked_at: float | None = None
        self._progress: dict[str, datetime] = {}
        self._moved_at: dict[str, float] = {}
        self._idle: frozenset[str] = frozenset()
        self._consuming: _Consuming | None = None
        self._safe: datetime | None = None
        self.missing: tuple[str, ...] = ()

    @property
    def consuming(self) -> bool:
        """Whether only facts that are on the bus already are waited for."""
        return self._consuming is not None

    def alive(self, source: str) -> None:
        """It works, and tells of progress that does not count here: it is not idle."""
        self._moved_at[source] = self._seconds()

    async def safe_until(self, now: datetime) -> datetime | None:
        """At most `now`; None: not known of any moment yet.

        To be asked again and again while something is due.
        """
        published = await self._published()
        # Only now: what was published has facts before it, which must be within the offsets.
        offsets = await known(self._offsets)
        until = self._until(now, published, listening=offsets is not None)
        if until is None:
            self._consuming = None
            return None
        if self._consuming is not None:
            # A clock that was ahead, and was set back meanwhile, must not let anything fire early.
            self._consuming = _Consuming(min(self._consuming.until, until), self._consuming.ends)
        elif offsets is not None:
            self._consuming = _Consuming(until, ends_of(offsets))
        if self._consuming is not None and consumed(self._consuming.ends, offsets):
            self._safe, self._consuming = self._consuming.until, None
        return None if self._safe is None else min(self._safe, until)

    def _until(
        self, now: datetime, published: Mapping[str, datetime], *, listening: bool
    ) -> datetime | None:
        seconds = self._seconds()
        asked_at, self._asked_at = self._asked_at, seconds
        if asked_at is None or seconds - asked_at > UNASKED_SECONDS or not listening:
            self._moved_at.clear()
        self._note(published, seconds)
        idle = {each for each in SOURCES if seconds - self._moved_at[each] > self._idle_seconds}
        self._warn_once(frozenset(idle))
        waited_for = [each for each in SOURCES if each not in idle]
        self.missing = tuple(each for each in waited_for if each not in self._progress)
        if self.missing:
            return None
        return min([now, *(self._progress[each] - ALLOWED_LATENESS for each in waited_for)])

    def _note(self, published: Mapping[str, datetime], seconds: float) -> None:
        for source in SOURCES:
            moved = published.get(source) != self._progress.get(source)
            if moved or source not in self._moved_at:
                self._moved_at[source] = seconds
        self._progress = dict(published)

    def _warn_once(self, idle: frozenset[str]) -> None:
        for source in sorted(idle - self._idle):
            log.warning("timers.source_silent", of=source)
        self._idle = idle

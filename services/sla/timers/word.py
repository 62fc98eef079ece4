"""Until when nothing can come any more that would have kept a promise.

An answer in time may still wait in intake's outbox, behind a bus that is away or a process that
died: a breach told before it would be a lie. Intake and the router say now and then until when
everything they recorded is on the bus, and what falls due has to wait for that. It also keeps a
machine whose own clock is ahead from telling anything early.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

import structlog

SERVICES: Final = ("intake", "router")
UNASKED_SECONDS: Final = 30.0
"""Who has not asked for so long cannot say that somebody was silent meanwhile."""

log = structlog.get_logger()


class Word:
    def __init__(
        self,
        look: Callable[[], Awaitable[Mapping[str, datetime]]],
        *,
        listens: Callable[[], Awaitable[bool]],
        patience_seconds: float,
    ) -> None:
        """`look` tells until when each of the services has told everything.

        One that says nothing more for `patience_seconds` is not waited for any longer: a breach
        that nobody hears of helps nobody either. While the bus is away from here, so that it does
        not `listen`, nobody is silent.
        """
        self._look = look
        self._listens = listens
        self._asked_at: float | None = None
        self._patience = patience_seconds
        self._known: dict[str, datetime] = {}
        self._said_at: dict[str, float] = {}
        self._given_up: frozenset[str] = frozenset()
        self.missing: tuple[str, ...] = ()

    async def until(self, now: datetime, seconds: float) -> datetime | None:
        """At most `now`; None: one of them has never said so. `seconds` of a clock nobody sets."""
        asked_at, self._asked_at = self._asked_at, seconds
        if asked_at is None or seconds - asked_at > UNASKED_SECONDS or not await self._listens():
            self._said_at.clear()
        self._take(await self._look(), seconds)
        silent = {each for each in SERVICES if seconds - self._said_at[each] > self._patience}
        self._say_once(frozenset(silent))
        waited_for = [each for each in SERVICES if each not in silent]
        self.missing = tuple(each for each in waited_for if each not in self._known)
        if self.missing:
            return None
        return min([now, *(self._known[each] for each in waited_for)])

    def _take(self, found: Mapping[str, datetime], seconds: float) -> None:
        for service in SERVICES:
            if service not in self._said_at or found.get(service) != self._known.get(service):
                self._said_at[service] = seconds
        self._known = dict(found)

    def _say_once(self, silent: frozenset[str]) -> None:
        for service in sorted(silent - self._given_up):
            log.warning("timers.without_word", of=service)
        self._given_up = silent

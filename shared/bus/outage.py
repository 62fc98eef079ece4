"""Brokers that are away, as the log tells it: when it begins, once a minute, and when it ends.

Everybody who uses the bus notices an outage, again and again. It is said here alone; the others see
by `problem` that it has been said.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from shared.bus.kafka.client_log import last_words

SAY_AGAIN_SECONDS = 60.0

log = structlog.get_logger()


class Outage:
    """`clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began: float | None = None
        self._said = 0.0
        self.problem: str | None = "the bus is not connected yet"

    def failed(self, reason: str) -> None:
        """The brokers did not answer."""
        now = self._clock()
        self.problem = reason
        if self._began is None:
            self._began = self._said = now
            log.warning("bus.unavailable", reason=reason, client=last_words())
        elif now - self._said >= SAY_AGAIN_SECONDS:
            self._said = now
            seconds = round(now - self._began)
            log.warning("bus.still_unavailable", seconds=seconds, reason=reason)

    def answered(self) -> None:
        """The brokers did answer."""
        self.problem = None
        if self._began is not None:
            log.info("bus.available", seconds=round(self._clock() - self._began))
            self._began = None

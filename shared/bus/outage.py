"""A bus that is away, as the log shows it: when it begins, once a minute, and when it ends.

Everybody who uses the bus notices an outage, again and again. It is said here alone; the others see
by `problem` that it has been said.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

SAY_AGAIN_SECONDS = 60.0

log = structlog.get_logger()


class Outage:
    def __init__(
        self,
        clock: Callable[[], float],
        *,
        problem: str | None = None,
        calm_seconds: float = 0.0,
        client: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`clock` gives monotonic seconds, `problem` is why it does not work yet, `client` what the
        client's library said last. It is over when nothing has failed for `calm_seconds`: on a full
        disk some writes still find room.
        """
        self._clock = clock
        self._calm_seconds = calm_seconds
        self._client = client
        self._began: float | None = None
        self._failed = self._said = 0.0
        self.problem = problem

    def failed(self, reason: str) -> None:
        """The bus did not do what was asked."""
        now = self._failed = self._clock()
        self.problem = reason
        if self._began is None:
            self._began = self._said = now
            log.warning("bus.unavailable", reason=reason, client=self._client())
        elif now - self._said >= SAY_AGAIN_SECONDS:
            self._said = now
            seconds = round(now - self._began)
            log.warning("bus.still_unavailable", seconds=seconds, reason=reason)

    def answered(self) -> None:
        """It did."""
        if self._began is None:
            self.problem = None
            return
        now = self._clock()
        if now - self._failed >= self._calm_seconds:
            log.info("bus.available", seconds=round(now - self._began))
            self.problem = self._began = None

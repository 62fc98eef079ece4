"""Whether a database does what it is asked, by what came of it; readiness and the log show it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

RECENT_SECONDS: Final = 10.0
"""A failure counts for so long, also when something else worked meanwhile: on a full disk some
writes still find room.
"""
SAY_AGAIN_SECONDS: Final = 60.0

log = structlog.get_logger()


class Availability:
    """Told of every outcome. Says in the log when a failure begins, once a minute while it lasts,
    and when it is over.
    """

    def __init__(self, database: str, *, seconds: Callable[[], float] = time.monotonic) -> None:
        """`database` is the name for the log; `seconds` those of a clock that nobody sets."""
        self._database = database
        self._seconds = seconds
        self._began: float | None = None
        self._failed_at = 0.0
        self._said_at = 0.0
        self._write_failure: tuple[str, float] | None = None
        self._wrote_since = False
        self._must_write = False

    def failed(self, reason: str, *, writing: bool) -> None:
        """The database could not do what was asked."""
        now = self._failed_at = self._seconds()
        if writing:
            self._write_failure, self._wrote_since = (reason, now), False
            self._must_write = True
        if self._began is None:
            self._began = now
        elif now < self._said_at + SAY_AGAIN_SECONDS:
            return
        self._said_at = now
        log.warning("database.unavailable", database=self._database, reason=reason)

    def worked(self, *, writing: bool) -> None:
        """It did what was asked."""
        if self._began is None and self._write_failure is None:
            return
        now = self._seconds()
        self._wrote_since = self._wrote_since or writing
        if self._wrote_since and self._recent_write_failure(now) is None:
            self._write_failure = None
        if self._must_write and not self._wrote_since:
            return  # what could not be written is not there because something can be read
        if self._began is not None and now >= self._failed_at + RECENT_SECONDS:
            lasted = round(self._failed_at - self._began, 1)
            self._began, self._must_write = None, False
            log.info("database.available", database=self._database, seconds=lasted)

    @property
    def write_failure(self) -> str | None:
        """Why a write failed just now, or why the last one failed; None when all is well."""
        if self._write_failure is None:
            return None
        if self._wrote_since:
            return self._recent_write_failure(self._seconds())
        return self._write_failure[0]

    def _recent_write_failure(self, now: float) -> str | None:
        if self._write_failure is None:
            return None
        reason, failed_at = self._write_failure
        return reason if now < failed_at + RECENT_SECONDS else None

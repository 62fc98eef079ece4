"""Which writes of this process have begun and not ended yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class _Mark:
    """Writes of this generation or an earlier one began before that moment."""

    generation: int
    at: datetime


class WritesUnderway:
    """Says until when every write has ended, however long one waits for a connection or a lock.

    It asks no clock: a write is counted in the generation in which it began, and a generation ends
    when somebody asks. For the event loop's thread only.
    """

    def __init__(self) -> None:
        self._generation = 0
        self._open: dict[int, int] = {}
        self._mark: _Mark | None = None
        self._ended_until: datetime | None = None

    @contextmanager
    def one(self, generation: int | None = None) -> Iterator[int]:
        """Inside, a write is underway. To be entered before anybody else may run, once the moment
        is taken that the write will carry. Yields its generation, for a part of it that may outlive
        this one.
        """
        if generation is None:
            generation = self._generation
        self._open[generation] = self._open.get(generation, 0) + 1
        try:
            yield generation
        finally:
            self._open[generation] -= 1
            if not self._open[generation]:
                del self._open[generation]

    def ended_until(self, now: datetime) -> datetime | None:
        """Every write that carries a moment before this one has been committed, or has failed.

        None: not known yet. Asked every second, it is a second or two older than the oldest write
        that is underway, and as new as `now` when there is none.
        """
        if not self._open:
            self._mark, self._ended_until = None, now
        elif self._mark is None:
            self._begin_generation(now)
        elif min(self._open) > self._mark.generation:
            self._ended_until = self._mark.at
            self._begin_generation(now)
        return self._ended_until

    def _begin_generation(self, now: datetime) -> None:
        self._mark = _Mark(self._generation, now)
        self._generation += 1

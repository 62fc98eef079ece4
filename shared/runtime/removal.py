"""What services remove now and then: what a platform's terms let them keep for a short time only,
and what is older than the policy wants.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from shared.db import Reader
from shared.runtime.lifecycle import pause

RETENTION_EVERY_SECONDS: Final = 6 * 3600.0
TERMS_EVERY_SECONDS: Final = 600.0
EARLY: Final = timedelta(seconds=2 * TERMS_EVERY_SECONDS)
"""Before the time of the terms is up, so that a turn that fails, or takes long, breaks none."""
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
BETWEEN_PAGES_SECONDS: Final = 0.05
"""In which those who accept messages go first."""


@dataclass(frozen=True, slots=True)
class Ages:
    """At how many days after its end something is removed; None: it stays. `sooner` has the ages of
    what was dismissed, by the reason of the dismissal.
    """

    days: int | None
    sooner: Mapping[str, int]

    def __bool__(self) -> bool:
        return self.days is not None or bool(self.sooner)

    def before(self, now: datetime) -> datetime:
        """What ended before that moment is old enough, whatever its reason."""
        return LONG_AGO if self.days is None else now - timedelta(days=self.days)

    def sooner_before(self, now: datetime) -> Mapping[str, datetime]:
        """The same by the reason of a dismissal."""
        return {reason: now - timedelta(days=days) for reason, days in self.sooner.items()}


class Found(Protocol):
    """A page of a search, and the place at which the search goes on (None: the end)."""

    @property
    def after(self) -> object | None: ...


F = TypeVar("F", bound=Found)


async def pages(
    database: Reader,
    search: Callable[..., F],
    *,
    stop: asyncio.Event | None = None,
    **conditions: Any,
) -> AsyncIterator[F]:
    """What `search(tx, **conditions, after=...)` finds, page by page, each read when the one before
    has been worked on, after a pause. With `stop` it ends early when that is set; without, nothing
    is removed and nobody is waited for.

    Raises DatabaseUnavailableError.
    """
    after: object | None = None
    while stop is None or not stop.is_set():
        found = await database.read(search, **conditions, after=after)
        yield found
        after = found.after
        if after is None:
            return
        if stop is not None:
            await pause(stop, BETWEEN_PAGES_SECONDS)

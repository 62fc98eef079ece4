"""That more has arrived from sla, told to the requests of this process that wait for it."""

from __future__ import annotations

import asyncio


class Arrivals:
    """Wakes those who wait for a due time, in this process: each then looks for itself."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """Set when more has arrived; to be taken before looking."""
        return self._next

    def announce(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

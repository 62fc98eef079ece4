"""Whether what was on the bus is worked off: a breach told before an answer in time is a lie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from shared.bus.port import BusUnavailableError, Partition, Progress


class CaughtUp:
    """Whether every fact that was on the bus at the first look has been worked off since.

    After an outage an answer in time may still wait there, and a breach told before it would be a
    lie. Facts that come in later do not matter, so steady load holds nothing up; the whole group
    counts, so neither does an instance that died with its partitions.
    """

    def __init__(self, look: Callable[[], Awaitable[Mapping[Partition, Progress] | None]]) -> None:
        """`look` tells how far the group is, None as long as that is not known."""
        self._look = look
        self._ends: Mapping[Partition, int] | None = None

    def forget(self) -> None:
        """The next look is a first one."""
        self._ends = None

    async def __call__(self) -> bool:
        """The look after a yes is a first one again."""
        try:
            progress = await self._look()
        except BusUnavailableError:
            return False
        if not progress:
            return False
        if self._ends is None:
            self._ends = {partition: each.end for partition, each in progress.items()}
        if any(
            partition not in progress or progress[partition].next_offset < end
            for partition, end in self._ends.items()
        ):
            return False
        self._ends = None
        return True

"""How far the consumer group is with the facts that are on the bus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from shared.bus.port import BusUnavailableError, Partition, Progress

Offsets = Mapping[Partition, Progress]
OffsetsNow = Callable[[], Awaitable[Offsets | None]]
"""None: not known now. Raises BusUnavailableError."""


async def known(current: OffsetsNow) -> Offsets | None:
    """None while the bus is away, or has not told yet which partitions there are."""
    try:
        return await current() or None
    except BusUnavailableError:
        return None


def ends_of(offsets: Offsets) -> Mapping[Partition, int]:
    return {partition: each.end for partition, each in offsets.items()}


def consumed(ends: Mapping[Partition, int], offsets: Offsets | None) -> bool:
    """Whether the group has consumed up to these ends.

    Facts that come in later do not matter, so steady load holds nothing up; the whole group counts,
    so neither does an instance that died with its partitions.
    """
    return offsets is not None and all(
        partition in offsets and offsets[partition].next_offset >= end
        for partition, end in ends.items()
    )

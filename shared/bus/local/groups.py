"""Consumer groups on the local log: who has which partition, and where each of them reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from shared.bus.local.log import Log
from shared.bus.port import BusUnavailableError, Partition, Progress, Received


class Group:
    """The members of one consumer group in this process, sharing its partitions."""

    def __init__(self, name: str, log: Log) -> None:
        self.name = name
        self._log = log
        self._members: list[Member] = []
        self._owners: dict[Partition, Member] = {}

    def join(self, member: Member) -> None:
        self._members.append(member)
        self._rebalance()

    def leave(self, member: Member) -> None:
        if member in self._members:
            self._members.remove(member)
            self._rebalance()

    def wake(self, partitions: set[Partition]) -> None:
        """Tell the owners that there is something new."""
        for partition in partitions:
            owner = self._owners.get(partition)
            if owner is not None:
                owner.wake()

    def close(self) -> None:
        for member in self._members:
            member.close()
        self._members.clear()
        self._owners.clear()

    def position(self, partition: Partition) -> int:
        """The next offset that nobody has committed; the oldest record for a new group."""
        start = self._log.extents[partition].start
        return max(start, self._log.committed.get((self.name, partition), 0))

    def _rebalance(self) -> None:
        owners: dict[Partition, Member] = {}
        for topic in {topic for member in self._members for topic in member.topics}:
            interested = [member for member in self._members if topic in member.topics]
            owners.update(_share(self._log.partitions(topic), interested, self._owners))
        for member in self._members:
            mine = {partition for partition, owner in owners.items() if owner is member}
            member.assign({partition: self.position(partition) for partition in mine})
        self._owners = owners


def _share(
    partitions: Sequence[Partition],
    members: Sequence[Member],
    before: dict[Partition, Member],
) -> dict[Partition, Member]:
    """Equal shares; who has a partition keeps it while that is within the share."""
    least, extra = divmod(len(partitions), len(members))
    room = {id(member): least for member in members}
    kept: dict[Partition, Member] = {}
    for partition in partitions:
        owner = before.get(partition)
        if owner is None or id(owner) not in room:
            continue
        if room[id(owner)] == 0 and extra:
            extra -= 1
            room[id(owner)] += 1
        if room[id(owner)]:
            room[id(owner)] -= 1
            kept[partition] = owner
    # Whoever took an extra one already has no room left, so the rest of them go to the others.
    open_places = [member for member in members for _ in range(room[id(member)])]
    full = {id(owner) for owner in kept.values() if _count(kept, owner) > least}
    open_places += [member for member in members if id(member) not in full][:extra]
    free = [partition for partition in partitions if partition not in kept]
    return kept | dict(zip(free, open_places, strict=True))


def _count(owners: dict[Partition, Member], member: Member) -> int:
    return sum(owner is member for owner in owners.values())


class Member:
    """One subscription. Its `fetch` is for one task at a time."""

    def __init__(
        self, group: Group, topics: Sequence[str], log: Log, clock: Callable[[], float]
    ) -> None:
        self.topics = frozenset(topics)
        self._group = group
        self._log = log
        self._clock = clock
        self._next: dict[Partition, int] = {}
        self._held: dict[Partition, float] = {}
        self._turn = 0
        self._awake = asyncio.Event()
        self._closed = False

    async def fetch(
        self, *, max_records: int, timeout_seconds: float
    ) -> dict[Partition, list[Received]]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            if self._closed:
                raise BusUnavailableError("the local bus has stopped")
            self._awake.clear()
            ready = self._ready()
            found = self._from_memory(ready, max_records) or await self._from_file(
                ready, max_records
            )
            if found:
                return found
            remaining = deadline - loop.time()
            if remaining <= 0:
                return {}
            await self._sleep(remaining)

    async def commit(self, partition: Partition, next_offset: int) -> bool:
        # Beyond its own reading position: fetched before the partition went away and came back.
        if self._closed or next_offset > self._next.get(partition, -1):
            return False
        self._log.check()
        if next_offset > self._group.position(partition):
            self._log.commit(self._group.name, partition, next_offset)
        return True

    async def retry(self, partition: Partition, offset: int, *, after_seconds: float) -> None:
        if partition in self._next:
            self._next[partition] = offset
            self._held[partition] = self._clock() + after_seconds
            self.wake()

    async def lag(self) -> int:
        return sum(each.lag for each in (await self.progress()).values())

    async def progress(self) -> dict[Partition, Progress]:
        if self._closed:
            raise BusUnavailableError("the local bus has stopped")
        return {
            partition: Progress(self._group.position(partition), self._log.extents[partition].end)
            for topic in self.topics
            for partition in self._log.partitions(topic)
        }

    def assign(self, positions: dict[Partition, int]) -> None:
        """What stays is read on where it was; what is new begins at the group's position."""
        self._next = {
            partition: self._next.get(partition, position)
            for partition, position in positions.items()
        }
        self._held = {p: until for p, until in self._held.items() if p in positions}
        self.wake()

    def wake(self) -> None:
        self._awake.set()

    def close(self) -> None:
        self._closed = True
        self._next = {}
        self._held = {}
        self.wake()

    def _ready(self) -> list[tuple[Partition, int]]:
        """Partitions with something to read, and from where; another one is first each time."""
        now = self._clock()
        ready: list[tuple[Partition, int]] = []
        for partition, position in self._next.items():
            extent = self._log.extents[partition]
            if position >= extent.end:
                continue
            if self._held.get(partition, now) > now:
                continue
            self._held.pop(partition, None)
            ready.append((partition, max(position, extent.start)))
        self._turn += 1
        turn = self._turn % len(ready) if ready else 0
        return ready[turn:] + ready[:turn]

    def _from_memory(
        self, ready: Sequence[tuple[Partition, int]], room: int
    ) -> dict[Partition, list[Received]]:
        found: dict[Partition, list[Received]] = {}
        for partition, position in ready:
            records = self._log.newest(partition, position, room)
            if not records:
                # Who comes first in turn and is not in memory must not wait for the others.
                if not found:
                    return {}
                continue
            found[partition] = records
            self._next[partition] = records[-1].offset + 1
            room -= len(records)
            if room <= 0:
                break
        return found

    async def _from_file(
        self, ready: Sequence[tuple[Partition, int]], room: int
    ) -> dict[Partition, list[Received]]:
        wanted: list[tuple[Partition, int, int]] = []
        before: list[int] = []
        for partition, position in ready:
            limit = min(room, self._log.extents[partition].end - position)
            if limit > 0:
                wanted.append((partition, position, limit))
                before.append(self._next[partition])
                room -= limit
        if not wanted:
            return {}
        found: dict[Partition, list[Received]] = {}
        read = await self._log.read(wanted)
        for (partition, _, _), position, records in zip(wanted, before, read, strict=False):
            # The partition may have moved, or a retry may have been asked for, while we read.
            if records and self._next.get(partition) == position and partition not in self._held:
                found[partition] = records
                self._next[partition] = records[-1].offset + 1
        return found

    async def _sleep(self, seconds: float) -> None:
        now = self._clock()
        for partition, until in self._held.items():
            if self._next[partition] < self._log.extents[partition].end:
                seconds = min(seconds, max(until - now, 0.0))
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass

"""What the bus suites share: a log that opens again, and reading until something is there."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.bus.open import open_bus
from shared.bus.port import Bus, Partition, Received, Record, Subscription, Topic

PATIENCE_SECONDS = 60.0
"""After this long without the expected a test fails; nothing waits so long when all is well."""
PARTITIONS = 4


@dataclass(frozen=True)
class Home:
    """Where a log lives, and the one topic of this test in it."""

    url: str
    topic: Topic = field(
        default_factory=lambda: Topic(f"test.{uuid.uuid4().hex}", PARTITIONS, 14 * 86_400)
    )

    def bus(self, *topics: Topic) -> Bus:
        return open_bus(self.url, topics or (self.topic,))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bus]:
        bus = self.bus()
        await bus.start()
        try:
            yield bus
        finally:
            await bus.stop()

    def record(self, key: str, value: str) -> Record:
        return Record(self.topic.name, key, value.encode())

    def records(self, count: int, *, keys: int = 16, prefix: str = "") -> list[Record]:
        return [self.record(f"key-{i % keys}", f"{prefix}{i}") for i in range(count)]


async def fetch_some(
    subscription: Subscription, *, max_records: int = 200
) -> dict[Partition, list[Received]]:
    """The next records, waiting for them."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = await subscription.fetch(max_records=max_records, timeout_seconds=1)
        if found:
            return found
    raise AssertionError("nothing came")


async def take(subscription: Subscription, count: int, *, commit: bool = True) -> list[Received]:
    """At least `count` records, in the order in which they came."""
    taken: list[Received] = []
    while len(taken) < count:
        for partition, records in (await fetch_some(subscription)).items():
            taken += records
            if commit:
                assert await subscription.commit(partition, records[-1].offset + 1)
    return taken


async def read_until_quiet(
    subscriptions: Collection[Subscription], expected: Iterable[bytes]
) -> list[list[Received]]:
    """Let all members read and commit until every expected value has been seen by one of them."""
    missing = set(expected)
    seen: list[list[Received]] = [[] for _ in subscriptions]

    async def read(subscription: Subscription, mine: list[Received]) -> None:
        while missing:
            found = await subscription.fetch(max_records=50, timeout_seconds=0.2)
            for partition, records in found.items():
                await subscription.commit(partition, records[-1].offset + 1)
                mine += records
                missing.difference_update(record.value for record in records)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(
            *(read(member, mine) for member, mine in zip(subscriptions, seen, strict=True))
        )
    return seen


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await check():  # noqa: ASYNC110 - the state is in another process
            await asyncio.sleep(0.05)


def values(records: Iterable[Received]) -> list[bytes]:
    return [record.value for record in records]


def per_key(records: Iterable[Received]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record.value)
    return found

"""The bus as the services see it: three small contracts and their promises.

What every bus promises (the conformance suite in `tests/contracts/` proves it for each):

* `publish` returns after every record is durable; records of one key arrive in the order given.
* A record is delivered at least once to each consumer group, in order per partition. What was
  fetched but not committed is delivered again after a restart, a rebalance or a `retry`.
* A group that never committed begins at the oldest record that the log still holds.
* Nothing is lost while a consumer is away, for as long as the topic's retention.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist before anybody uses it.

    `partitions` is fixed at creation, because more of them later would move keys; a bus refuses
    to start on a mismatch. `retention_seconds` is how long the log keeps a record.
    """

    name: str
    partitions: int
    retention_seconds: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is published: `key` decides the partition and so the order."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Partition:
    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it comes out of the log."""

    partition: Partition
    offset: int
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a group is in one partition: the next offset to handle, and the log's end."""

    next_offset: int
    end: int

    @property
    def lag(self) -> int:
        return max(0, self.end - self.next_offset)


class BusUnavailableError(Exception):
    """The bus does not answer now; trying again later may help."""


class PublishFailedError(BusUnavailableError):
    """Not every record was confirmed.

    `confirmed` holds the indexes that are durable for certain; any other record may be in the
    log or not, so it must be published again under the same event id.
    """

    def __init__(self, reason: str, confirmed: frozenset[int] = frozenset()) -> None:
        super().__init__(reason)
        self.confirmed = confirmed


class RecordTooLargeError(PublishFailedError):
    """One record is over the topic's limit; `index` names it. Nothing of the call is in the log.

    The limit is ours, or one that somebody set at the broker; that one is told only of a record
    that was published alone.
    """

    def __init__(self, reason: str, index: int) -> None:
        super().__init__(reason)
        self.index = index


class Subscription(Protocol):
    """One member of a consumer group."""

    async def fetch(
        self, *, max_records: int, timeout_seconds: float
    ) -> dict[Partition, list[Received]]:
        """The next records by partition, at most `max_records` in all; empty after the timeout.

        Raises BusUnavailableError when this member is beyond repair and must be opened anew.
        """

    async def commit(self, partition: Partition, next_offset: int) -> bool:
        """Keep the group's position. False: another member has the partition now, drop the rest.

        Raises BusUnavailableError when the bus does not answer in time.
        """

    async def retry(self, partition: Partition, offset: int, *, after_seconds: float) -> None:
        """Deliver from `offset` again, not before `after_seconds`; other partitions go on."""

    async def lag(self) -> int:
        """Records of the group's topics that the group has not committed yet."""

    async def progress(self) -> dict[Partition, Progress]:
        """How far the group is in each partition of its topics, whoever reads it."""


class Bus(Protocol):
    @property
    def problem(self) -> str | None:
        """Why the bus is away, if it has said so in the log: then nobody else needs to."""

    async def start(self) -> None:
        """Connect and see that the topics exist. Raises BusUnavailableError."""

    async def stop(self) -> None:
        """Let go of everything; tolerant of a second call and of a broker that is gone."""

    async def ping(self) -> None:
        """Raises BusUnavailableError when the bus does not answer.

        To be called every few seconds: so the bus notices that it is away, and back, and says so.
        """

    async def publish(self, records: Sequence[Record]) -> None:
        """Raises PublishFailedError. A caller that is cancelled must expect its records sent."""

    def subscribe(
        self, group: str, topics: Sequence[str]
    ) -> AbstractAsyncContextManager[Subscription]:
        """Join the consumer group; leave it at the end of the context."""

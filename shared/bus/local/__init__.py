"""The bus of the embedded mode: a durable log in one SQLite file, for one process.

It keeps every promise of the port, so that a service cannot tell it from Kafka: topics with
partitions by key, consumer groups whose members share them, redelivery from the committed
position, retention by age. See docs/decisions/local-bus.md.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from shared.bus.local.groups import Group, Member
from shared.bus.local.log import Log
from shared.bus.outage import Outage
from shared.bus.port import (
    BusUnavailableError,
    Partition,
    PublishFailedError,
    Record,
    Subscription,
    Topic,
)
from shared.bus.size import check_sizes

CALM_SECONDS = 10.0


class LocalBus:
    """Implements `shared.bus.port.Bus`.

    `clock` gives monotonic seconds for waiting, `unix_time` seconds since 1970 (UTC) for retention.
    """

    def __init__(
        self,
        path: Path,
        topics: Sequence[Topic],
        *,
        clock: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._log = Log(
            path,
            topics,
            unix_time=unix_time,
            appended=self._appended,
            outage=Outage(clock, calm_seconds=CALM_SECONDS),
        )
        self._groups: dict[str, Group] = {}
        self._running = False

    @property
    def problem(self) -> str | None:
        return self._log.outage.problem

    async def start(self) -> None:
        """Raises BusUnavailableError, also when another process owns the file."""
        await self._log.open()
        self._running = True

    async def stop(self) -> None:
        if not self._running:
            return
        self._running = False
        for group in self._groups.values():
            group.close()
        self._groups.clear()
        await self._log.close()

    async def ping(self) -> None:
        self._require_running()
        self._log.check()

    async def publish(self, records: Sequence[Record]) -> None:
        if not records:
            return
        if not self._running:
            raise PublishFailedError("the local bus is not running")
        check_sizes(records)
        await self._log.append(records)

    def subscribe(
        self, group: str, topics: Sequence[str]
    ) -> AbstractAsyncContextManager[Subscription]:
        return self._subscription(group, topics)

    async def maintain(self) -> int:
        """Delete what is older than the retention and shorten the files; how many records went.

        To be called every few minutes.
        """
        self._require_running()
        expired = await self._log.expire()
        await self._log.shrink()
        return expired

    @asynccontextmanager
    async def _subscription(self, name: str, topics: Sequence[str]) -> AsyncIterator[Subscription]:
        self._require_running()
        for topic in topics:
            self._log.partitions(topic)
        group = self._groups.setdefault(name, Group(name, self._log))
        member = Member(group, topics, self._log, self._clock)
        group.join(member)
        try:
            yield member
        finally:
            member.close()
            group.leave(member)

    def _appended(self, partitions: set[Partition]) -> None:
        for group in self._groups.values():
            group.wake(partitions)

    def _require_running(self) -> None:
        if not self._running:
            raise BusUnavailableError("the local bus is not running")

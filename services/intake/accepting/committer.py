"""The group committer: many requests, one transaction.

There is no timer: a batch is what gathered while the last one was being written.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol

import structlog

from services.intake.inquiries.domain.message import Accepted, Incoming
from shared.errors import UnavailableError

MAX_BATCH = 256
MAX_WAITING = 8192

log = structlog.get_logger()

Outcome = Accepted | Exception


class Writer(Protocol):
    """Writes batches on a connection of its own."""

    async def write(self, batch: Sequence[Incoming]) -> list[Outcome]:
        """One outcome per message, in order; committed when this returns.

        No two messages of a batch share a conversation. A message that cannot be stored gets its
        exception as outcome and does not harm its neighbours; so does one that needs care
        (CareNeededError).
        """

    async def close(self) -> None: ...


class CareNeededError(Exception):
    """What the message means depends on more than its conversation's open inquiry: it is not stored
    yet. `inquiries.usecases.placing` decides then.
    """


class OverloadedError(UnavailableError):
    def __init__(self) -> None:
        super().__init__("overloaded", "too many messages wait to be stored; send it again later")


class NotRunningError(UnavailableError):
    def __init__(self) -> None:
        super().__init__(
            "not-accepting", "nothing is accepted now: see /intake/health/ready for the reason"
        )


class GroupCommitter:
    def __init__(self, writers: Sequence[Writer]) -> None:
        self._writers = writers
        self._waiting: deque[tuple[Incoming, asyncio.Future[Accepted]]] = deque()
        self._wake = asyncio.Event()
        self._written = asyncio.Event()
        self._running = False
        self._busy: set[Hashable] = set()

    async def accept(self, message: Incoming) -> Accepted:
        """Returns after the commit. Raises what kept this message from being stored."""
        if not self._running:
            raise NotRunningError
        if len(self._waiting) >= MAX_WAITING:
            raise OverloadedError
        future: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, future))
        self._wake.set()
        return await future

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop, then what still waits. A dead flusher ends the process."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                flushers = [group.create_task(self._flush(writer)) for writer in self._writers]
                await stop.wait()
                self._running = False
                while self._waiting or self._busy:
                    self._written.clear()
                    await self._written.wait()
                for flusher in flushers:
                    flusher.cancel()
        finally:
            # However it ended: nobody may wait for a flusher that is gone.
            self._running = False
            _fail(self._waiting)
            self._waiting.clear()
            for writer in self._writers:
                await writer.close()

    async def _flush(self, writer: Writer) -> None:
        while True:
            batch = self._next_batch()
            if not batch:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                outcomes = await _written(writer, [message for message, _ in batch])
            except asyncio.CancelledError:
                _fail(batch)  # stored or not: whoever sends it again will be told
                raise
            finally:
                self._busy.difference_update(_conversation(message) for message, _ in batch)
                self._wake.set()
                self._written.set()
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():  # its request is gone; the message is stored all the same
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _next_batch(self) -> list[tuple[Incoming, asyncio.Future[Accepted]]]:
        """Up to MAX_BATCH messages of distinct conversations, none of which is being written."""
        batch: list[tuple[Incoming, asyncio.Future[Accepted]]] = []
        later: list[tuple[Incoming, asyncio.Future[Accepted]]] = []
        waiting, busy = self._waiting, self._busy
        while waiting and len(batch) < MAX_BATCH:
            item = waiting.popleft()
            conversation = (item[0].channel, item[0].thread)
            if conversation in busy:
                later.append(item)
                continue
            busy.add(conversation)
            batch.append(item)
        waiting.extendleft(reversed(later))
        # Both flushers lock in the same order, so they cannot deadlock.
        batch.sort(key=lambda item: (item[0].channel, item[0].identity, item[0].thread))
        return batch


async def _written(writer: Writer, messages: Sequence[Incoming]) -> list[Outcome]:
    """Whatever one message did to the writer, it fails alone, and each request gets its answer."""
    try:
        return await writer.write(messages)
    except Exception as error:  # noqa: BLE001 - the boundary of the requests that wait
        if len(messages) == 1:
            return [error]
    return [(await _written(writer, [message]))[0] for message in messages]


def _fail(items: Iterable[tuple[Incoming, asyncio.Future[Accepted]]]) -> None:
    for _, future in items:
        if not future.done():
            future.set_exception(NotRunningError())


def _conversation(message: Incoming) -> tuple[str, str]:
    return (message.channel, message.thread)

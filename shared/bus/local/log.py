"""The log in memory and on disk: what is durable, where it ends, and the way to both.

Publishes that come while a transaction is being written go together into the next one. The newest
records of each partition stay in memory, so that groups which keep up never touch the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from zlib import crc32

from shared.bus.local.file import (
    LogFile,
    Range,
    StoredRow,
    pack_headers,
    row_id,
    unpack_headers,
)
from shared.bus.outage import Outage
from shared.bus.port import (
    BusUnavailableError,
    Partition,
    PublishFailedError,
    Received,
    Record,
    Topic,
)

_BATCH_RECORDS = 2_000
_EXPIRE_RECORDS = 500
_TAIL_RECORDS = 1_024
_TAIL_BYTES = 1_048_576

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Prepared = tuple[Partition, Record, bytes]
_Publish = tuple[list[_Prepared], "asyncio.Future[None]"]


class Log:
    """Belongs to one event loop."""

    def __init__(
        self,
        path: Path,
        topics: Sequence[Topic],
        *,
        unix_time: Callable[[], float],
        appended: Callable[[set[Partition]], None],
        outage: Outage,
    ) -> None:
        self._file = LogFile(path)
        self._topics = topics
        self._unix_time = unix_time
        self.outage = outage
        self._appended = appended
        self._queue: list[_Publish] = []
        self._dirty: dict[tuple[str, int], int] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._sole = asyncio.Lock()
        self._unfinished: set[asyncio.Task[Any]] = set()
        self._by_topic = {
            topic.name: [Partition(topic.name, number) for number in range(topic.partitions)]
            for topic in topics
        }

    async def open(self) -> None:
        """Raises BusUnavailableError."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="bus-writer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="bus-reader")
        try:
            self.extents = await _run(self._writer, self._file.open, self._topics)
        except BaseException:
            self._end_threads()
            raise
        self._tails = {partition: _Tail(extent.end) for partition, extent in self.extents.items()}
        ids = {extent.id: partition for partition, extent in self.extents.items()}
        self.committed: dict[tuple[str, Partition], int] = {
            (group, ids[number]): offset for group, number, offset in self._file.positions()
        }

    async def close(self) -> None:
        """Writes what waits, then lets go of the file."""
        if self._flushing is not None:
            await self._flushing
        await _run(self._reader, lambda: None)
        await _run(self._writer, self._file.close)
        self._end_threads()

    def check(self) -> None:
        """Raises BusUnavailableError while writing fails."""
        if self._failure is not None:
            raise BusUnavailableError(f"the local log cannot be written: {self._failure}")

    def partitions(self, topic: str) -> list[Partition]:
        """Raises ValueError for a topic that was not declared."""
        try:
            return self._by_topic[topic]
        except KeyError:
            raise ValueError(f"topic {topic} was not declared when the bus was opened") from None

    async def append(self, records: Sequence[Record]) -> None:
        """Returns when all are durable. Raises PublishFailedError, then none of them is there."""
        prepared: list[_Prepared] = []
        for record in records:
            partitions = self.partitions(record.topic)
            number = crc32(record.key.encode()) % len(partitions)
            prepared.append((partitions[number], record, pack_headers(record.headers)))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((prepared, done))
        self._flush_soon()
        await done

    def commit(self, group: str, partition: Partition, next_offset: int) -> None:
        """In force at once; in the file with the next transaction, a moment later."""
        self.committed[group, partition] = next_offset
        self._dirty[group, self.extents[partition].id] = next_offset
        self._flush_soon()

    def newest(self, partition: Partition, start: int, limit: int) -> list[Received] | None:
        """Records from memory; None when they must be read from the file."""
        return self._tails[partition].slice(start, limit)

    async def read(self, wanted: Sequence[tuple[Partition, int, int]]) -> list[list[Received]]:
        """Records from the file for each (partition, start, limit)."""
        ranges = [
            Range(self.extents[partition].id, start, self.extents[partition].end, limit)
            for partition, start, limit in wanted
        ]
        try:
            found = await _run(self._reader, self._file.read, ranges)
        except sqlite3.Error as error:
            raise BusUnavailableError(f"the local log cannot be read: {error}") from error
        for (partition, _, _), asked, rows in zip(wanted, ranges, found, strict=False):
            if not rows:
                extent = self.extents[partition]
                extent.start = max(extent.start, asked.end)
        return [
            [
                Received(partition, offset, key, value, unpack_headers(headers))
                for offset, key, headers, value in rows
            ]
            for (partition, _, _), rows in zip(wanted, found, strict=False)
        ]

    async def expire(self) -> int:
        """Forget what is older than its topic's retention; how many records went.

        Raises BusUnavailableError.
        """
        total, now = 0, int(self._unix_time())
        seconds = {topic.name: topic.retention_seconds for topic in self._topics}
        longest = max(seconds.values())
        # All that are in the file: what a topic of an earlier version held is forgotten as well.
        for partition in self.extents:
            total += await self._expire(partition, now - seconds.get(partition.topic, longest))
        return total

    async def shrink(self) -> None:
        """Move the write-ahead log into the file. Raises BusUnavailableError."""
        with _as_unavailable():
            await self._alone(self._file.shrink)

    async def _expire(self, partition: Partition, before: int) -> int:
        extent = self.extents[partition]
        total, gone = 0, _EXPIRE_RECORDS
        # Small bites, so that publishes get their turn between them.
        while gone == _EXPIRE_RECORDS:
            end = extent.end
            with _as_unavailable():
                gone, first = await self._alone(
                    self._file.expire, extent.id, before, _EXPIRE_RECORDS
                )
            extent.start = max(extent.start, end if first is None else first)
            self._tails[partition].forget(extent.start)
            total += gone
        return total

    def _flush_soon(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._queue or self._dirty:
            batch, positions = self._take()
            try:
                await self._write(batch, positions)
            except Exception as error:  # noqa: BLE001 - a dead flush would leave every caller waiting
                self._failure = error
                self.outage.failed(f"the local log cannot be written: {error}")
                await self._catch_up()
                for _, done in batch:
                    if not done.done():
                        done.set_exception(PublishFailedError(f"the local log failed: {error}"))
                if not self._queue:
                    # Positions wait for the next call: retrying here would be a busy loop.
                    self._dirty = positions | self._dirty
                    return
            else:
                self._failure = None
                self.outage.answered()

    def _take(self) -> tuple[list[_Publish], dict[tuple[str, int], int]]:
        size = 0
        taken = 0
        for prepared, _ in self._queue:
            if size and size + len(prepared) > _BATCH_RECORDS:
                break
            size += len(prepared)
            taken += 1
        batch, self._queue = self._queue[:taken], self._queue[taken:]
        positions, self._dirty = self._dirty, {}
        return batch, positions

    async def _write(
        self, batch: Sequence[_Publish], positions: dict[tuple[str, int], int]
    ) -> None:
        now = int(self._unix_time())
        rows: list[StoredRow] = []
        fresh: dict[Partition, list[Received]] = {}
        for prepared, _ in batch:
            for partition, record, headers in prepared:
                extent = self.extents[partition]
                new = fresh.setdefault(partition, [])
                offset = extent.end + len(new)
                rows.append((row_id(extent.id, offset), now, record.key, headers, record.value))
                new.append(Received(partition, offset, record.key, record.value, record.headers))
        ends = [(self.extents[p].end + len(new), self.extents[p].id) for p, new in fresh.items()]
        moved = [(group, number, offset) for (group, number), offset in positions.items()]
        async with self._sole:
            if rows:
                # On the loop: in a thread each statement would wait for the interpreter's lock.
                self._file.stage(rows, ends, moved)
                await _run(self._writer, self._file.commit)
            else:
                self._file.write_positions(moved)
        for partition, new in fresh.items():
            self._tails[partition].extend(new)
            self.extents[partition].end += len(new)
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        if fresh:
            self._appended(set(fresh))

    async def _catch_up(self) -> None:
        """A commit that failed may still be in the file; the next offsets must not meet it."""
        with contextlib.suppress(sqlite3.Error):
            for partition, found in (await self._alone(self._file.extents)).items():
                if self.extents[partition].end != found.end:
                    self.extents[partition].end = found.end
                    self._tails[partition] = _Tail(found.end)

    async def _alone(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """In the writer's thread while nobody writes, and to its end, also when the caller goes."""

        async def run() -> _T:
            async with self._sole:
                return await _run(self._writer, function, *args, **kwargs)

        task = asyncio.create_task(run())
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    def _end_threads(self) -> None:
        self._writer.shutdown(wait=False)
        self._reader.shutdown(wait=False)


@contextlib.contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BusUnavailableError(f"the local log cannot be maintained: {error}") from error


async def _run(
    pool: ThreadPoolExecutor, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    call = functools.partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(pool, call)


class _Tail:
    """The newest records of one partition, without a gap up to its end."""

    __slots__ = ("_bytes", "_first", "_records")

    def __init__(self, end: int) -> None:
        self._first = end
        self._records: list[Received] = []
        self._bytes = 0

    def slice(self, start: int, limit: int) -> list[Received] | None:
        at = start - self._first
        return self._records[at : at + limit] if at >= 0 else None

    def extend(self, new: Sequence[Received]) -> None:
        self._records += new
        self._bytes += sum(len(record.value) for record in new)
        if len(self._records) > 2 * _TAIL_RECORDS or self._bytes > _TAIL_BYTES:
            self._drop(max(len(self._records) // 2, len(self._records) - _TAIL_RECORDS))

    def forget(self, before: int) -> None:
        """Drop what the retention has removed from the file."""
        if before > self._first:
            self._drop(min(before - self._first, len(self._records)))

    def _drop(self, count: int) -> None:
        del self._records[:count]
        self._first += count
        self._bytes = sum(len(record.value) for record in self._records)

"""What only the local bus has: its file, its lock, its retention, and its own thread."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from services.root import maintained
from shared.bus.local import LocalBus
from shared.bus.local.file import pack_headers, unpack_headers
from shared.bus.port import BusUnavailableError, PublishFailedError, Record, Topic
from shared.runtime.lifecycle import running_loops
from tests.contracts.bus_support import read_until_quiet, take, values

_TOPIC = Topic("test", 4, 3_600)


class Wall:
    """Seconds since 1970 that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "bus.sqlite"


async def test_a_second_owner_is_refused_until_the_first_has_let_go(path: Path) -> None:
    first, second = LocalBus(path, [_TOPIC]), LocalBus(path, [_TOPIC])
    await first.start()
    with pytest.raises(BusUnavailableError, match="running process"):
        await second.start()
    await first.publish(_records(1))
    await first.stop()
    await second.start()
    await second.stop()


async def test_records_beyond_the_memory_come_from_the_file(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    await bus.publish(_records(6_000))
    async with bus.subscribe("slow", ["test"]) as member:
        oldest = await take(member, 6_000)
    assert sorted(values(oldest), key=int) == [str(i).encode() for i in range(6_000)]
    for key in range(16):
        mine = [int(record.value) for record in oldest if record.key == f"key-{key}"]
        assert mine == list(range(key, 6_000, 16))
    await bus.stop()


async def test_reading_on_while_publishing_gets_everything_once(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    async with bus.subscribe("one", ["test"]) as one, bus.subscribe("two", ["test"]) as two:
        seen = await asyncio.gather(take(one, 5_000), take(two, 5_000), _publish(bus, 5_000))
        assert await one.lag() == await two.lag() == 0
    for records in seen[:2]:
        assert sorted(values(records), key=int) == [str(i).encode() for i in range(5_000)]
    await bus.stop()


async def test_retention_forgets_what_is_older_and_nothing_else(path: Path) -> None:
    wall = Wall()
    bus = LocalBus(path, [_TOPIC], unix_time=wall)
    await bus.start()
    await bus.publish(_records(3_000, prefix="private-"))
    wall.now += 3_599
    await bus.publish(_records(10, prefix="young-"))
    assert await bus.maintain() == 0
    wall.now += 2
    assert await bus.maintain() == 3_000
    assert path.with_name(f"{path.name}-wal").stat().st_size == 0
    async with bus.subscribe("late", ["test"]) as member:
        assert await member.lag() == 10
        assert sorted(values(await take(member, 10))) == [f"young-{i}".encode() for i in range(10)]
        assert await member.lag() == 0
    await bus.stop()
    assert b"young-" in _on_disk(path)
    assert b"private-" not in _on_disk(path)


async def test_offsets_are_never_used_again(path: Path) -> None:
    wall = Wall()
    bus = LocalBus(path, [_TOPIC], unix_time=wall)
    await bus.start()
    await bus.publish(_records(40, keys=1))
    async with bus.subscribe("group", ["test"]) as member:
        last = (await take(member, 40))[-1]
    wall.now += 4_000
    assert await bus.maintain() == 40
    await bus.stop()
    bus = LocalBus(path, [_TOPIC], unix_time=wall)
    await bus.start()
    await bus.publish(_records(1, keys=1, prefix="new-"))
    async with bus.subscribe("group", ["test"]) as member:
        (new,) = await take(member, 1)
    assert (new.partition, new.offset) == (last.partition, last.offset + 1)
    await bus.stop()


async def test_a_member_that_fell_behind_the_retention_goes_on_with_the_rest(path: Path) -> None:
    wall = Wall()
    bus = LocalBus(path, [_TOPIC], unix_time=wall)
    await bus.start()
    async with bus.subscribe("group", ["test"]) as member:
        await bus.publish(_records(20, keys=1))
        await member.fetch(max_records=5, timeout_seconds=1)
        wall.now += 4_000
        await bus.publish(_records(5, keys=1, prefix="new-"))
        await bus.maintain()
        assert values(await take(member, 5)) == [f"new-{i}".encode() for i in range(5)]
        assert await member.lag() == 0
    await bus.stop()


async def test_a_failed_write_is_told_and_the_next_one_works(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    await bus.publish(_records(4))
    _execute(
        path,
        "CREATE TRIGGER full BEFORE INSERT ON records WHEN CAST(new.value AS TEXT) = 'broken'"
        " BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )
    with pytest.raises(PublishFailedError, match="disk full") as failed:
        await bus.publish([*_records(4), Record("test", "key-0", b"broken")])
    assert failed.value.confirmed == frozenset()
    with pytest.raises(BusUnavailableError, match="disk full"):
        await bus.ping()
    await bus.publish(_records(4, prefix="again-"))
    await bus.ping()
    async with bus.subscribe("group", ["test"]) as member:
        (seen,) = await read_until_quiet([member], [b"again-3"])
        seen += await take(member, 8 - len(seen)) if len(seen) < 8 else []
    assert len(seen) == 8
    await bus.stop()


async def test_a_position_of_before_a_rebalance_is_not_taken(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    async with bus.subscribe("group", ["test"]) as first:
        await bus.publish(_records(200))
        old = await take(first, 200, commit=False)
        async with bus.subscribe("group", ["test"]) as second:
            moved = {record.partition for record in await take(second, 1, commit=False)}
        (partition, *_) = moved
        stale = max(record.offset for record in old if record.partition == partition)
        assert not await first.commit(partition, stale + 1)
        again = await take(first, 1, commit=False)
        assert partition in {record.partition for record in again} | moved
    await bus.stop()


async def test_members_keep_what_they_have_when_others_come_and_go(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    async with bus.subscribe("group", ["test"]) as first:
        await bus.publish(_records(100))
        mine = await take(first, 100, commit=False)
        async with bus.subscribe("group", ["test"]), bus.subscribe("group", ["test"]):
            kept = {
                record.partition
                for record in mine
                if await first.commit(record.partition, record.offset + 1)
            }
            assert 1 <= len(kept) <= 2
    await bus.stop()


async def test_more_members_than_partitions_leaves_some_waiting(path: Path) -> None:
    bus = LocalBus(path, [Topic("test", 1, 60)])
    await bus.start()
    async with bus.subscribe("group", ["test"]) as first:
        async with bus.subscribe("group", ["test"]) as second:
            await bus.publish(_records(3))
            assert len(await take(first, 3, commit=False)) == 3
            assert await second.fetch(max_records=1, timeout_seconds=0.01) == {}
        assert await first.fetch(max_records=1, timeout_seconds=0.01) == {}
    await bus.stop()


async def test_a_stopped_bus_wakes_who_waits(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    async with bus.subscribe("group", ["test"]) as member:
        waiting = asyncio.create_task(member.fetch(max_records=1, timeout_seconds=600))
        await asyncio.sleep(0)
        await bus.stop()
        with pytest.raises(BusUnavailableError, match="stopped"):
            await waiting
        with pytest.raises(BusUnavailableError, match="stopped"):
            await member.lag()


async def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "bus.sqlite"
    broken.write_bytes(b"no database at all" * 100)
    bus = LocalBus(broken, [_TOPIC])
    with pytest.raises(BusUnavailableError, match="cannot be used"):
        await bus.start()
    _execute(tmp_path / "other.sqlite", "PRAGMA user_version = 99")
    with pytest.raises(BusUnavailableError, match="another release"):
        await LocalBus(tmp_path / "other.sqlite", [_TOPIC]).start()


async def test_a_new_topic_joins_an_old_file(path: Path) -> None:
    bus = LocalBus(path, [_TOPIC])
    await bus.start()
    await bus.publish(_records(3))
    await bus.stop()
    bus = LocalBus(path, [_TOPIC, Topic("second", 2, 60)])
    await bus.start()
    await bus.publish([Record("second", "k", b"v")])
    async with bus.subscribe("group", ["test", "second"]) as member:
        assert len(await take(member, 4)) == 4
    await bus.stop()


@pytest.mark.parametrize(
    "headers",
    [(), (("", b""),), (("a b 1", b"2 3"), ("a b 1", b"")), (("ü☃", bytes(range(256))),) * 3],
)
def test_headers_survive_packing(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert unpack_headers(pack_headers(headers)) == headers


def _records(count: int, *, keys: int = 16, prefix: str = "") -> list[Record]:
    return [Record("test", f"key-{i % keys}", f"{prefix}{i}".encode()) for i in range(count)]


async def _publish(bus: LocalBus, count: int) -> list[Record]:
    records = _records(count)
    for start in range(0, count, 37):
        await bus.publish(records[start : start + 37])
    return records


def _on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def _execute(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


async def test_a_log_that_cannot_be_maintained_ends_nothing(path: Path) -> None:
    wall = Wall()
    bus = LocalBus(path, [_TOPIC], unix_time=wall)
    await bus.start()
    await bus.publish(_records(1))
    wall.now += _TOPIC.retention_seconds + 1
    connection = bus._log._file._durable
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(BusUnavailableError, match="readonly"):
        await bus.maintain()
    async with running_loops([("bus.maintenance", maintained(bus))]) as failed:
        with pytest.raises(PublishFailedError, match="readonly"):
            await bus.publish(_records(1))
        assert not failed.is_set()
    connection.execute("PRAGMA query_only = OFF")
    await bus.publish(_records(1))
    assert await bus.maintain() == 1
    await bus.stop()

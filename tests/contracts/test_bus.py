"""Every promise of `shared.bus.port`, on each bus: a bus is done when this suite is green."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

import pytest

from shared.bus.open import open_bus
from shared.bus.port import (
    BusUnavailableError,
    Partition,
    PublishFailedError,
    Received,
    Record,
    RecordTooLargeError,
    Topic,
)
from shared.bus.size import MAX_RECORD_BYTES
from tests.contracts.bus_support import (
    PARTITIONS,
    Home,
    eventually,
    fetch_some,
    per_key,
    read_until_quiet,
    take,
    values,
)


@pytest.fixture(params=["local", "kafka"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "local":
        return Home(f"local://{tmp_path}/bus.sqlite")
    return Home(f"kafka://{request.getfixturevalue('kafka_bootstrap')}")


async def test_records_of_one_key_arrive_in_the_order_given(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        for start in range(0, 100, 20):
            await bus.publish(home.records(100)[start : start + 20])
        taken = per_key(await take(member, 100))
    assert taken == {
        f"key-{key}": [str(i).encode() for i in range(key, 100, 16)] for key in range(16)
    }


async def test_a_key_stays_in_its_partition_and_many_keys_use_all(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        await bus.publish(home.records(200, keys=50))
        taken = await take(member, 200)
    places = {(record.key, record.partition) for record in taken}
    assert len(places) == 50
    assert {place for _, place in places} == {
        Partition(home.topic.name, number) for number in range(PARTITIONS)
    }


async def test_offsets_grow_within_a_partition(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        await bus.publish(home.records(60, keys=1))
        offsets = [record.offset for record in await take(member, 60)]
    assert offsets == sorted(set(offsets))


async def test_each_group_gets_everything(home: Home) -> None:
    async with (
        home.running() as bus,
        bus.subscribe("one", [home.topic.name]) as one,
        bus.subscribe("two", [home.topic.name]) as two,
        bus.subscribe("three", [home.topic.name]) as three,
    ):
        await bus.publish(home.records(50))
        for member in (one, two, three):
            assert sorted(values(await take(member, 50))) == sorted(
                str(i).encode() for i in range(50)
            )


async def test_a_new_group_begins_at_the_oldest_record(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(10))
        async with bus.subscribe("late", [home.topic.name]) as member:
            assert len(await take(member, 10)) == 10


async def test_a_group_resumes_where_it_has_committed(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(20))
        async with bus.subscribe("group", [home.topic.name]) as member:
            await take(member, 20)
        await bus.publish(home.records(5, prefix="later-"))
        async with bus.subscribe("group", [home.topic.name]) as member:
            taken = await take(member, 5)
    assert sorted(values(taken)) == sorted(f"later-{i}".encode() for i in range(5))


async def test_what_was_not_committed_is_delivered_again(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(20))
        async with bus.subscribe("group", [home.topic.name]) as member:
            first = await take(member, 20, commit=False)
        async with bus.subscribe("group", [home.topic.name]) as member:
            again = await take(member, 20)
    assert per_key(again) == per_key(first)


async def test_a_commit_in_the_middle_of_a_batch_keeps_the_rest(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(10, keys=1))
        async with bus.subscribe("group", [home.topic.name]) as member:
            records = await take(member, 10, commit=False)
            assert await member.commit(records[0].partition, records[4].offset)
        async with bus.subscribe("group", [home.topic.name]) as member:
            again = await take(member, 6)
    assert values(again) == [str(i).encode() for i in range(4, 10)]


async def test_a_retry_comes_later_while_other_partitions_go_on(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        await bus.publish(home.records(40))
        first = await take(member, 40, commit=False)
        failed = first[0].partition
        mine = [record for record in first if record.partition == failed]
        begun = time.monotonic()
        await member.retry(failed, mine[1].offset, after_seconds=3)
        await bus.publish(home.records(40, prefix="next-"))
        others = [r for r in await take(member, 1, commit=False) if r.partition != failed]
        assert others
        again: list[Received] = []
        while len(again) < len(mine) - 1:
            again += (await fetch_some(member)).get(failed, [])
        assert time.monotonic() - begun >= 3
    assert values(again[: len(mine) - 1]) == values(mine[1:])


async def test_a_fetch_gives_no_more_than_asked_for(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        await bus.publish(home.records(50))
        found = await fetch_some(member, max_records=7)
        assert 0 < sum(map(len, found.values())) <= 7


async def test_a_fetch_is_empty_after_its_timeout_and_wakes_for_a_record(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        assert await member.fetch(max_records=10, timeout_seconds=0.05) == {}
        waiting = asyncio.create_task(member.fetch(max_records=10, timeout_seconds=50))
        await bus.publish(home.records(1))
        async with asyncio.timeout(30):
            assert sum(map(len, (await waiting).values())) == 1


async def test_two_members_share_and_who_leaves_hands_over(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as stays:
        async with bus.subscribe("group", [home.topic.name]) as leaves:
            await bus.publish(home.records(200, keys=50))
            await read_until_quiet([stays, leaves], [str(i).encode() for i in range(200)])
            await bus.publish(home.records(200, keys=50, prefix="shared-"))
            expected = [f"shared-{i}".encode() for i in range(200)]
            both = await read_until_quiet([stays, leaves], expected)
            places = [{record.partition for record in records} for records in both]
            assert places[0].isdisjoint(places[1])
            assert len(places[0]) == len(places[1]) == PARTITIONS // 2
            await bus.publish(home.records(200, keys=50, prefix="left-"))
            kept = await fetch_some(leaves)
        # Left without a commit: the other one gets these and everything else.
        expected = [f"left-{i}".encode() for i in range(200)]
        (rest,) = await read_until_quiet([stays], expected)
    redelivered = {record.value for records in kept.values() for record in records}
    assert redelivered <= set(values(rest))


async def test_a_rebalance_in_mid_handling_loses_nothing(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as first:
        await bus.publish(home.records(100, keys=50))
        handled = await take(first, 100, commit=False)
        async with bus.subscribe("group", [home.topic.name]) as second:
            lost = set()
            for partition in {record.partition for record in handled}:
                mine = [record for record in handled if record.partition == partition]
                if not await first.commit(partition, mine[-1].offset + 1):
                    lost |= set(values(mine))
            assert lost, "a second member must have taken something away"
            await bus.publish(home.records(100, keys=50, prefix="new-"))
            await read_until_quiet(
                [first, second], lost | {f"new-{i}".encode() for i in range(100)}
            )

            async def nothing_left() -> bool:
                await read_until_quiet([first, second], [])
                return await first.lag() == 0

            await eventually(nothing_left)


async def test_lag_counts_down_to_nothing(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(30))
        async with bus.subscribe("group", [home.topic.name]) as member:
            assert await member.lag() == 30
            records = await take(member, 30, commit=False)
            assert await member.lag() == 30
            for partition in {record.partition for record in records}:
                last = max(r.offset for r in records if r.partition == partition)
                assert await member.commit(partition, last + 1)
            assert await member.lag() == 0
            await bus.publish(home.records(3))
            assert await member.lag() == 3


async def test_progress_tells_how_far_the_whole_group_is(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(30))
        async with bus.subscribe("group", [home.topic.name]) as member:
            before = await member.progress()
            assert len(before) == home.topic.partitions
            assert sum(each.end - each.next_offset for each in before.values()) == 30
            await take(member, 30)
            after = await member.progress()
            assert {partition: each.next_offset for partition, each in after.items()} == {
                partition: each.end for partition, each in before.items()
            }


async def test_a_restart_keeps_records_and_positions(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish(home.records(20))
        async with bus.subscribe("group", [home.topic.name]) as member:
            await take(member, 20)
        await bus.publish(home.records(5, prefix="away-"))
    async with home.running() as bus:
        await bus.publish(home.records(5, prefix="back-"))
        async with bus.subscribe("group", [home.topic.name]) as member:
            taken = values(await take(member, 10))
        async with bus.subscribe("other", [home.topic.name]) as member:
            assert len(await take(member, 30)) == 30
    expected = [f"{prefix}-{i}".encode() for prefix in ("away", "back") for i in range(5)]
    assert sorted(taken) == sorted(expected)


async def test_every_confirmed_record_outlives_a_killed_publisher(home: Home) -> None:
    publisher = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.contracts.bus_publisher",
        home.url,
        home.topic.name,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    assert publisher.stdout is not None
    try:
        for _ in range(30):
            async with asyncio.timeout(60):
                assert await publisher.stdout.readline()
    finally:
        publisher.send_signal(signal.SIGKILL)
    said, _ = await publisher.communicate()
    confirmed = int(said.split()[-1]) if said.split() else 30 * 7
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        taken = await take(member, confirmed)
        assert {str(i).encode() for i in range(confirmed)} <= set(values(taken))
        for records in per_key(taken).values():
            assert records == sorted(records, key=int)
        await bus.publish(home.records(1, prefix="after"))


async def test_publishes_that_run_together_are_all_there(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        await asyncio.gather(*(bus.publish(home.records(3, prefix=f"{i}-")) for i in range(50)))
        taken = values(await take(member, 150))
    assert sorted(taken) == sorted(f"{i}-{j}".encode() for i in range(50) for j in range(3))


async def test_a_cancelled_publish_does_no_harm_to_others(home: Home) -> None:
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        tasks = [
            asyncio.create_task(bus.publish(home.records(1, prefix=f"{i}-"))) for i in range(20)
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bus.publish(home.records(1, prefix="end-"))
        seen = await read_until_quiet(
            [member], [f"{i}-0".encode() for i in range(1, 20, 2)] + [b"end-0"]
        )
    assert len(seen[0]) <= 21


async def test_bytes_headers_and_keys_come_out_as_they_went_in(home: Home) -> None:
    everything = bytes(range(256))
    records = [
        Record(home.topic.name, "größe-☃-😀", everything, (("ce_id", b"1"), ("ce_id", everything))),
        Record(home.topic.name, "", b"", (("empty", b""), ("ü", "ß".encode()))),
        Record(home.topic.name, "many words and 12 34", b"x", ()),
    ]
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        await bus.publish(records)
        first = await take(member, 3)
    async with home.running() as bus, bus.subscribe("again", [home.topic.name]) as member:
        second = await take(member, 3)
    for taken in (first, second):
        found = {(r.key, r.value, r.headers) for r in taken}
        assert found == {(r.key, r.value, r.headers) for r in records}


async def test_a_record_over_the_limit_is_refused_and_nothing_of_its_call_is_sent(
    home: Home,
) -> None:
    largest = b"x" * (MAX_RECORD_BYTES - 1)
    async with home.running() as bus, bus.subscribe("group", [home.topic.name]) as member:
        with pytest.raises(RecordTooLargeError) as refused:
            await bus.publish(
                [home.record("k", "small"), Record(home.topic.name, "k", largest + b"xx")]
            )
        assert refused.value.index == 1
        assert refused.value.confirmed == frozenset()
        await bus.publish([Record(home.topic.name, "k", largest), home.record("k", "last")])
        assert values(await take(member, 2)) == [largest, b"last"]


async def test_publishing_nothing_is_fine(home: Home) -> None:
    async with home.running() as bus:
        await bus.publish([])


async def test_an_undeclared_topic_is_a_mistake_that_is_told_at_once(home: Home) -> None:
    async with home.running() as bus:
        with pytest.raises(ValueError, match="not declared"):
            await bus.publish([Record("unknown", "k", b"")])
        with pytest.raises(ValueError, match="not declared"):
            async with bus.subscribe("group", ["unknown"]):
                pass


async def test_another_number_of_partitions_is_refused(home: Home) -> None:
    async with home.running():
        pass
    other = home.bus(Topic(home.topic.name, PARTITIONS + 1, home.topic.retention_seconds))
    with pytest.raises(BusUnavailableError, match="partitions"):
        await other.start()
    await other.stop()


async def test_stop_may_come_twice_and_ends_everything(home: Home) -> None:
    bus = home.bus()
    await bus.stop()
    await bus.start()
    await bus.ping()
    await bus.stop()
    await bus.stop()
    with pytest.raises(BusUnavailableError):
        await bus.ping()
    with pytest.raises(PublishFailedError):
        await bus.publish(home.records(1))
    with pytest.raises(BusUnavailableError):
        async with bus.subscribe("group", [home.topic.name]):
            pass


async def test_who_waits_for_records_learns_that_the_bus_has_stopped(home: Home) -> None:
    bus = home.bus()
    await bus.start()
    async with bus.subscribe("group", [home.topic.name]) as member:
        waiting = asyncio.create_task(member.fetch(max_records=1, timeout_seconds=2))
        await asyncio.sleep(0)
        await bus.stop()
        with contextlib.suppress(BusUnavailableError):
            assert await waiting == {}
        with pytest.raises(BusUnavailableError):
            await member.fetch(max_records=1, timeout_seconds=2)
        assert not await member.commit(Partition(home.topic.name, 0), 1)
        with pytest.raises(BusUnavailableError):
            await member.lag()


async def test_a_stopped_bus_starts_again(home: Home) -> None:
    bus = home.bus()
    await bus.start()
    await bus.publish(home.records(1))
    await bus.stop()
    await bus.start()
    async with bus.subscribe("group", [home.topic.name]) as member:
        assert len(await take(member, 1)) == 1
    await bus.stop()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bus.sqlite",
        "http://localhost:9092",
        "local://relative/bus.sqlite",
        "local://",
        "local:///bus.sqlite?mode=ro",
        "kafka://",
        "kafka://localhost",
        "kafka://localhost:9092/topic",
        "kafka://localhost:9092,",
        "kafka://localhost:9092?replication=many",
        "kafka://localhost:9092?replication=0",
        "kafka://localhost:9092?security=SASL",
        "kafka://localhost:9092?colour=blue",
        "kafka://user:secret@localhost:9092",
    ],
)
def test_a_url_that_means_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"kafka://|replication|security|no user and no password"):
        open_bus(url, [])


def test_a_local_url_without_a_file_uses_the_data_folder(tmp_path: Path) -> None:
    open_bus("local://", [], data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []

"""Warnings and breaches: each once, never early, also after an outage and side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from services.sla.deadlines.store.deadlines import change, next_action
from services.sla.tables import clock_events
from services.sla.timers import ticker as ticking
from services.sla.timers.ticker import Ticker
from shared.bus.port import Partition, Progress
from shared.db import Write
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench, utc


async def test_warnings_come_in_time_and_once(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 15:59:59"))
    assert await bench.tick() == 0
    bench.clock.set(berlin("2026-03-02 16:00"))
    await bench.tick()
    bench.clock.set(berlin("2026-03-03 09:00"))
    await bench.tick()
    bench.clock.set(berlin("2026-03-03 10:00"))
    await bench.tick()
    warnings = [each for each in await bench.published(inquiry.id) if "level" in each]
    assert [(each["level"], each["at"]) for each in warnings] == [
        ("75%", utc(berlin("2026-03-02 16:00"))),
        ("1h before end", utc(berlin("2026-03-03 09:00"))),
    ]
    assert await bench.story(inquiry.id) == ["started", "warning", "warning"]


async def test_a_breach_while_nobody_ran_is_told_once(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-06 12:00"))
    await bench.tick()
    await bench.tick()
    started, breached = await bench.published(inquiry.id)
    assert (breached["type"], breached["state"]) == ("deadline.breached", "breached")
    assert breached["due_at"] == utc(berlin("2026-03-03 10:00"))
    row = await bench.row(inquiry.id)
    assert (row["state"], row["next_action_at"]) == ("breached", None)
    await bench.hears(inquiry.answered(berlin("2026-03-06 12:00")))
    assert await bench.story(inquiry.id) == ["started", "breached", "met"]
    assert (await bench.published(inquiry.id))[-1]["state"] == "met_late"
    assert started["type"] == "deadline.started"


async def test_a_clock_that_is_set_back_tells_nothing_again(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    for moment in ("2026-03-02 16:00", "2026-03-02 12:00", "2026-03-02 16:30"):
        bench.clock.set(berlin(moment))
        await bench.tick()
    assert await bench.story(inquiry.id) == ["started", "warning"]


async def test_an_answer_that_is_heard_of_late_corrects_the_breach(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-03 11:00"))
    await bench.tick()
    await bench.hears(inquiry.answered(berlin("2026-03-03 09:30")))
    met = (await bench.published(inquiry.id))[-1]
    assert (met["type"], met["state"]) == ("deadline.met", "met")
    assert (await bench.row(inquiry.id))["breached_at"] is None


async def test_the_loop_waits_until_the_facts_are_in(bench: SlaBench) -> None:
    """Due clocks are left alone while facts wait on the bus, then told at once."""
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-03 11:00"))
    caught_up, looked = asyncio.Event(), asyncio.Event()

    async def look() -> dict[Partition, Progress]:
        looked.set()
        return {Partition("inquiries", 0): Progress(9 if caught_up.is_set() else 8, 9)}

    ticker = bench.ticker(poll_seconds=0.05, offsets=look)
    stop = asyncio.Event()
    running = asyncio.create_task(ticker.run(stop))
    async with asyncio.timeout(5):
        await looked.wait()
        assert await bench.story(inquiry.id) == ["started"]
        caught_up.set()
        while await bench.story(inquiry.id) != ["started", "breached"]:
            ticker.advance()
    stop.set()
    await asyncio.wait_for(running, 2)


async def test_a_clock_that_was_ahead_meanwhile_lets_nothing_fire_early(bench: SlaBench) -> None:
    due, not_yet = Inquiry(), Inquiry(received_at=berlin("2026-03-02 15:00"))
    await bench.hears(due.received(), not_yet.received())
    caught_up, looked = asyncio.Event(), asyncio.Event()

    async def look() -> dict[Partition, Progress]:
        looked.set()
        return {Partition("inquiries", 0): Progress(9 if caught_up.is_set() else 8, 9)}

    ticker = bench.ticker(poll_seconds=0.05, offsets=look)
    ticker.policy.applied.set()
    stop = asyncio.Event()
    bench.clock.set(berlin("2026-03-06 12:00"))  # days ahead of the truth
    running = asyncio.create_task(ticker.run(stop))
    async with asyncio.timeout(10):
        await looked.wait()
        bench.clock.set(berlin("2026-03-03 11:00"))  # the truth: one of them is breached by now
        looked.clear()
        await looked.wait()
        caught_up.set()
        while await bench.story(due.id) != ["started", "breached"]:
            ticker.advance()
    stop.set()
    await asyncio.wait_for(running, 2)
    assert "breached" not in await bench.story(not_yet.id)


async def test_a_clock_that_cannot_be_worked_off_holds_up_no_other(bench: SlaBench) -> None:
    broken, *others = (Inquiry() for _ in range(4))
    await bench.hears_together(*[each.received() for each in (broken, *others)])
    mine = clock_events.c.inquiry_id == broken.id

    def set_kind(tx: Write, kind: str) -> None:
        tx.execute(update(clock_events).where(mine).values(kind=kind))

    await bench.service.database.write(set_kind, "nonsense")
    bench.clock.set(berlin("2026-03-03 11:00"))
    assert await bench.tick() == 4
    assert await bench.tick() == 0
    for each in others:
        assert await bench.story(each.id) == ["started", "breached"]
    assert await bench.story(broken.id) == ["started"]
    await bench.service.database.write(set_kind, "started")
    bench.clock.set(berlin("2026-03-03 11:10"))
    assert await bench.tick() == 1
    assert await bench.story(broken.id) == ["started", "breached"]


async def test_what_came_after_the_moment_of_a_look_is_looked_at_again(bench: SlaBench) -> None:
    """A look at a moment of before must not put off what a fact since then has brought nearer."""
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 16:00:20"))
    await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
    bench.clock.set(berlin("2026-03-02 16:00:30"))
    await bench.post(f"deadlines/{inquiry.id}/resume")
    row = await bench.row(inquiry.id)
    await bench.service.database.write(
        lambda tx: change(tx, {inquiry.id: {"next_action_at": berlin("2026-03-02 16:00")}})
    )
    await bench.ticker().tick(berlin("2026-03-02 16:00:10"))
    assert await bench.story(inquiry.id) == ["started", "moved", "moved", "warning"]
    again = (await bench.row(inquiry.id))["next_action_at"]
    assert again == berlin("2026-03-02 16:00:20")
    await bench.ticker().tick(berlin("2026-03-02 16:00:40"))
    settled = await bench.row(inquiry.id)
    assert settled["due_at"] == row["due_at"]
    assert settled["next_action_at"] == row["due_at"] - timedelta(hours=1)


async def test_no_warning_of_before_is_told_to_those_who_stand_still(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 16:00:20"))
    await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
    await bench.service.database.write(
        lambda tx: change(tx, {inquiry.id: {"next_action_at": berlin("2026-03-02 16:00")}})
    )
    async with asyncio.timeout(10):
        for until in ("2026-03-02 16:00:10", "2026-03-02 16:00:20"):
            assert await _until_quiet(bench.ticker(), berlin(until)) == 1
    assert await bench.story(inquiry.id) == ["started", "moved"]
    assert (await bench.row(inquiry.id))["next_action_at"] == berlin("2026-03-16 16:00:20")


async def test_readiness_says_when_something_due_is_not_told(bench: SlaBench) -> None:
    await bench.hears(Inquiry().received())
    ticker = bench.ticker()
    bench.clock.set(berlin("2026-03-02 16:00:59"))
    assert await ticker.late() is None
    bench.clock.set(berlin("2026-03-02 16:02"))
    assert str(await ticker.late()).startswith("a warning or a breach has been due for 120 seconds")
    health = (await bench.http.get("/sla/health/ready")).json()
    assert health["checks"]["timers"]["status"] == "degraded"
    metrics = (await bench.http.get("/sla/metrics")).text
    assert "desk_timers_late_seconds 120.0" in metrics
    await bench.tick()
    assert await ticker.late() is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_instances_side_by_side_tell_each_once(database_url: str, tmp_path: Path) -> None:
    count = 2_000
    async with sla_bench(database_url, tmp_path) as bench:
        inquiries = [Inquiry() for _ in range(count)]
        for start in range(0, count, 200):
            await bench.hears_together(
                *[each.received() for each in inquiries[start : start + 200]]
            )
        bench.clock.set(berlin("2026-03-03 10:00:01"))
        async with sla_bench(database_url, tmp_path, now=bench.clock.now()) as other:
            instances = [bench.ticker(claim_rows=100), other.ticker(claim_rows=100)]
            due = bench.clock.now()
            fired = await asyncio.gather(*(_until_quiet(ticker, due) for ticker in instances))
        assert sum(fired) == count
        assert min(fired) > 0
        told = Counter(
            each["inquiry_id"]
            for each in await bench.published()
            if each["type"] == "deadline.breached"
        )
        assert told == {str(each.id): 1 for each in inquiries}


async def _until_quiet(ticker: Ticker, due_until: datetime) -> int:
    total = 0
    while fired := await ticker.tick(due_until):
        total += fired
    return total


async def test_what_is_due_is_told_when_the_watermark_advances(bench: SlaBench) -> None:
    """Long before the loop would look by itself."""
    ticker = bench.ticker(poll_seconds=60)
    stop = asyncio.Event()
    running = asyncio.create_task(ticker.run(stop))
    async with asyncio.timeout(10):
        await ticker.policy.applied.wait()
        inquiry = Inquiry()
        await bench.hears(inquiry.received())
        bench.clock.set(berlin("2026-03-02 16:00"))
        ticker.advance()
        while "warning" not in await bench.story(inquiry.id):
            pass
        # It has looked before: of what fires later it reads nothing that fired by then.
        bench.clock.set(berlin("2026-03-03 11:00"))
        ticker.advance()
        while "breached" not in await bench.story(inquiry.id):
            pass
    stop.set()
    await asyncio.wait_for(running, 2)


async def test_what_fell_due_before_the_watermark_is_found_all_the_same(
    bench: SlaBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instance wrote it, or a fact came late: a look at everything finds it."""
    monkeypatch.setattr(ticking, "WHOLE_QUERY_SECONDS", 0.3)
    first, late = Inquiry(), Inquiry(received_at=berlin("2026-03-02 09:30"))
    await bench.hears(first.received())
    ticker = bench.ticker(poll_seconds=0.05)
    ticker.policy.applied.set()
    stop = asyncio.Event()
    bench.clock.set(berlin("2026-03-03 11:00"))
    running = asyncio.create_task(ticker.run(stop))
    async with asyncio.timeout(10):
        while "breached" not in await bench.story(first.id):
            pass
        await bench.hears(late.received())
        while "breached" not in await bench.story(late.id):
            pass
    stop.set()
    await asyncio.wait_for(running, 2)


async def test_a_look_from_a_moment_on_passes_over_what_is_before(bench: SlaBench) -> None:
    early, late = Inquiry(), Inquiry(received_at=berlin("2026-03-04 10:00"))
    await bench.hears(early.received(), late.received())
    read = bench.service.database.read
    assert await read(next_action) == berlin("2026-03-02 16:00")
    assert await read(next_action, since=berlin("2026-03-02 16:00")) == berlin("2026-03-02 16:00")
    assert await read(next_action, since=berlin("2026-03-03 00:00")) == berlin("2026-03-04 16:00")
    assert await read(next_action, since=berlin("2026-03-05 00:00")) is None

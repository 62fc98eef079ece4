"""The service as the root runs it: facts over the local bus in, facts over the bus out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from services.sla.timers.watermark import ALLOWED_LATENESS, SOURCES
from shared.bus.local import LocalBus
from shared.bus.port import Record
from shared.db import Database, open_database
from shared.db.types import new_metadata
from shared.events import Envelope, Fact
from shared.events.catalogue import DEADLINES, INQUIRIES, PROGRESS
from shared.messaging import dead_letters, outbox
from shared.messaging.codec import record_of, to_envelope
from shared.messaging.control_events import RelayCaughtUp
from shared.messaging.relay import Relay
from shared.policy import parse_policy
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import running_loops
from shared.runtime.telemetry import Metrics
from shared.runtime.trace import new_traceparent
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench
from tests.support.receiver import receiver
from tests.support.states import read_only
from tests.unit.policy.raw import shipped

SECRET = "whsec_bm90aWZpY2F0aW9ucy1hcmUtc2lnbmVk"


@asynccontextmanager
async def running(bench: SlaBench) -> AsyncIterator[None]:
    """The loops of the service, on the database that the bench has opened."""
    await bench.service.database.stop()
    async with bench.service.running():
        yield
    await bench.service.database.start()


async def publish(bench: SlaBench, bus: LocalBus, *told: Fact) -> None:
    envelopes = [bench.envelope(fact) for fact in told]
    await bus.publish([_record(each.data, each.key, each.time, "/test") for each in envelopes])


async def all_is_told(
    bench: SlaBench, *, until: datetime | None = None, at: datetime | None = None
) -> None:
    """As the relays of intake and router say it, `at` that moment; left out: of all until now."""
    now = at or bench.clock.now()
    until = until or now + ALLOWED_LATENESS
    said = [RelayCaughtUp(service=service, until=until) for service in SOURCES]
    await bench.bus.publish([_record(each, each.service, now, f"/{each.service}") for each in said])


def _record(fact: Fact, key: str, time: datetime, source: str) -> Record:
    trace = new_traceparent()
    return record_of(fact, event_id=new_id(), key=key, traceparent=trace, time=time, source=source)


async def heard(bus: LocalBus, enough: Callable[[list[str]], bool]) -> list[str]:
    """The types published on the deadlines topic, read until they are enough."""
    types: list[str] = []
    async with bus.subscribe(f"test-{new_id()}", [DEADLINES]) as subscription, asyncio.timeout(20):
        while not enough(types):
            found = await subscription.fetch(max_records=100, timeout_seconds=0.2)
            envelopes: list[Envelope] = [
                to_envelope(record) for records in found.values() for record in records
            ]
            types += [each.data.TYPE for each in envelopes]
    return types


async def test_an_answer_that_waits_on_the_bus_prevents_a_false_breach(
    database_url: str, tmp_path: Path
) -> None:
    answered, forgotten = Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path) as bench, bench.on_the_bus():
        await publish(bench, bench.bus, answered.received(), forgotten.received())
        async with running(bench):
            await heard(bench.bus, lambda types: len(types) >= 2)
        # While nobody runs, one answer is given in time, and both deadlines pass.
        await publish(bench, bench.bus, answered.answered(berlin("2026-03-03 09:00")))
        bench.clock.set(berlin("2026-03-04 12:00"))
        await all_is_told(bench)
        async with running(bench):
            types = await heard(bench.bus, lambda types: len(types) >= 4)
        assert sorted(types) == [
            "deadline.breached",
            "deadline.met",
            "deadline.started",
            "deadline.started",
        ]
        assert await bench.story(answered.id) == ["started", "met"]
        assert await bench.story(forgotten.id) == ["started", "breached"]


async def test_an_answer_that_waits_at_intake_prevents_a_false_breach(
    database_url: str, tmp_path: Path
) -> None:
    """Its process has died, or the bus is away from it: nobody here can see the answer."""
    answered, forgotten = Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path) as bench, bench.on_the_bus():
        await publish(bench, bench.bus, answered.received(), forgotten.received())
        await all_is_told(bench)
        async with running(bench):
            await heard(bench.bus, lambda types: len(types) >= 2)
            bench.clock.set(berlin("2026-03-03 12:00"))
            # More than one look of the timers, and a word that comes before the deadline.
            await all_is_told(bench, until=berlin("2026-03-03 09:59"))
            warned = ["started", "warning", "warning"]
            await heard(bench.bus, lambda types: types.count("deadline.warning") >= 4)
            await asyncio.sleep(1.5)
            assert await bench.story(answered.id) == warned
            health = (await bench.http.get("/sla/health/ready")).json()
            assert health["checks"]["timers"]["status"] == "degraded"
            await publish(bench, bench.bus, answered.answered(berlin("2026-03-03 09:58")))
            await all_is_told(bench)
            await heard(bench.bus, lambda types: len(types) >= 8)
        assert await bench.story(answered.id) == [*warned, "met"]
        assert await bench.story(forgotten.id) == [*warned, "breached"]


@asynccontextmanager
async def relayed(bench: SlaBench, folder: Path) -> AsyncIterator[Database]:
    """The outbox of intake; it and an empty one of the router have relays of their own."""
    metadata = new_metadata()
    outbox.outbox_table(metadata)
    dead_letters.dead_letters_table(metadata)
    async with AsyncExitStack() as stack:
        databases = [open_database(f"sqlite:///{folder / f'{name}.sqlite'}") for name in SOURCES]
        loops = []
        for name, database in zip(SOURCES, databases, strict=True):
            await database.start()
            stack.push_async_callback(database.stop)
            await database.migration(metadata.create_all)
            relay = Relay(
                database=database, bus=bench.bus, clock=bench.clock, metrics=Metrics(name),
                source=f"/{name}", tells_progress=True,
            )  # fmt: skip
            loops.append((name, relay.run))
        await stack.enter_async_context(running_loops(loops))
        yield databases[SOURCES.index("intake")]


async def test_an_answer_that_is_being_written_prevents_a_false_breach(
    database_url: str, tmp_path: Path
) -> None:
    """It has its moment, and waits for a connection or a lock while the deadline passes."""
    answered, forgotten, at = Inquiry(), Inquiry(), berlin("2026-03-03 09:59:59")
    async with (
        sla_bench(database_url, tmp_path) as bench,
        bench.on_the_bus(),
        relayed(bench, tmp_path) as intake,
    ):
        received = [bench.envelope(each.received()) for each in (answered, forgotten)]
        await intake.write(outbox.record, received)
        async with running(bench):
            await heard(bench.bus, lambda types: len(types) >= 2)
            bench.clock.set(at)
            warned = ["started", "warning", "warning"]
            await heard(bench.bus, lambda types: types.count("deadline.warning") >= 4)
            with intake.writing():
                bench.clock.set(berlin("2026-03-03 10:00:30"))
                await progress(bench.bus, 6)
                assert await bench.story(answered.id) == await bench.story(forgotten.id) == warned
                await intake.write(outbox.record, [bench.envelope(answered.answered(at))])
            await heard(bench.bus, lambda types: len(types) >= 8)
        assert await bench.story(answered.id) == [*warned, "met"]
        assert await bench.story(forgotten.id) == [*warned, "breached"]


async def progress(bus: LocalBus, count: int) -> None:
    """Until intake and the router have said so many times more how far they are."""
    group = f"test-{new_id()}"
    async with bus.subscribe(group, [PROGRESS]) as subscription, asyncio.timeout(20):
        before = sum(each.end for each in (await subscription.progress()).values())
        while sum(each.end for each in (await subscription.progress()).values()) < before + count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_facts_replayed_into_an_older_database_cross_without_a_false_breach(
    sqlite_copy: str, tmp_path: Path
) -> None:
    """The router's come back before intake's, and what was said of neither still lies there."""
    inquiry, missed, thursday = Inquiry(), Inquiry(), berlin("2026-03-05 12:00")
    async with sla_bench(sqlite_copy, tmp_path, now=thursday) as bench, bench.on_the_bus():
        await all_is_told(bench, at=thursday - timedelta(seconds=5))
        # Heard before the backup; forgotten by it: what follows.
        await bench.hears(inquiry.received(), missed.received())
        late = inquiry.completed(berlin("2026-03-04 11:00"))
        held = inquiry.held(berlin("2026-03-02 11:00"), berlin("2026-03-04 12:00"))
        async with running(bench), asyncio.timeout(30):
            await publish(bench, bench.bus, inquiry.todo_created("inbound"), late)
            while (await bench.service.ready()).checks["consumers"].status != "ok":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while (await bench.row(inquiry.id))["answered_at"] is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.5)
            await publish(bench, bench.bus, held)
            await all_is_told(bench)
            await heard(bench.bus, lambda types: "deadline.breached" in types)
            while (await bench.row(inquiry.id))["state"] != "met":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "breached" not in await bench.story(inquiry.id)
        assert (await bench.story(missed.id))[-1] == "breached"


async def test_a_fact_that_cannot_be_goes_to_the_dead_letters(
    database_url: str, tmp_path: Path
) -> None:
    broken, whole = Inquiry(), Inquiry()
    async with sla_bench(database_url, tmp_path) as bench, bench.on_the_bus():
        backwards = broken.held(berlin("2026-03-02 11:00"), berlin("2026-03-02 10:30"))
        await publish(bench, bench.bus, broken.received(), backwards, whole.received())
        async with running(bench), asyncio.timeout(30):
            while not (letters := await bench.letters()):
                pass
            await heard(bench.bus, lambda types: types.count("deadline.started") >= 2)
        assert [each.topic for each in letters] == [INQUIRIES]
        assert "follow-up" in letters[0].reason


async def test_a_notification_of_what_the_bus_told_does_not_wait_for_the_next_look(
    database_url: str, tmp_path: Path
) -> None:
    policy = parse_policy(
        {**shipped(), "notifications": [{"name": "ops", "via": "webhook", "kinds": ["met"]}]}
    )
    async with receiver() as hook:
        notify = {"DESK_NOTIFY_OPS_URL": hook.url, "DESK_NOTIFY_OPS_SECRET": SECRET}
        async with (
            sla_bench(
                database_url, tmp_path, policy=policy, notify=notify, poll_seconds=60
            ) as bench,
            bench.on_the_bus(),
            running(bench),
            asyncio.timeout(20),
        ):
            # The first may be sent because the timers take up their work. The worker looks
            # again after it, then rests: the second is sent because it was told of it.
            for count in (1, 2):
                inquiry, at = Inquiry(), berlin("2026-03-02 11:00")
                await publish(bench, bench.bus, inquiry.received(), inquiry.answered(at))
                while len(hook.calls) < count:  # noqa: ASYNC110 - asked from outside
                    await asyncio.sleep(0.05)
                await asyncio.sleep(1)
    assert [call.json["data"]["kind"] for call in hook.calls] == ["met", "met"]


async def test_every_loop_waits_for_a_database_that_takes_no_writes(
    postgres_copy: str, tmp_path: Path
) -> None:
    policy = parse_policy(
        {**shipped(), "notifications": [{"name": "ops", "via": "webhook", "kinds": ["met"]}]}
    )
    early, late, at = Inquiry(), Inquiry(), berlin("2026-03-02 11:00")
    async with receiver() as hook:
        notify = {"DESK_NOTIFY_OPS_URL": hook.url, "DESK_NOTIFY_OPS_SECRET": SECRET}
        async with (
            sla_bench(
                postgres_copy, tmp_path, policy=policy, notify=notify, poll_seconds=0.2
            ) as bench,
            bench.on_the_bus(),
        ):
            await publish(bench, bench.bus, early.received())
            await bench.service.database.stop()
            async with bench.service.running() as failed, asyncio.timeout(40):
                await heard(bench.bus, lambda types: len(types) >= 1)
                async with read_only(postgres_copy):
                    await publish(bench, bench.bus, early.answered(at), late.received())
                    await asyncio.sleep(2)
                    health = (await bench.http.get("/sla/health/ready")).json()
                    assert health["checks"]["database"]["status"] == "down"
                    assert not failed.is_set(), "a loop has ended"
                await publish(bench, bench.bus, late.answered(at))
                while len(hook.calls) < 2:  # noqa: ASYNC110 - asked from outside
                    await asyncio.sleep(0.05)
            await bench.service.database.start()
            assert await bench.story(early.id) == ["started", "met"]


async def test_metrics_are_as_of_now_whoever_asks(bench: SlaBench) -> None:
    await bench.hears(Inquiry().received())
    bench.clock.advance(timedelta(seconds=90))
    answer = await bench.http.get("/sla/metrics")
    assert "desk_outbox_age_seconds 90.0" in answer.text

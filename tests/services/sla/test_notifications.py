"""Warnings and breaches reach those outside: signed, each once, also over faults on either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from services.sla.settings import SlaSettings
from services.sla.timers.tick import tick
from shared.notifications.domain import Attempt
from shared.notifications.store import Delivery
from shared.notifications.usecases import claim, record_attempt
from shared.notifications.worker import Counts, DeliveryHousekeeping, DeliveryWorker
from shared.policy import Policy, load_policy, parse_policy
from shared.runtime.telemetry import Metrics
from shared.text.references import reference_of
from tests.services.sla.desk import Inquiry, SlaBench, berlin, sla_bench, utc
from tests.services.sla.test_running import all_is_told, heard, publish, running
from tests.support.deliveries import OLD_SECRET, SECRET, worker
from tests.support.receiver import Receiver, receiver
from tests.unit.policy.raw import shipped

AFTER_THE_BREACH = berlin("2026-03-03 10:00:01")
CLAIM = timedelta(seconds=71)


def policy(*targets: dict[str, Any]) -> Policy:
    named = [{"name": "ops", "via": "webhook", **target} for target in targets]
    return parse_policy({**shipped(), "notifications": named})


@dataclass(slots=True)
class Told:
    bench: SlaBench
    receiver: Receiver
    worker: DeliveryWorker

    async def breach(self, **changes: Any) -> Inquiry:
        inquiry = Inquiry(**changes)
        await self.bench.hears(inquiry.received())
        self.bench.clock.set(AFTER_THE_BREACH)
        await self.bench.tick()
        return inquiry

    async def log(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.bench.get("notifications", **params))["items"]
        return found

    async def wait_and_deliver(self, by: timedelta) -> int:
        self.bench.clock.advance(by)
        return await self.worker.deliver_due()


@asynccontextmanager
async def told_bench(
    database_url: str, folder: Path, target: Mapping[str, Any]
) -> AsyncIterator[Told]:
    async with (
        receiver() as made,
        sla_bench(
            database_url,
            folder,
            policy=policy({"url": made.url, **target}),
            notify={"DESK_NOTIFY_OPS_SECRET": SECRET},
        ) as bench,
    ):
        yield Told(bench, made, worker(bench, made.url, seconds=3.0))


@pytest.fixture
async def told(database_url: str, tmp_path: Path) -> AsyncIterator[Told]:
    async with told_bench(database_url, tmp_path, {"kinds": ["breached", "met_late"]}) as made:
        yield made


async def test_a_breach_is_posted_once_and_signed(told: Told) -> None:
    inquiry = await told.breach()
    assert await told.worker.deliver_due() == 1
    assert await told.worker.deliver_due() == 0
    (call,) = told.receiver.calls
    assert call.path == "/hook"
    assert call.json["type"] == "deadline.breached"
    due_at = utc(berlin("2026-03-03 10:00"))
    assert call.json["data"] == {
        "kind": "breached",
        "event_id": call.headers["webhook-id"],
        "inquiry_id": str(inquiry.id),
        "reference": reference_of(inquiry.id),
        "conversation_id": str(inquiry.conversation_id),
        "channel": "email",
        "desk": None,
        "promise": call.json["data"]["promise"],
        "target": "first_answer",
        "state": "breached",
        "due_at": due_at,
    }
    at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), tz=UTC)
    assert at == AFTER_THE_BREACH
    signed = [
        Webhook(secret).sign(call.headers["webhook-id"], at, call.body.decode())
        for secret in (SECRET, OLD_SECRET)
    ]
    assert call.headers["webhook-signature"] == " ".join(signed)
    (row,) = await told.log()
    assert (row["state"], row["attempts"], row["last_status"]) == ("delivered", 1, 204)
    assert row["delivered_at"] == utc(AFTER_THE_BREACH)


async def test_nothing_of_the_customer_goes_out(told: Told) -> None:
    await told.breach()
    await told.worker.deliver_due()
    assert b"Anmeldung" not in told.receiver.calls[0].body


async def test_the_event_is_the_one_on_the_bus(told: Told) -> None:
    """So a receiver that reads both can tell that they are the same."""
    await told.breach()
    (row,) = await told.log()
    shown = await told.bench.get(f"notifications/{row['id']}")
    assert shown["body"]["data"]["event_id"] == row["event_id"]
    assert row["kind"] == "breached"


async def test_a_failed_try_is_repeated_under_the_same_id_with_a_new_time(told: Told) -> None:
    told.receiver.answers = ["500 Oops", "503 Busy\r\nRetry-After: 3600"]
    await told.breach()
    await told.worker.deliver_due()
    (row,) = await told.log(state="pending")
    assert (row["attempts"], row["last_status"]) == (1, 500)
    assert row["last_error"] == "the receiver answers 500"
    assert await told.wait_and_deliver(timedelta(seconds=4.9)) == 0
    assert await told.wait_and_deliver(timedelta(seconds=0.1)) == 1
    # It asked to be left alone for an hour, which is more than the usual 15 seconds.
    assert await told.wait_and_deliver(timedelta(minutes=59)) == 0
    assert await told.wait_and_deliver(timedelta(minutes=1)) == 1
    assert [row["state"] for row in await told.log()] == ["delivered"]
    calls = told.receiver.calls
    assert len({call.headers["webhook-id"] for call in calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in calls}) == 3
    assert len({call.body for call in calls}) == 1


@pytest.mark.parametrize("answer", ["302 Found\r\nLocation: /elsewhere", "404 No", "429 Slower"])
async def test_what_is_no_2xx_is_tried_again(told: Told, answer: str) -> None:
    told.receiver.answers = [answer]
    await told.breach()
    await told.worker.deliver_due()
    assert len(told.receiver.calls) == 1
    (row,) = await told.log()
    assert (row["state"], row["last_status"]) == ("pending", int(answer[:3]))
    assert await told.wait_and_deliver(timedelta(seconds=5)) == 1
    assert [row["state"] for row in await told.log()] == ["delivered"]


async def test_a_receiver_that_is_gone_is_not_asked_again(told: Told) -> None:
    told.receiver.answers = ["410 Gone"]
    await told.breach()
    await told.worker.deliver_due()
    (row,) = await told.log(state="failed")
    assert (row["last_status"], row["next_attempt_at"]) == (410, None)
    assert "take the target out of the policy" in row["last_error"]
    assert await told.wait_and_deliver(timedelta(days=1)) == 0


async def test_after_three_days_it_has_failed_and_can_be_sent_again(told: Told) -> None:
    told.receiver.answers = ["500 Oops"] * 100
    await told.breach()
    begun, tries = told.bench.clock.now(), 0
    while (rows := await told.log(state="pending")) and tries < 50:
        assert await told.worker.deliver_due() == 1
        tries += 1
        (row,) = await told.log()
        if row["next_attempt_at"]:
            told.bench.clock.set(datetime.fromisoformat(row["next_attempt_at"]))
    assert rows == []
    assert 15 < tries < 25
    assert told.bench.clock.now() - begun == timedelta(days=3)
    (row,) = await told.log(state="failed")
    told.receiver.answers = []
    with capture_logs() as logs:
        answer = await told.bench.post(f"notifications/{row['id']}/resend")
    (line,) = [each for each in logs if each["event"] == "notification.resent"]
    assert (line["notification_id"], line["key_name"]) == (row["id"], "anna")
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    assert await told.worker.deliver_due() == 1
    assert [row["state"] for row in await told.log()] == ["delivered"]
    assert len({call.headers["webhook-id"] for call in told.receiver.calls}) == 1


async def test_a_try_of_before_settles_nothing_that_is_sent_again(told: Told) -> None:
    await told.breach()
    database, clock = told.bench.service.database, told.bench.clock
    (stored,) = await told.log()

    async def claimed() -> Delivery:
        leased_until = clock.now() + CLAIM
        (found,) = await database.write(
            claim, "ops", now=clock.now(), leased_until=leased_until, limit=8
        )
        return found

    async def settled(tried: Delivery, attempt: Attempt) -> dict[str, Any]:
        await database.write(record_attempt, tried, attempt, now=clock.now(), jitter=0.5)
        (shown,) = await told.log()
        return shown

    before = await claimed()
    clock.advance(timedelta(seconds=1))
    assert (await told.bench.post(f"notifications/{stored['id']}/resend")).status_code == 200
    again = await claimed()
    for stale in (Attempt(delivered=False, status=410, gone=True), Attempt(delivered=True)):
        assert (await settled(before, stale))["state"] == "pending"
    shown = await settled(again, Attempt(delivered=False, status=503))
    assert (shown["state"], shown["last_status"]) == ("pending", 503)
    assert shown["next_attempt_at"] == utc(clock.now() + timedelta(seconds=5))


async def test_a_way_to_send_that_breaks_is_a_failed_try(told: Told) -> None:
    class Broken:
        async def send(self, event_id: UUID, body: str) -> Attempt:
            del event_id, body
            raise RuntimeError("https://user:secret@example.org")

        async def close(self) -> None:
            pass

    await told.breach()
    told.worker._sender = Broken()
    assert await told.worker.deliver_due() == 1
    (shown,) = await told.log()
    assert (shown["state"], shown["attempts"]) == ("pending", 1)
    assert shown["last_error"] == "the way to it failed: RuntimeError"


async def test_a_slow_receiver_is_left_after_its_time(told: Told) -> None:
    never = asyncio.Event()

    async def says_nothing() -> str:
        await never.wait()
        return "200 OK"

    told.receiver.answers = [says_nothing]
    await told.breach()
    await told.worker.deliver_due()
    (row,) = await told.log()
    assert (row["state"], row["last_error"]) == ("pending", "no answer within 3 seconds")
    never.set()


async def test_a_receiver_that_is_not_there_is_tried_again(told: Told) -> None:
    await told.breach()
    nowhere = worker(told.bench, "http://127.0.0.1:1/")
    await nowhere.deliver_due()
    (row,) = await told.log()
    assert (row["state"], row["last_status"]) == ("pending", None)
    assert row["last_error"].startswith("ConnectError: ")


async def test_death_after_the_answer_sends_the_same_id_again(told: Told) -> None:
    """The database is away when the receiver has answered, as it is for a process that died."""

    async def takes_the_database_away() -> str:
        await told.bench.service.database.stop()
        return "200 OK"

    told.receiver.answers = [takes_the_database_away]
    await told.breach()
    await told.worker.deliver_due()
    await told.bench.service.database.start()
    assert [row["state"] for row in await told.log()] == ["pending"]
    successor = worker(told.bench, told.receiver.url)
    assert await successor.deliver_due() == 0, "the claim still holds"
    told.bench.clock.advance(CLAIM)
    assert await successor.deliver_due() == 1
    first, second = told.receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    (row,) = await told.log()
    assert (row["state"], row["attempts"]) == ("delivered", 2)


async def test_death_while_it_waits_for_the_answer(told: Told) -> None:
    arrived, never = asyncio.Event(), asyncio.Event()

    async def says_nothing() -> str:
        arrived.set()
        await never.wait()
        return "200 OK"

    told.receiver.answers = [says_nothing]
    await told.breach()
    dying = asyncio.create_task(told.worker.deliver_due())
    await asyncio.wait_for(arrived.wait(), 5)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    never.set()
    assert await told.wait_and_deliver(CLAIM) == 1
    first, second = told.receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_two_instances_send_each_once(told: Told) -> None:
    inquiries = [Inquiry() for _ in range(60)]
    await told.bench.hears_together(*[each.received() for each in inquiries])
    told.bench.clock.set(AFTER_THE_BREACH)
    await told.bench.tick()
    other = worker(told.bench, told.receiver.url)

    async def until_quiet(one: DeliveryWorker) -> None:
        while await one.deliver_due():
            pass

    await asyncio.gather(until_quiet(told.worker), until_quiet(other))
    sent = [call.json["data"]["inquiry_id"] for call in told.receiver.calls]
    assert sorted(sent) == sorted(str(each.id) for each in inquiries)


async def test_a_target_hears_of_its_kinds_and_desks_only(
    database_url: str, tmp_path: Path
) -> None:
    wants = {"kinds": ["warning", "met_late", "cancelled", "moved"], "desks": ["technical"]}
    async with told_bench(database_url, tmp_path, wants) as told:
        bench = told.bench
        late, closed, elsewhere, nowhere = (Inquiry() for _ in range(4))
        for each in (late, closed, elsewhere, nowhere):
            await bench.hears(each.received())
        await bench.hears(late.todo_created("technical"), closed.todo_created("technical"))
        await bench.hears(elsewhere.todo_created("inbound"))
        bench.clock.set(berlin("2026-03-02 16:00"))
        await bench.tick()
        await bench.hears(closed.closed(berlin("2026-03-02 16:30")))
        bench.clock.set(AFTER_THE_BREACH)
        await bench.tick()
        at = berlin("2026-03-03 11:00")
        await bench.hears(*(each.answered(at) for each in (late, elsewhere, nowhere)))
        rows = await told.log()
    stories = {
        each.id: [row["kind"] for row in reversed(rows) if row["inquiry_id"] == str(each.id)]
        for each in (late, closed, elsewhere, nowhere)
    }
    assert stories[late.id][0] == "warning"
    assert stories[late.id][-1] == "met_late"
    assert "breached" not in stories[late.id]
    assert stories[closed.id] == ["warning", "cancelled"]
    assert stories[elsewhere.id] == stories[nowhere.id] == []


async def test_a_fact_that_is_not_stored_is_not_sent(told: Told) -> None:
    inquiry = Inquiry()
    await told.bench.hears(inquiry.received())
    told.bench.clock.set(AFTER_THE_BREACH)

    def fails_at_the_end(tx: Any) -> None:
        due = AFTER_THE_BREACH
        assert (
            tick(tx, policy_versions=told.bench.policy_versions, due_until=due, now=due, limit=10)
            == 1
        )
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="power"):
        await told.bench.service.database.write(fails_at_the_end)
    assert await told.log() == []


async def test_the_list_has_filters_and_pages(told: Told) -> None:
    for _ in range(5):
        await told.bench.hears(Inquiry().received())
    told.bench.clock.set(AFTER_THE_BREACH)
    await told.bench.tick()
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await told.bench.get("notifications", limit=2, target="ops", **cursor)
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert await told.log(state="delivered") == []
    for wrong in ({"state": "lost"}, {"target": "nobody"}):
        refused = await told.bench.http.get("/sla/v1/notifications", params=wrong)
        assert refused.status_code == 422


async def test_a_filter_that_no_database_can_hold_is_refused(told: Told) -> None:
    answer = await told.bench.http.get("/sla/v1/notifications", params={"target": "a\0b"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_does_not_exist_cannot_be_shown_or_sent_again(told: Told) -> None:
    nothing = uuid4()
    shown = await told.bench.http.get(f"/sla/v1/notifications/{nothing}")
    sent = await told.bench.post(f"notifications/{nothing}/resend")
    assert (shown.status_code, sent.status_code) == (404, 404)
    assert (
        shown.json()["type"]
        == sent.json()["type"]
        == ("urn:inbound-desk:problem:unknown-notification")
    )


async def test_a_target_that_left_the_policy_is_given_up_in_the_end(
    database_url: str, tmp_path: Path
) -> None:
    async with told_bench(database_url, tmp_path, {}) as told:
        await told.breach()
    async with sla_bench(database_url, tmp_path, policy=load_policy()) as bench:
        settings, counts = SlaSettings(), Counts.of(Metrics("test"))
        housekeeping = DeliveryHousekeeping(
            [], database=bench.service.database, clock=bench.clock, settings=settings, counts=counts
        )
        bench.clock.set(AFTER_THE_BREACH + timedelta(days=2))
        await housekeeping.tidy(asyncio.Event())
        (row,) = (await bench.get("notifications", state="pending"))["items"]
        answer = await bench.post(f"notifications/{row['id']}/resend")
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("notification-target-gone")
        bench.clock.set(AFTER_THE_BREACH + timedelta(days=3))
        await housekeeping.tidy(asyncio.Event())
        (row,) = (await bench.get("notifications", state="failed"))["items"]
        assert "no such target" in row["last_error"]
        bench.clock.set(AFTER_THE_BREACH + timedelta(days=31))
        await housekeeping.tidy(asyncio.Event())
        assert (await bench.get("notifications"))["items"] == []


async def test_the_running_service_tells_by_itself(database_url: str, tmp_path: Path) -> None:
    """Facts over the bus in, timers, a post out: nobody drives anything."""
    async with told_bench(database_url, tmp_path, {}) as told:
        bench = told.bench
        async with bench.on_the_bus():
            await publish(bench, bench.bus, Inquiry().received())
            async with running(bench):
                await heard(bench.bus, lambda types: len(types) >= 1)
            bench.clock.set(AFTER_THE_BREACH)
            await all_is_told(bench)
            async with running(bench), asyncio.timeout(20):
                await heard(bench.bus, lambda types: "deadline.breached" in types)
                while 'outcome="delivered"' not in (await bench.http.get("/sla/metrics")).text:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        assert [call.json["data"]["kind"] for call in told.receiver.calls] == ["breached"]

"""What happens to ToDos reaches those outside: signed, stored with the fact, per desk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks import Webhook

from services.router.notifications.wording import words_of
from services.router.todos.usecases import desk_work
from services.router.todos.usecases.desk_work import By
from shared.db import Write
from shared.events.catalogue import TODOS
from shared.messaging.envelope import BY_TYPE
from shared.policy import TODO_KINDS, Policy, parse_policy
from shared.runtime.lifecycle import running_loops
from shared.text.references import reference_of
from tests.services.router.desk import READER, Desk, Inquiry, opened
from tests.support.clock import ManualClock
from tests.support.deliveries import SECRET, worker
from tests.support.receiver import Receiver, receiver
from tests.unit.policy.raw import shipped

EVERYTHING = sorted(TODO_KINDS)
SECRETS = ("fax", "0815", "Passwort")
TEXT = "Fehler bei der Anmeldung: mein Passwort fax-0815 ist abgestürzt."


def policy(*targets: dict[str, Any]) -> Policy:
    named = [{"via": "webhook", "kinds": EVERYTHING, **target} for target in targets]
    return parse_policy({**shipped(), "notifications": named})


@dataclass(slots=True)
class Notified:
    desk: Desk
    receiver: Receiver

    async def log(self, **params: Any) -> list[dict[str, Any]]:
        """The delivery log, the oldest first."""
        found: list[dict[str, Any]] = (await self.desk.get("notifications", **params))["items"]
        return found[::-1]

    async def told(self, target: str) -> list[str]:
        """The kinds of what goes to the target, in order."""
        return [row["kind"] for row in await self.log(target=target)]

    async def body(self, row: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.desk.get(f"notifications/{row['id']}"))["body"]
        return found


@asynccontextmanager
async def notified_desk(
    database_url: str, folder: Path, clock: ManualClock, *targets: dict[str, Any]
) -> AsyncIterator[Notified]:
    async with receiver() as hook:
        made = policy(*({"url": hook.url, **target} for target in targets))
        notify = {f"DESK_NOTIFY_{each.name.upper()}_SECRET": SECRET for each in made.notifications}
        async with opened(database_url, folder, clock, policy=made, notify=notify) as desk:
            yield Notified(desk, hook)


@pytest.fixture
async def notified(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Notified]:
    """One target for each desk."""
    targets = ({"name": name, "desks": [name]} for name in ("technical", "inbound", "review"))
    async with notified_desk(database_url, tmp_path, clock, *targets) as made:
        yield made


def test_every_fact_about_a_todo_is_a_kind_that_the_policy_may_name() -> None:
    facts = {name for name, fact in BY_TYPE.items() if TODOS.endswith(fact.AGGREGATE)}
    assert facts == TODO_KINDS


async def test_a_receiver_verifies_it_with_the_library(notified: Notified) -> None:
    desk = notified.desk
    desk.clock.set(datetime.now(UTC))
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.started(desk.clock.now() + timedelta(hours=8)), inquiry.received(TEXT))
    todo = await desk.todo_of(inquiry)
    assert todo["desk"] == "technical"
    sending = worker(desk, notified.receiver.url, name="technical")
    assert await sending.deliver_due() == 1
    assert await sending.deliver_due() == 0
    (call,) = notified.receiver.calls
    body = Webhook(SECRET).verify(call.body, call.headers)
    (row,) = await notified.log()
    (envelope,) = await desk.told()
    assert (row["state"], row["event_id"]) == ("delivered", call.headers["webhook-id"])
    assert body == {
        "type": "todo.created",
        "timestamp": todo["created_at"],
        "data": {
            "event_id": str(envelope.id),
            "todo_id": todo["id"],
            "inquiry_id": todo["inquiry_id"],
            "reference": reference_of(inquiry.inquiry_id),
            "conversation_id": str(inquiry.conversation_id),
            "channel": "web_form",
            "desk": "technical",
            "kind": "technical",
            "state": "open",
            "assignee": None,
            "due_at": todo["due_at"],
        },
    }


async def test_each_desk_hears_of_its_todos(notified: Notified) -> None:
    desk = notified.desk
    todo = await desk.new_todo(TEXT)
    path = f"/todos/{todo['id']}"
    for move, body in (
        ("claim", None),
        ("release", None),
        ("reroute", {"desk": "inbound", "reason": "Passwort, so the account team"}),
        ("complete", None),
        ("reopen", {"reason": "the fax came back"}),
        ("dismiss", {"reason": "spam"}),
    ):
        assert (await desk.post(f"{path}/{move}", body)).status_code == 200
    taken = ["todo.created", "todo.claimed", "todo.released", "todo.rerouted"]
    assert await notified.told("technical") == taken
    given = ["todo.rerouted", "todo.completed", "todo.reopened", "todo.dismissed"]
    assert await notified.told("inbound") == given
    assert await notified.told("review") == []
    bodies = [await notified.body(row) for row in await notified.log(target="inbound")]
    shown = [
        {name: body["data"].get(name) for name in ("desk", "state", "assignee", "by", "reason")}
        for body in bodies
    ]
    nobody = {"desk": "inbound", "assignee": None, "by": "Anna", "reason": None}
    assert shown == [
        {**nobody, "state": "open"},
        {**nobody, "state": "done", "assignee": "Anna"},
        {**nobody, "state": "open"},
        {**nobody, "state": "dismissed", "assignee": "Anna", "reason": "spam"},
    ]
    assert bodies[0]["data"]["from_desk"] == "technical"
    claimed = await notified.body((await notified.log(target="technical"))[1])
    assert (claimed["data"]["assignee"], claimed["data"]["state"]) == ("Anna", "claimed")


async def test_a_rerouting_is_one_event_for_both_desks(notified: Notified) -> None:
    todo = await notified.desk.new_todo(TEXT)
    await notified.desk.post(f"/todos/{todo['id']}/reroute", {"desk": "inbound", "reason": "ours"})
    rows = [row for row in await notified.log() if row["kind"] == "todo.rerouted"]
    assert sorted(row["target"] for row in rows) == ["inbound", "technical"]
    assert len({row["event_id"] for row in rows}) == 1
    assert len({row["id"] for row in rows}) == 2


async def test_what_intake_reports_is_notified_of_too(notified: Notified) -> None:
    desk = notified.desk
    inquiries = [Inquiry(desk.clock.now()) for _ in range(3)]
    await desk.hears_together(*(each.received(TEXT) for each in inquiries))
    await desk.hears_together(*(each.answered() for each in inquiries[:2]))
    rows = await notified.log(target="technical")
    done = [row["inquiry_id"] for row in rows if row["kind"] == "todo.completed"]
    assert sorted(done) == sorted(str(each.inquiry_id) for each in inquiries[:2])
    assert len(rows) == 5
    (last,) = [await notified.body(row) for row in rows[-1:]]
    assert (last["data"]["state"], last["data"]["by"]) == ("done", "Carla")


async def test_a_verdict_is_named(notified: Notified) -> None:
    todo = await notified.desk.new_todo("Guten Tag")
    assert todo["desk"] == "review"
    verdict = {"verdict": "technical", "reason": "fax-0815"}
    answer = await notified.desk.post(f"/todos/{todo['id']}/verdict", verdict)
    assert answer.status_code == 200, answer.text
    (row,) = await notified.log(target="technical")
    data = (await notified.body(row))["data"]
    assert (data["from_desk"], data["verdict"]) == ("review", "technical")


async def test_an_appeal_is_no_common_reopening(notified: Notified) -> None:
    todo = await notified.desk.new_todo("Guten Tag")
    path = f"/todos/{todo['id']}"
    for verb, body in (
        ("verdict", {"verdict": "spam"}),
        ("appeal", {"reason": "fax-0815"}),
        ("verdict", {"verdict": "spam"}),
        ("reopen", {"reason": "fax-0815"}),
    ):
        answer = await notified.desk.post(f"{path}/{verb}", body)
        assert answer.status_code == 200, answer.text
    rows = [row for row in await notified.log(target="review") if row["kind"] == "todo.reopened"]
    shown = [(await notified.body(row))["data"] for row in rows]
    assert [data.get("time_left") for data in shown] == [True, None]
    assert {data["desk"] for data in shown} == {"review"}


async def test_an_assignment_names_who_gave_it(notified: Notified) -> None:
    todo = await notified.desk.new_todo(TEXT)
    given = {"assignee": "Bert", "as_supervisor": True}
    answer = await notified.desk.post(f"/todos/{todo['id']}/assign", given)
    assert answer.status_code == 200, answer.text
    data = (await notified.body((await notified.log())[-1]))["data"]
    assert (data["assignee"], data["by"], data["state"]) == ("Bert", "Anna", "claimed")


async def test_nothing_of_the_customer_goes_out(notified: Notified) -> None:
    todo = await notified.desk.new_todo(TEXT)
    path = f"/todos/{todo['id']}"
    reason = {"reason": "the customer wrote: fax-0815"}
    await notified.desk.post(f"{path}/reroute", {"desk": "inbound", **reason})
    await notified.desk.post(f"{path}/complete")
    await notified.desk.post(f"{path}/reopen", reason)
    bodies = [json.dumps(await notified.body(row)) for row in await notified.log()]
    assert len(bodies) == 5
    assert not [body for body in bodies for secret in SECRETS if secret in body]


async def test_a_target_hears_of_its_kinds_only(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    target = {"name": "ops", "kinds": ["breached", "todo.dismissed"]}
    async with notified_desk(database_url, tmp_path, clock, target) as notified:
        todo = await notified.desk.new_todo(TEXT)
        assert await notified.log() == []
        await notified.desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})
        assert await notified.told("ops") == ["todo.dismissed"]


async def test_a_fact_that_is_not_stored_is_not_sent(notified: Notified) -> None:
    desk = notified.desk
    todo = await desk.new_todo(TEXT)
    before = await notified.log()

    def fails_at_the_end(tx: Write) -> None:
        desk_work.release(tx, todo_id=UUID(todo["id"]), by=By("Anna", desk.clock.now()))
        raise RuntimeError("the power went")

    await desk.post(f"/todos/{todo['id']}/claim")
    with pytest.raises(RuntimeError, match="power"):
        await desk.service.database.write(fails_at_the_end)
    assert len(await notified.log()) == len(before) + 1


async def test_what_failed_is_tried_again_and_can_be_sent_again(notified: Notified) -> None:
    notified.receiver.answers = ["500 Oops"]
    await notified.desk.new_todo(TEXT)
    sending = worker(notified.desk, notified.receiver.url, name="technical")
    await sending.deliver_due()
    (row,) = await notified.log(state="pending")
    assert (row["attempts"], row["last_status"]) == (1, 500)
    notified.desk.clock.advance(timedelta(seconds=5))
    assert await sending.deliver_due() == 1
    (row,) = await notified.log(state="delivered")
    refused = await notified.desk.post(f"notifications/{row['id']}/resend", key=READER)
    assert refused.status_code == 403
    answer = await notified.desk.post(f"notifications/{row['id']}/resend")
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    assert await sending.deliver_due() == 1
    calls = notified.receiver.calls
    assert len(calls) == 3
    assert {call.headers["webhook-id"] for call in calls} == {row["event_id"]}
    assert len({call.body for call in calls}) == 1
    nothing = await notified.desk.post(f"notifications/{uuid4()}/resend")
    assert nothing.json()["type"] == "urn:inbound-desk:problem:unknown-notification"
    unknown = await notified.desk.request("GET", "notifications", params={"target": "nobody"})
    assert (unknown.status_code, unknown.json()["type"].rpartition(":")[2]) == (
        422,
        "unknown-target",
    )


async def test_the_running_router_sends_by_itself(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with notified_desk(database_url, tmp_path, clock, {"name": "ops"}) as notified:
        desk = notified.desk
        loops = [each for each in desk.service.own_loops if each[0] == "notify-ops"]
        async with running_loops(loops), asyncio.timeout(20):
            # The second goes out because the worker is woken: it polls every five seconds only.
            todo = await desk.new_todo(TEXT)
            await desk.post(f"/todos/{todo['id']}/claim")
            while len(await notified.log(state="delivered")) < 2:  # noqa: ASYNC110 - asked from outside
                await asyncio.sleep(0.05)
        metrics = (await desk.http.get("/router/metrics")).text
        assert 'desk_notification_tries_total{outcome="delivered",target="ops"} 2.0' in metrics


def test_it_is_said_in_words() -> None:
    data = {
        "inquiry_id": "0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a",
        "channel": "email",
        "desk": "inbound",
        "kind": "technical",
        "due_at": "2026-03-03T09:00:00Z",
    }
    moved = {"type": "todo.rerouted", "data": {**data, "from_desk": "technical", "by": "Anna"}}
    zone = ZoneInfo("Europe/Berlin")
    said = words_of(moved, zone)
    assert (said.title, said.severity) == ("ToDo rerouted", "info")
    assert said.text == (
        "Technical on email (desk technical to inbound), due 2026-03-03 10:00 CET, by Anna\n"
        "Inquiry AHJ-GHZ-JAXN (0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a)"
    )
    new = words_of({"type": "todo.created", "data": {**data, "due_at": None}}, zone)
    assert new.text.startswith("Technical on email (desk inbound)\n")

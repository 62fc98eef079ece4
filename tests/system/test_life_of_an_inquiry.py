"""What people see of an inquiry from its arrival to its end, on running desks of both kinds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from shared.bus.open import open_bus
from shared.bus.port import Record
from shared.events.catalogue import INQUIRIES, topics
from shared.messaging.dead_letters import DEAD_LETTERS
from shared.messaging.outbox import OUTBOX
from shared.runtime.ids import new_id
from shared.runtime.trace import new_traceparent, trace_id
from tests.support.kafka_broker import Broker
from tests.support.postgres import Postgres
from tests.support.processes import free_port, scratch
from tests.system.desk import (
    SERVICES,
    Caller,
    Desk,
    command,
    delivered,
    desk_of,
    distributed,
    embedded,
)


@pytest.fixture(scope="module", params=["embedded", "distributed"])
async def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp(request.param)
    async with desk_of(request.param, folder, request, instances=1) as desk:
        await asyncio.to_thread(desk.start)
        yield desk


@pytest.fixture
async def caller(desk: Desk) -> AsyncIterator[Caller]:
    async with Caller(desk) as caller:
        yield caller


async def arrives(
    caller: Caller, channel: str, text: str, *, traceparent: str | None = None
) -> str:
    data = {"id": f"m-{uuid4()}", "author": {"id": f"u-{uuid4()}", "name": "Erika"}, "text": text}
    answer = await caller.webhook(channel, data, traceparent=traceparent)
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 1
    inquiry: str = answer.json()["inquiries"][0]
    return inquiry


def is_due(todo: Any) -> bool:
    return todo["due_at"] is not None


async def test_a_first_start_has_nothing_to_complain_of(desk: Desk, caller: Caller) -> None:
    inquiry = await arrives(caller, "facebook", "Guten Morgen!")
    await caller.todo_of(inquiry, is_due)
    for service in desk.parts:
        assert {line["level"] for line in _lines(desk, service)} == {"info"}, service


async def test_from_the_arrival_to_the_answer(caller: Caller) -> None:
    inquiry = await arrives(caller, "facebook", "Seit dem Update kommt beim Anmelden Fehler 500.")
    todo = await caller.todo_of(inquiry, is_due)
    assert (todo["desk"], todo["kind"], todo["state"]) == ("technical", "technical", "open")
    clock = await caller.get(f"/sla/v1/deadlines/{inquiry}")
    assert clock["due_at"] == todo["due_at"] == todo["deadline"]["due_at"]
    assert (clock["state"], clock["target"]) == ("running", "first_answer")
    found = await caller.get("/intake/v1/inquiries", reference=todo["reference"].lower())
    assert [each["id"] for each in found["items"]] == [inquiry]
    assert found["items"][0]["reference"] == clock["reference"] == todo["reference"]

    await caller.post(f"/router/v1/todos/{todo['id']}/claim", {"assignee": "Anna"})
    seen = await caller.until(
        f"/intake/v1/inquiries/{inquiry}", lambda shown: shown["assignee"] == "Anna"
    )
    assert (seen["desk"], seen["todo_id"]) == ("technical", todo["id"])

    paused = await caller.post(f"/sla/v1/deadlines/{inquiry}/pause", {"reason": "needs a log file"})
    assert paused["state"] == "paused"
    await caller.todo_of(inquiry, lambda todo: todo["deadline"]["state"] == "paused")
    resumed = await caller.post(f"/sla/v1/deadlines/{inquiry}/resume")
    assert resumed["state"] == "running"
    assert resumed["due_at"] >= clock["due_at"]
    await caller.todo_of(
        inquiry,
        lambda todo: (todo["deadline"]["state"], todo["due_at"]) == ("running", resumed["due_at"]),
    )

    follow_up = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    holding = {
        "kind": "holding",
        "text": "Wir prüfen das.",
        "follow_up_at": follow_up.isoformat(),
    }
    await caller.post(f"/intake/v1/inquiries/{inquiry}/replies", holding)
    todo = await caller.todo_of(
        inquiry, lambda todo: datetime.fromisoformat(todo["due_at"]) == follow_up
    )
    assert todo["deadline"]["target"] == "follow_up"
    assert datetime.fromisoformat(todo["follow_up_at"]) == follow_up
    assert (todo["state"], todo["assignee"]) == ("claimed", "Anna")
    assert (await caller.get(f"/intake/v1/inquiries/{inquiry}"))["state"] == "held"

    answer = {"kind": "answer", "text": "Mit Version 2 geht es wieder."}
    await caller.post(f"/intake/v1/inquiries/{inquiry}/replies", answer)
    todo = await caller.todo_of(
        inquiry, lambda todo: todo["state"] == "done" and todo["deadline"]["state"] == "met"
    )
    assert todo["ended_at"] is not None
    clock = await caller.get(f"/sla/v1/deadlines/{inquiry}")
    assert (clock["state"], clock["breached_at"]) == ("met", None)
    assert [each["state"] for each in clock["targets"]] == ["met", "met"]
    shown = await caller.get(f"/intake/v1/inquiries/{inquiry}")
    assert shown["state"] == "answered"
    assert [each["kind"] for each in shown["messages"]] == ["inbound", "holding", "answer"]


async def test_what_was_answered_before_is_found_and_its_reuse_counted(caller: Caller) -> None:
    words = "Der Zählerstand lässt sich im Kundenportal nicht eintragen"
    advice = "Bitte tragen Sie ihn ohne Nachkommastellen ein."
    before = await arrives(caller, "facebook", f"{words}, das Feld bleibt rot.")
    await caller.todo_of(before)
    await caller.post(f"/intake/v1/inquiries/{before}/replies", {"kind": "answer", "text": advice})
    await caller.todo_of(before, lambda todo: todo["state"] == "done")

    again = await arrives(caller, "mastodon", f"Hallo! {words}. Was nun?")
    todo = await caller.todo_of(again)
    path = f"/router/v1/todos/{todo['id']}"
    found = await caller.until(f"{path}/similar", lambda found: found["items"])
    assert [each["inquiry_id"] for each in found["items"]] == [before]
    assert (found["items"][0]["answer"], found["items"][0]["reused"]) == (advice, 0)
    await caller.post(f"{path}/reuse", {"inquiry_id": before})
    await caller.post(f"/intake/v1/inquiries/{again}/replies", {"kind": "answer", "text": advice})
    await caller.todo_of(again, lambda todo: todo["state"] == "done")
    today = datetime.now(UTC).date()
    report = await caller.get(
        "/router/v1/reports/reuse",
        **{"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1))},
    )
    total = report["total"]
    assert (total["reused"], total["answered_with_reuse"], total["found"]) == (1, 1, 1)


async def test_a_violation_of_the_netiquette_gets_no_answer(caller: Caller) -> None:
    inquiry = await arrives(caller, "mastodon", "Ihr Idioten, ihr Arschlöcher!")
    todo = await caller.todo_of(inquiry, is_due)
    assert (todo["desk"], todo["kind"]) == ("review", "netiquette")

    await caller.post(f"/router/v1/todos/{todo['id']}/dismiss", {"reason": "netiquette"})
    clock = await caller.until(
        f"/sla/v1/deadlines/{inquiry}", lambda clock: clock["state"] == "cancelled"
    )
    assert clock["cancel_reason"] == "netiquette"
    shown = await caller.until(
        f"/intake/v1/inquiries/{inquiry}", lambda shown: shown["state"] == "no_answer"
    )
    assert shown["reason"] == "netiquette"

    refused = await caller.call(
        "POST", f"/intake/v1/inquiries/{inquiry}/replies", {"kind": "answer", "text": "Doch."}
    )
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert "netiquette" in refused.json()["detail"]


async def test_a_verdict_is_appealed_and_the_clock_goes_on(caller: Caller) -> None:
    inquiry = await arrives(caller, "mastodon", "Ihr Idioten, ihr Arschlöcher!")
    todo = await caller.todo_of(inquiry, is_due)
    path, clock = f"/router/v1/todos/{todo['id']}", f"/sla/v1/deadlines/{inquiry}"
    await caller.post(f"{path}/verdict", {"verdict": "netiquette", "by": "Anna"})
    await caller.until(clock, lambda shown: shown["state"] == "cancelled")
    await caller.until(
        f"/intake/v1/inquiries/{inquiry}", lambda shown: shown["state"] == "no_answer"
    )

    opened = await caller.post(f"{path}/appeal", {"reason": "it was a quotation", "by": "Carla"})
    assert (opened["state"], opened["desk"]) == ("open", "review")
    running = await caller.until(clock, lambda shown: shown["state"] == "running")
    assert running["due_at"] >= todo["due_at"]
    await caller.until(f"/intake/v1/inquiries/{inquiry}", lambda shown: shown["state"] == "open")
    await caller.todo_of(inquiry, lambda todo: todo["due_at"] == running["due_at"])

    await caller.post(f"{path}/verdict", {"verdict": "technical", "by": "Berta"})
    await caller.post(
        f"/intake/v1/inquiries/{inquiry}/replies", {"kind": "answer", "text": "Verstanden."}
    )
    await caller.until(clock, lambda shown: shown["state"] == "met")
    today = datetime.now(UTC).date()
    span = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1))}
    counted = (await caller.get("/router/v1/reports/moderation", **span))["total"]
    assert (counted["appeals"], counted["overturned"]) == (1, 1)
    shares = (await caller.get("/sla/v1/reports/desks", **span))["desks"]
    assert {share["desk"]: share["handed_over_from"] for share in shares}["review"] >= 1


async def test_the_hotline_means_the_technical_desk(caller: Caller) -> None:
    inquiry = await arrives(caller, "hotline", "Guten Tag, ich bitte um Rückruf.")
    assert (await caller.todo_of(inquiry, is_due))["desk"] == "technical"


async def test_best_effort_has_a_todo_and_no_clock(desk: Desk, caller: Caller) -> None:
    inquiry = await arrives(caller, "youtube", "Schönes Video!")
    later = await arrives(caller, "facebook", "Wann beginnt das #clouddevcamp2026?")
    await caller.todo_of(later, is_due)
    todo = await caller.todo_of(inquiry)
    assert (todo["due_at"], todo["deadline"]) == (None, None)
    assert (await caller.call("GET", f"/sla/v1/deadlines/{inquiry}")).status_code == 404
    listed = await caller.all("/sla/v1/deadlines")
    assert inquiry not in {each["inquiry_id"] for each in listed}


async def test_one_trace_from_the_webhook_to_the_todo(desk: Desk, caller: Caller) -> None:
    traceparent = new_traceparent()
    inquiry = await arrives(caller, "email", "Was kostet die Lizenz?", traceparent=traceparent)
    await caller.todo_of(inquiry, is_due)
    traced: dict[str, str] = {}
    for service in SERVICES:
        rows = await desk.read(
            service,
            lambda tx: tx.rows(
                select(OUTBOX.c.type, OUTBOX.c.traceparent).where(
                    OUTBOX.c.payload.contains(inquiry)
                )
            ),
        )
        traced |= {each["type"]: trace_id(each["traceparent"]) for each in rows}
    assert traced == dict.fromkeys(
        ("inquiry.received", "todo.created", "deadline.started"), trace_id(traceparent)
    )


async def test_a_record_that_nobody_understands_holds_nobody_up(
    desk: Desk, caller: Caller, desk_broker: Broker
) -> None:
    if desk.embedded:
        pytest.skip("nobody but the desk writes to its local log")
    key, event_id, began = str(new_id()), str(new_id()), datetime.now(UTC) - timedelta(seconds=1)
    headers = (
        ("ce_id", event_id.encode()),
        ("ce_type", b"inquiry.received"),
        ("ce_time", b"2026-11-24T08:00:00+00:00"),
        ("ce_dataschema", b"urn:inbound-desk:event:inquiry.received:1"),
    )
    bus = open_bus(f"kafka://{desk_broker.bootstrap}", topics(retention_days=14))
    await bus.start()
    try:
        await bus.publish([Record(INQUIRIES, key, b'{"text": "cut o', headers)])
    finally:
        await bus.stop()
    inquiry = await arrives(caller, "facebook", "Ist da jemand?")
    await caller.todo_of(inquiry, is_due)
    replay = partial(_replay, desk)
    await _failed(desk, key, times=1)

    # Nothing was fixed, so each letter fails once more where it failed, and stays one letter.
    for times in (2, 3):
        assert (await replay("--since", began.isoformat())).startswith("2 dead letters")
        await _failed(desk, key, times=times)
    inquiry = await arrives(caller, "facebook", "Und jetzt?")
    await caller.todo_of(inquiry, is_due)
    assert (await replay("--list")).count(event_id) == 2
    gone = await replay("--since", began.isoformat(), "--discard", "a test")
    assert gone == "2 dead letters given up\n"
    for each in desk.instances:
        await asyncio.to_thread(desk.await_ready, each)


async def _replay(desk: Desk, *words: str) -> str:
    return await asyncio.to_thread(desk.run, "replay", "dead-letters", *words)


async def _failed(desk: Desk, key: str, *, times: int) -> None:
    """Wait until router and sla have failed so often, and see that both have one letter."""
    c = DEAD_LETTERS.c
    query = select(c.key, c.state, c.attempts)
    async with asyncio.timeout(60):
        for service in ("router", "sla"):
            rows: list[dict[str, Any]] = []
            while [each["attempts"] for each in rows if each["state"] == "waiting"] != [times]:
                rows = await desk.read(service, lambda tx: tx.rows(query))
                await asyncio.sleep(0.2)
            assert [each["key"].decode() for each in rows] == [key]


async def test_while_kafka_is_down_intake_accepts(
    desk: Desk, caller: Caller, desk_broker: Broker
) -> None:
    if desk.embedded:
        pytest.skip("the local log is a part of the process")
    before = {each: len(_lines(desk, each)) for each in desk.parts}
    await asyncio.to_thread(desk_broker.kill)
    try:
        waiting = [await arrives(caller, "facebook", "Seid ihr da?") for _ in range(5)]
        ready = await _degraded(desk)
        assert ready["checks"]["bus"]["status"] == "degraded"
        assert ready["checks"]["bus"]["reason"]
        assert ready["checks"]["database"]["status"] == "ok"
        waiting.append(await arrives(caller, "facebook", "Immer noch?"))
        await _all_say(desk, before, "bus.unavailable")
        # The first fact that the relay cannot publish, and what the client says meanwhile.
        await asyncio.sleep(5)
    finally:
        await asyncio.to_thread(desk_broker.start)
    for inquiry in waiting:
        await caller.todo_of(inquiry, is_due)
    for each in desk.instances:
        await asyncio.to_thread(desk.await_ready, each)
    await _all_say(desk, before, "bus.available")
    for service, start in before.items():
        said = [(line["level"], line["event"]) for line in _lines(desk, service)[start:]]
        # A slow machine may need more than the minute after which it is said once more.
        said = [each for each in said if each[1] != "bus.still_unavailable"]
        loud = [each for each in said if each[0] != "info" or each[1].startswith("bus.")]
        assert loud == [("warning", "bus.unavailable"), ("info", "bus.available")], service


async def _degraded(desk: Desk) -> Any:
    """What readiness tells once it is not that of a second ago any more."""
    async with asyncio.timeout(10):
        while True:
            ready = await asyncio.to_thread(desk.parts["intake"][0].health, "ready")
            assert ready is not None
            if ready["status"] == "degraded":
                return ready
            await asyncio.sleep(0.2)


async def _all_say(desk: Desk, before: dict[str, int], event: str) -> None:
    async with asyncio.timeout(60):
        for service, start in before.items():
            while event not in [line["event"] for line in _lines(desk, service)[start:]]:  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.2)


def _lines(desk: Desk, service: str) -> list[dict[str, Any]]:
    """The log of the service's one process; each line has our form."""
    lines = desk.parts[service][0].log.read_text().splitlines()
    # What `run` prints for its reader goes to the same file here.
    return [json.loads(line) for line in lines if service != "run" or line.startswith("{")]


async def test_ctrl_c_ends_it_within_five_seconds(desk: Desk, caller: Caller) -> None:
    inquiry = await arrives(caller, "facebook", "Kurz vor Feierabend.")
    codes = [await asyncio.to_thread(each.end, signal.SIGINT, seconds=5) for each in desk.instances]
    assert codes == [0] * len(codes)
    for each in desk.instances:
        assert "Traceback" not in each.log.read_text()
    await asyncio.to_thread(desk.start)
    await caller.todo_of(inquiry, is_due)


async def test_without_its_database_intake_says_when_to_try_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("no-database")
    with scratch("mortal-postgres") as place:
        server = Postgres(place.path)
        server.start()
        try:
            await _database_dies(server, folder)
        finally:
            server.kill()


async def _database_dies(server: Postgres, folder: Path) -> None:
    """Only intake is started; its bus is away all the time, which is another matter."""
    nowhere = f"127.0.0.1:{free_port()}"
    async with distributed(folder, postgres=server.url, kafka=nowhere, instances=1) as desk:
        intake = desk.parts["intake"][0]
        await asyncio.to_thread(intake.start)
        async with Caller(desk) as caller:
            data = {"id": "m-1", "author": {"id": "u-1"}, "text": "Hallo?"}
            await delivered(lambda: caller.webhook("facebook", data))
            server.kill()
            try:
                refused = await caller.webhook("facebook", {**data, "id": "m-2"})
                listed = await caller.call("GET", "/intake/v1/inquiries")
                health = await asyncio.to_thread(intake.health, "ready")
            finally:
                server.start()
            for answer in (refused, listed):
                assert answer.status_code == 503, answer.text
                assert answer.headers["content-type"] == "application/problem+json"
                assert int(answer.headers["retry-after"]) >= 1
            assert health is not None
            assert health["checks"]["database"]["status"] == "down"
            await delivered(lambda: caller.webhook("facebook", {**data, "id": "m-2"}))
            assert len(await caller.all("/intake/v1/inquiries")) == 2
        intake.kill()


async def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    async with embedded(tmp_path) as desk:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = await asyncio.to_thread(
                subprocess.run,
                command("run"),
                check=False,
                env={**os.environ, **desk.environment, "DESK_PORT": str(port)},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
            )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("inbound-desk: ")
    assert str(port) in line
    assert "in use" in line

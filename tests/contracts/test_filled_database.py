"""A database that the desk of before has filled is brought up to date, and the work goes on.

`tests/data/filled` has the databases of its three services, on both engines, and what its API said
last about every row of them; its README.md tells what happened there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData

from services.intake.inquiries.worker import name_all
from services.intake.tables import metadata as intake_metadata
from services.router.tables import metadata as router_metadata
from services.sla.tables import metadata as sla_metadata
from shared.db import Read
from shared.db.migrate import pending, version_table
from shared.policy import ServiceLevel
from tests.data.filled.desks import POLICY, Desks, copied, desks_on
from tests.data.filled.loading import Filled, counted, loaded, opened
from tests.services.intake import desk as intake_desk
from tests.support.outbox import told_by

METADATA: Mapping[str, MetaData] = {
    "intake": intake_metadata,
    "router": router_metadata,
    "sla": sla_metadata,
}
ENDED = {"answered": "done", "closed": "dismissed", "no_answer": "dismissed"}
CLOCKS = {
    "answered": {"met", "met_late"},
    "closed": {"cancelled"},
    "no_answer": {"cancelled"},
    "open": {"running", "paused", "breached"},
    "held": {"running", "paused", "breached"},
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Filled]:
    place = tmp_path_factory.mktemp("filled")
    if request.param == "postgresql":
        place = request.getfixturevalue("postgres_url")
    async with loaded(request.param, place) as found:
        yield found


@pytest.fixture(scope="module")
def server(filled: Filled, request: pytest.FixtureRequest) -> str:
    """The URL of the PostgreSQL; nothing for SQLite."""
    return str(request.getfixturevalue("postgres_url")) if filled.engine == "postgresql" else ""


@pytest.fixture(scope="module")
async def as_filled(
    filled: Filled, server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desks]:
    """For tests that only look."""
    folder = tmp_path_factory.mktemp("as_filled")
    async with copied(filled, folder, server) as copy, desks_on(copy, folder) as found:
        yield found


@pytest.fixture(scope="module")
async def heard(
    filled: Filled, server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Filled]:
    """What it is when each service has heard everything that the others ever told."""
    folder = tmp_path_factory.mktemp("heard")
    async with copied(filled, folder, server) as copy:
        async with desks_on(copy, folder) as found:
            await found.hear_everything()
        yield copy


@pytest.fixture
async def desks(filled: Filled, server: str, tmp_path: Path) -> AsyncIterator[Desks]:
    """On a copy of what was filled."""
    async with copied(filled, tmp_path, server) as copy, desks_on(copy, tmp_path) as found:
        yield found


@pytest.fixture
async def informed(heard: Filled, server: str, tmp_path: Path) -> AsyncIterator[Desks]:
    """On a copy of that."""
    async with copied(heard, tmp_path, server) as copy, desks_on(copy, tmp_path) as found:
        yield found


@pytest.mark.parametrize("service", METADATA)
async def test_no_row_is_lost(filled: Filled, service: str) -> None:
    async with opened(filled.urls[service]) as database:
        now = await database.read(counted)
        assert await pending(database, service) is None
    assert {name: now.get(name) for name in filled.rows[service]} == filled.rows[service]


@pytest.mark.parametrize("service", METADATA)
async def test_what_was_filled_has_todays_tables(filled: Filled, service: str) -> None:
    def differences(tx: Read) -> list[Any]:
        options = {"version_table": version_table(service), "compare_type": True}
        context = MigrationContext.configure(tx.connection, opts=options)
        return list(compare_metadata(context, METADATA[service]))

    async with opened(filled.urls[service]) as database:
        assert await database.read(differences) == []


async def test_every_inquiry_is_as_it_was(as_filled: Desks) -> None:
    inquiries = [each for each in as_filled.filled.said("intake") if "/inquiries/" in each[0]]
    for path, before in inquiries:
        assert _differences(_as_read_today(before), await as_filled.get(path)) == [], path
    listed = {each["id"] for each in await as_filled.all("/intake/v1/inquiries")}
    assert len(listed) == len(inquiries)


async def test_every_inquiry_is_found_by_its_reference(desks: Desks) -> None:
    before = await desks.inquiries()
    assert await name_all(desks.intake.service.database, asyncio.Event()) == len(before)
    for each in before:
        found = await desks.get(f"/intake/v1/inquiries?reference={each['reference']}")
        assert [shown["id"] for shown in found["items"]] == [each["id"]]


async def test_the_quarantine_is_as_it_was(as_filled: Desks) -> None:
    path = "/intake/v1/quarantine"
    wanted = {each["id"]: each for each in dict(as_filled.filled.said("intake"))[path]}
    for each in wanted.values():
        raw = each.pop("raw")  # which the list does not show any more
        assert (await as_filled.get(f"{path}/{each['id']}"))["raw"] == raw
    kept = {each["id"]: each for each in await as_filled.all(path)}
    assert kept.keys() == wanted.keys()
    assert _differences(wanted, kept) == []


def _as_read_today(inquiry: dict[str, Any]) -> dict[str, Any]:
    """A ToDo that was completed by hand is an answer now, at intake as everywhere."""
    if (inquiry["state"], inquiry["reason"]) != ("closed", "completed"):
        return inquiry
    as_answer = {"state": "answered", "answered_at": inquiry["closed_at"]}
    return {**inquiry, **as_answer, "closed_at": None, "reason": None}


async def test_every_todo_is_as_it_was(as_filled: Desks) -> None:
    todos = as_filled.filled.said("router")
    for path, before in todos:
        assert _differences(before, await as_filled.get(path)) == [], path
    listed = {each["id"] for each in await as_filled.all("/router/v1/todos")}
    assert len(listed) == len(todos)


async def test_every_clock_is_as_it_was(as_filled: Desks) -> None:
    clocks = [each for each in as_filled.filled.said("sla") if "/deadlines/" in each[0]]
    for path, before in clocks:
        now = await as_filled.get(path)
        for each in (before, now):  # what happened at one moment has no order of its own
            each["history"].sort(key=lambda line: (line["at"], line["fact"]))
        assert _differences(before, now) == [], path
        await as_filled.get(f"{urlsplit(path).path}/explanation")
    listed = {each["inquiry_id"] for each in await as_filled.all("/sla/v1/deadlines")}
    assert len(listed) == len(clocks)


async def test_the_report_is_as_it_was(as_filled: Desks) -> None:
    [(path, before)] = [each for each in as_filled.filled.said("sla") if "/reports/" in each[0]]
    for line in before["best_effort"]:
        del line["median_age_seconds"]  # it goes by the moment of the question
    assert _differences(before, await as_filled.get(path)) == []


async def test_every_notification_is_as_it_was(as_filled: Desks) -> None:
    path = "/sla/v1/notifications"
    tried = {"attempts", "last_attempt_at", "next_attempt_at"}  # once more after it was asked
    wanted = {
        each["id"]: {name: each[name] for name in each.keys() - tried}
        for each in dict(as_filled.filled.said("sla"))[path]
    }
    kept = {each["id"]: each for each in await as_filled.all(path)}
    assert kept.keys() == wanted.keys()
    assert _differences(wanted, kept) == []


def _differences(before: Any, now: Any, place: str = "") -> list[str]:
    """Where something that was said before is said no more, or otherwise; more may be said."""
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(name, before[name], now.get(name)) for name in before]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(str(n), *pair) for n, pair in enumerate(zip(before, now, strict=True))]
    else:
        return [] if before == now else [f"{place}: {before!r} became {now!r}"]
    return [each for name, a, b in pairs for each in _differences(a, b, f"{place}.{name}")]


async def test_what_waited_is_published_once(desks: Desks) -> None:
    for service in desks.services:
        waited = desks.filled.waiting[service.name]
        assert waited
        assert [each.id for each in await service.drain()] == list(waited)
        assert await service.drain() == []


async def test_all_agree_when_the_others_have_heard_it(as_filled: Desks, informed: Desks) -> None:
    before = await as_filled.inquiries()
    now = {each["id"]: each for each in await informed.inquiries()}
    for inquiry in now.values():
        await _agreed(informed, inquiry)
    for told in before:
        if told["state"] in ENDED:
            assert now[told["id"]]["state"] == told["state"], told
    assert {each for inquiry in now.values() for each in _mine(inquiry)} == {
        each for inquiry in before for each in _mine(inquiry)
    }


async def _agreed(desks: Desks, inquiry: dict[str, Any]) -> None:
    """Router and sla have the inquiry, and see it as intake does."""
    state, todo = inquiry["state"], await desks.todo_of(inquiry)
    assert todo["state"] in ({ENDED[state]} if state in ENDED else {"open", "claimed"}), inquiry
    assert {each["message_id"] for each in todo["messages"]} == _mine(inquiry), inquiry
    if POLICY.channels[inquiry["channel"]].service_level is ServiceLevel.PROMISED:
        clock = await desks.get(f"/sla/v1/deadlines/{inquiry['id']}")
        assert clock["state"] in CLOCKS[state], (inquiry, clock)


def _mine(inquiry: Mapping[str, Any]) -> set[str]:
    """The customer's messages of this inquiry, not of the whole conversation."""
    return {
        each["id"]
        for each in inquiry["messages"]
        if each["kind"] == "inbound" and each["inquiry_id"] == inquiry["id"]
    }


async def test_old_clocks_run_out_and_say_so_once(informed: Desks) -> None:
    running = [
        each for each in await informed.all("/sla/v1/deadlines") if each["state"] == "running"
    ]
    informed.pass_time(timedelta(days=10))
    assert await informed.sla.tick() >= len(running) / 2
    now = {each["inquiry_id"]: each for each in await informed.all("/sla/v1/deadlines")}
    due = [each for each in running if each["due_at"] < informed.sla.clock.now().isoformat()]
    assert len(due) > len(running) / 2
    for clock in due:
        assert now[clock["inquiry_id"]]["state"] == "breached", clock
    told = [
        (each["inquiry_id"], each["target"], each["due_at"])
        for each in await informed.sla.published()
        if each["type"] == "deadline.breached"
    ]
    assert len(told) == len(set(told))
    assert {each["inquiry_id"] for each in due} <= {inquiry for inquiry, *_ in told}


async def test_what_was_heard_is_not_heard_again(informed: Desks) -> None:

    async def everything() -> list[list[dict[str, Any]]]:
        paths = ("/intake/v1/inquiries", "/router/v1/todos", "/sla/v1/deadlines")
        return [await informed.all(path) for path in paths]

    told, before = [await told_by(each.database) for each in informed.services], await everything()
    await informed.hear_everything()
    assert [await told_by(each.database) for each in informed.services] == told
    assert await everything() == before


async def test_what_was_open_is_answered(informed: Desks) -> None:
    informed.pass_time(timedelta(minutes=1))
    waiting = [each for each in await informed.inquiries() if each["state"] not in ENDED]
    assert {each["state"] for each in waiting} == {"open", "held"}
    for inquiry in waiting:
        body = {"kind": "answer", "text": "Jetzt aber."}
        answer = await informed.intake.post(f"/inquiries/{inquiry['id']}/replies", body)
        assert answer.status_code == 201, answer.text
    await informed.hear_everything()
    for inquiry in waiting:
        now = await informed.intake.detail(inquiry["id"])
        assert now["state"] == "answered", now
        await _agreed(informed, now)


async def test_a_message_joins_its_old_conversation(desks: Desks) -> None:
    author = {"id": "u-keep"}
    by_webhook = await desks.of_message("keep-open-1")
    said = {"id": "keep-open-3", "thread_id": "keep-open", "author": author, "text": "Hallo?"}
    assert await desks.intake.accepted(said) == [by_webhook["id"]]
    by_rest = await desks.of_message("keep-mail-1")
    placed = await desks.intake.new_inquiry(
        channel="email", author=author, text="Hallo?", thread_id="keep-mail"
    )
    assert (placed["inquiry_id"], placed["opened"]) == (by_rest["id"], False)
    shared = await desks.of_message("post-0-anna")  # threads of before had one inquiry for all
    said = {"id": "post-0-eva", "thread_id": "post-0", "author": {"id": "eva"}, "text": "Auch so!"}
    assert await desks.intake.accepted(said) == [shared["id"]]
    await desks.hear_everything()
    for before in (by_webhook, by_rest, shared):
        now = await desks.intake.detail(before["id"])
        assert len(now["messages"]) == len(before["messages"]) + 1
        await _agreed(desks, now)


async def test_a_repeat_of_an_old_message_changes_nothing(desks: Desks) -> None:
    known = await desks.of_message("keep-open-1")
    said = {"id": "keep-open-1", "thread_id": "keep-open", "author": {"id": "u-keep"}, "text": "?"}
    answer = await desks.intake.deliver(said)
    assert (answer.status_code, answer.json()["inquiries"]) == (200, [known["id"]])
    body = intake_desk.inquiry(external_id="rest-0", thread_id="rest-t-0")
    answer = await desks.intake.post("/inquiries", body)
    assert answer.status_code == 200, answer.text
    assert len(await desks.inquiries()) == desks.filled.rows["intake"]["inquiries"]


async def test_a_todo_that_was_completed_is_opened_again(informed: Desks) -> None:
    done = await informed.of_message("keep-done")
    todo = await informed.todo_of(done)
    assert [line["what"] for line in todo["history"]] == ["created", "claimed", "completed"]
    assert (todo["state"], todo["ended_by"], done["state"]) == ("done", "Anna", "answered")
    informed.pass_time(timedelta(minutes=1))
    answer = await informed.router.post(
        f"/todos/{todo['id']}/reopen", {"reason": "ruft noch mal an"}
    )
    assert answer.status_code == 200, answer.text
    await informed.hear_everything()
    now = await informed.intake.detail(done["id"])
    assert now["state"] == "open"
    await _agreed(informed, now)


async def test_what_was_quarantined_is_tried_again(desks: Desks) -> None:
    """The desk of before refused what today's takes; the customer has waited since then."""
    desks.pass_time(timedelta(hours=1))
    kept = await desks.all("/intake/v1/quarantine")
    made = []
    for each in kept:
        answer = await desks.intake.post(f"/quarantine/{each['id']}/retry", {})
        assert answer.status_code in (200, 400, 422), answer.text
        if answer.status_code == 200:
            made += [(inquiry, each["received_at"]) for inquiry in answer.json()["inquiries"]]
    left = [each["reason"].split(":")[0] for each in await desks.all("/intake/v1/quarantine")]
    assert sorted(left) == ["data is missing", "the body is not JSON"]
    assert len(made) == len(kept) - len(left) - 1  # one had neither words nor attachment
    await desks.hear_everything()
    for inquiry, received_at in made:
        now = await desks.intake.detail(inquiry)
        assert now["received_at"] == received_at
        await _agreed(desks, now)

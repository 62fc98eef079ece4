"""A router that lost its database: the same ToDos from the same facts, and what people did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from services.router.tables import appeals, questions
from services.router.todos.usecases.recovery import Recovered, recover
from shared.bus.port import Received
from shared.db import Read
from shared.messaging.envelope import Envelope, Fact
from shared.runtime.ids import derived_id, new_id
from tests.services.router.desk import BERT, Desk, Inquiry, history, opened, record_of, types
from tests.support.clock import ManualClock
from tests.support.migrated import MigratedDatabases, MigratedFiles

MINUTE = timedelta(minutes=1)


def test_what_belongs_to_an_inquiry_once_has_always_the_same_id() -> None:
    inquiry, other = new_id(), new_id()
    todo = derived_id(inquiry, "todo")
    assert todo == derived_id(inquiry, "todo")
    assert len({todo, inquiry, derived_id(other, "todo"), derived_id(inquiry, "clock")}) == 4
    assert (todo.version, todo.variant) == (7, inquiry.variant)
    assert todo.int >> 80 == inquiry.int >> 80


async def _told(desk: Desk, inquiries: Sequence[Inquiry]) -> list[Received]:
    """What intake and sla tell of some inquiries."""
    told: list[Fact] = []
    for number, inquiry in enumerate(inquiries):
        first = inquiry.received(f"Die Anmeldung ist abgestürzt, zum {number}. Mal.")
        told += [first, inquiry.added("Noch etwas.", at=inquiry.at + MINUTE)]
        told.append(inquiry.started(inquiry.at + timedelta(days=1)))
    inquiries[0].at += MINUTE
    told.append(inquiries[0].answered())
    return [record_of(each) for each in told]


async def _lists(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.get("/todos", limit=200))["items"]
    return sorted(found, key=lambda todo: todo["id"])


async def test_an_empty_database_has_the_same_todos_from_the_same_facts(
    desk: Desk, tmp_path: Path, clock: ManualClock, migrated_files: MigratedFiles,
    migrated_databases: MigratedDatabases,
) -> None:  # fmt: skip
    told = await _told(desk, [Inquiry(clock.now()) for _ in range(6)])
    await desk.hears_batch(told)
    clock.advance(timedelta(hours=7))
    sqlite = desk.service.database.dialect == "sqlite"
    if sqlite:
        url = await migrated_files.copy("router", tmp_path / "again.sqlite")
        async with opened(url, tmp_path / "again", clock) as again:
            await _same(desk, again, told)
    else:
        async with (
            migrated_databases.copy("router") as url,
            opened(url, tmp_path / "again", clock) as again,
        ):
            await _same(desk, again, told)


async def _same(desk: Desk, again: Desk, told: list[Received]) -> None:
    await again.hears_batch(told)
    await again.hears_batch(told)
    assert await _lists(again) == await _lists(desk)
    for todo in await _lists(desk):
        details = [await each.get(f"/todos/{todo['id']}") for each in (desk, again)]
        assert details[0] == details[1]


async def _worked_on(desk: Desk) -> tuple[dict[str, Any], list[Envelope]]:
    """A ToDo that a person moved, had, dismissed and opened again; and what was published."""
    todo = await desk.new_todo()
    path = f"/todos/{todo['id']}"
    for verb, body in (
        ("claim", {"assignee": "Anna"}),
        ("reroute", {"desk": "review", "reason": "unclear", "by": "Anna"}),
        ("verdict", {"verdict": "spam", "by": "Berta"}),
        ("appeal", {"reason": "it is none", "by": "Carla"}),
        ("verdict", {"verdict": "general", "by": "Berta"}),
        ("claim", {"assignee": "Dora"}),
    ):
        desk.clock.advance(MINUTE)
        answer = await desk.post(f"{path}/{verb}", body)
        assert answer.is_success, answer.text
    return await desk.get(path), await desk.told()


async def test_what_is_known_is_not_done_again(desk: Desk) -> None:
    todo, told = await _worked_on(desk)
    found = await desk.service.database.write(recover, told, now=desk.clock.now())
    assert found == Recovered(frozenset(), frozenset())
    assert await desk.get(f"/todos/{todo['id']}") == todo
    assert len(await desk.told()) == len(told)


async def test_what_people_did_is_recovered_in_one_go_or_fact_by_fact(
    desk: Desk, tmp_path: Path, clock: ManualClock, migrated_files: MigratedFiles
) -> None:
    inquiry = Inquiry(clock.now())
    received = record_of(inquiry.received())
    await desk.hears_batch([received])
    todo = await desk.todo_of(inquiry)
    for verb, body in (
        ("reroute", {"desk": "inbound", "reason": "an invoice", "by": "Anna"}),
        ("claim", {"assignee": "Dora"}),
        ("dismiss", {"reason": "spam", "by": "Dora"}),
        ("appeal", {"reason": "it is none", "by": "Carla"}),
        ("verdict", {"verdict": "technical", "by": "Berta"}),
        ("claim", {"assignee": "Fritz"}),
        ("assign", {"assignee": "Emil", "by": "Carla"}),
    ):
        clock.advance(MINUTE)
        answer = await desk.post(f"/todos/{todo['id']}/{verb}", body)
        assert answer.is_success, answer.text
    wanted, told = await desk.todo_of(inquiry), await desk.told()
    for number, batches in enumerate(([told], [[each] for each in told])):
        url = await migrated_files.copy("router", tmp_path / f"again{number}.sqlite")
        async with opened(url, tmp_path / f"again{number}", clock) as again:
            unknown = await again.service.database.write(recover, told, now=clock.now())
            assert unknown.unknown == {inquiry.inquiry_id}
            await again.hears_batch([received])
            for batch in batches:
                await again.service.database.write(recover, batch, now=clock.now())
            assert _shown(await again.todo_of(inquiry)) == _shown(wanted)
            last = types(await again.facts())[-1]
            assert last == "todo.claimed"


def _shown(todo: dict[str, Any]) -> dict[str, Any]:
    """Its version counts anew; what was said beside a dismissing verdict, no fact says."""
    lines = [(who, what) for who, what, _ in history(todo)]
    return {**todo, "history": lines, "version": None}


async def test_what_a_person_did_since_then_holds(desk: Desk) -> None:
    todo, told = await _worked_on(desk)
    desk.clock.advance(MINUTE)
    path = f"/todos/{todo['id']}"
    await desk.post(f"{path}/release", {"by": "Dora", "as_supervisor": True})
    claimed = await desk.post(f"{path}/claim", {"assignee": "Bert"}, key=BERT)
    assert claimed.is_success
    await desk.service.database.write(recover, told, now=desk.clock.now())
    after = await desk.get(path)
    assert (after["assignee"], after["desk"]) == ("Bert", todo["desk"])


async def test_what_was_dismissed_before_its_answer_leaves_the_index_again(
    desk: Desk, tmp_path: Path, clock: ManualClock, migrated_files: MigratedFiles
) -> None:
    inquiry = Inquiry(clock.now())
    received = record_of(inquiry.received("Wie setze ich das Passwort zurück?"))
    await desk.hears_batch([received])
    todo = await desk.todo_of(inquiry)
    assert (await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})).is_success
    clock.advance(MINUTE)
    inquiry.at = clock.now()
    answer = record_of(inquiry.answered(text="Mit dem Knopf unten."))
    await desk.hears_batch([answer])
    assert (await desk.todo_of(inquiry))["state"] == "dismissed"
    told = await desk.told()
    url = await migrated_files.copy("router", tmp_path / "again.sqlite")
    async with opened(url, tmp_path / "again", clock) as again:
        await again.hears_batch([received, answer])
        assert await again.service.database.read(_rows, questions) == 1
        await again.service.database.write(recover, told, now=clock.now())
        assert (await again.todo_of(inquiry))["state"] == "dismissed"
        assert await again.service.database.read(_rows, questions) == 0


def _rows(tx: Read, table: Table) -> int:
    return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.mark.parametrize("verb", ["appeal", "reopen"])
async def test_what_was_taken_back_stays_so_for_who_works_on_it_by_then(
    verb: str, desk: Desk, tmp_path: Path, clock: ManualClock, migrated_files: MigratedFiles
) -> None:
    inquiry = Inquiry(clock.now())
    received = record_of(inquiry.received())
    await desk.hears_batch([received])
    path = f"/todos/{(await desk.todo_of(inquiry))['id']}"
    for name, body in (("dismiss", {"reason": "spam"}), (verb, {"reason": "it is none"})):
        clock.advance(MINUTE)
        assert (await desk.post(f"{path}/{name}", body)).is_success
    told = await desk.told()
    url = await migrated_files.copy("router", tmp_path / "again.sqlite")
    async with opened(url, tmp_path / "again", clock) as again:
        await again.hears_batch([received])
        clock.advance(MINUTE)
        assert (await again.post(f"{path}/claim", {"assignee": "Bert"}, key=BERT)).is_success
        for _ in range(2):
            await again.service.database.write(recover, told, now=clock.now())
            todo = await again.todo_of(inquiry)
            assert (todo["state"], todo["assignee"]) == ("claimed", "Bert")
            assert [line["what"] for line in todo["history"]].count(f"{verb}ed") == 1
        assert await again.service.database.read(_rows, appeals) == (verb == "appeal")

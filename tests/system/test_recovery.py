"""The router loses its database: it catches up from what the other services and the bus still have,
on running desks of both kinds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Select, select

from services.router.tables import appeals, verdicts
from shared.db import Read
from tests.system.copies import differences
from tests.system.desk import Caller, Desk, desk_of
from tests.system.losing import (
    DECIDED,
    WORKED_ON,
    at_rest,
    catch_up,
    changed,
    lose_the_database,
    recover,
    todos,
)


@pytest.fixture(params=["embedded", "distributed"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_of(request.param, tmp_path, request, instances=1) as desk:
        await asyncio.to_thread(desk.start)
        yield desk


async def test_an_empty_router_has_the_same_todos_again(desk: Desk) -> None:
    began = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    async with Caller(desk) as caller:
        await _a_backlog(caller)
        await at_rest(desk)
        before = await todos(caller)
        kept = await desk.read("router", _verdicts_and_appeals)

    await lose_the_database(desk)
    await catch_up(desk, began)
    async with Caller(desk) as caller:
        caught_up = await todos(caller)
        assert len(caught_up) == len(before)
        assert changed(before, caught_up, DECIDED) == []

        said = await recover(desk, began)
        assert said.startswith(f"{_worked_on(before)} ToDos stand again"), said
        await at_rest(desk)
        after = await todos(caller)
        assert changed(before, after, WORKED_ON) == []
        assert await desk.read("router", _verdicts_and_appeals) == kept

        async def look(service: str, query: Select[*tuple[Any, ...]]) -> list[Mapping[str, Any]]:
            return [*await desk.read(service, lambda tx: tx.rows(query))]

        assert await differences(look) == []
        said = await recover(desk, began)
        assert said.startswith("0 ToDos")


async def _a_backlog(caller: Caller) -> None:
    """Inquiries with whatever people and customers did to them."""
    await _arrives(caller, "Die Anmeldung ist abgestürzt.")
    claimed = await _arrives(caller, "Fehler 500 beim Anmelden.")
    moved = await _arrives(caller, "Der Server ist abgestürzt.")
    unclear, rude, spam, twice = [
        await _arrives(caller, f"Hm, nun ja, so eben {number}.") for number in range(4)
    ]
    done = await _arrives(caller, "Fehler beim Speichern.")
    answered = await _arrives(caller, "Absturz beim Drucken.")
    path = "/router/v1/todos"
    await caller.post(f"{path}/{claimed}/claim", {"assignee": "Anna"})
    await caller.post(f"{path}/{moved}/reroute", {"desk": "inbound", "reason": "an invoice"})
    await caller.post(f"{path}/{moved}/claim", {"assignee": "Berta"})
    await caller.post(f"{path}/{unclear}/verdict", {"verdict": "general", "by": "Anna"})
    await caller.post(f"{path}/{rude}/verdict", {"verdict": "netiquette", "by": "Anna"})
    for todo in (spam, twice):
        await caller.post(f"{path}/{todo}/verdict", {"verdict": "spam", "by": "Anna"})
        await caller.post(f"{path}/{todo}/appeal", {"reason": "it is none", "by": "Carla"})
    await caller.post(f"{path}/{twice}/verdict", {"verdict": "spam", "by": "Berta"})
    await caller.post(f"{path}/{done}/complete", {"by": "Carla"})
    inquiry = (await caller.get(f"{path}/{answered}"))["inquiry_id"]
    reply = {"kind": "answer", "text": "Bitte neu starten.", "author": "Carla"}
    answer = await caller.call(
        "POST", f"/intake/v1/inquiries/{inquiry}/replies", reply, once=str(uuid4())
    )
    assert answer.is_success, answer.text


async def _arrives(caller: Caller, words: str) -> str:
    data = {"id": f"m-{uuid4()}", "author": {"id": f"u-{uuid4()}", "name": "Erika"}, "text": words}
    answer = await caller.webhook("facebook", data)
    assert answer.status_code == 202, answer.text
    inquiry = answer.json()["inquiries"][0]
    todo = await caller.todo_of(inquiry, lambda todo: todo["due_at"] is not None)
    return str(todo["id"])


def _worked_on(todos: list[dict[str, Any]]) -> int:
    """Those that were not left as they came, nor completed by an answer that intake has."""
    return len(todos) - 2


def _verdicts_and_appeals(tx: Read) -> list[tuple[Any, ...]]:
    columns = (select(verdicts).order_by(verdicts.c.at), select(appeals).order_by(appeals.c.at))
    return [tuple(row) for query in columns for row in tx.execute(query)]

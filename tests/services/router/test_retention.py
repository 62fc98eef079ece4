"""What a customer wrote goes from ToDos that ended long ago; the ToDos stay and are counted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.router.tables import metadata
from services.router.todos.usecases import retention
from services.router.todos.worker import count_old, remove_once
from shared.db import Read
from tests.services.router.desk import Desk, Inquiry

DAY = timedelta(days=1)
AGE = 30 * DAY


def _everything(tx: Read) -> str:
    kept = [each for each in metadata.sorted_tables if each.name != "outbox"]
    return repr([tuple(row) for table in kept for row in tx.execute(select(table))])


async def test_words_go_and_todos_stay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    now, database = desk.clock.now(), desk.service.database
    done = [Inquiry(now) for _ in range(5)]
    open_ = await desk.new_todo("Der offene Fehler bleibt.")
    for each in done:
        await desk.hears(each.received("Die Anmeldung ist abgestürzt.", "Vertraulich"))
        todo = await desk.todo_of(each)
        assert todo["reasons"]
        assert (await desk.post(f"/todos/{todo['id']}/complete")).status_code == 200
    desk.clock.advance(AGE + DAY)
    before = desk.clock.now() - AGE
    assert await count_old(database, before=now) == 0
    assert await count_old(database, before=before) == 5
    gone = await remove_once(database, before=before, now=desk.clock.now(), stop=asyncio.Event())
    assert gone == 5
    assert await count_old(database, before=before) == 0

    shown = await desk.todo_of(done[0])
    assert (shown["state"], shown["message_count"], shown["reasons"]) == ("done", 1, [])
    assert [each["text"] for each in shown["messages"]] == [None]
    assert shown["removed_at"] is not None
    everything = await database.read(_everything)
    assert "abgestürzt" not in everything
    assert "Vertraulich" not in everything
    assert len((await desk.get("/todos", state="done"))["items"]) == 5
    assert (await desk.get(f"/todos/{open_['id']}"))["messages"][0]["text"].startswith("Der offene")
    refused = await desk.post(f"/todos/{shown['id']}/reopen", {"reason": "late"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:inbound-desk:problem:inquiry-removed"

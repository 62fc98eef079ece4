"""ToDos that ended before each end had a row: by an older program, perhaps beside this one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from services.router.tables import ends, history, todos
from shared.db import Write, open_database
from shared.db.migrate import upgrade
from shared.events.inquiries import ReplyWithdrawn
from shared.runtime.ids import new_id
from tests.services.router.conftest import NOON
from tests.services.router.desk import Desk, Inquiry, opened, types
from tests.services.router.desk import history as lines
from tests.support.clock import ManualClock

HOUR = timedelta(hours=1)


async def forget_ends(desk: Desk) -> None:
    """The rows are not there, as if the older program had written all that is."""
    await desk.service.database.write(lambda tx: tx.execute(delete(ends)) and None)


def withdrawn(inquiry: Inquiry, reply: Any, revision: int = 1) -> ReplyWithdrawn:
    return ReplyWithdrawn(
        inquiry_id=inquiry.inquiry_id,
        conversation_id=inquiry.conversation_id,
        message_id=reply.message_id,
        revision=revision,
        withdrawn_at=inquiry.at + 5 * HOUR,
        withdrawn_by="Bert",
    )


async def ended(desk: Desk, inquiry: Inquiry, how: str) -> str:
    await desk.hears(inquiry.received())
    path = f"/todos/{(await desk.todo_of(inquiry))['id']}"
    match how:
        case "answered":
            await desk.hears(inquiry.answered())
        case "closed":
            await desk.hears(inquiry.closed("withdrawn"))
        case "complete":
            await desk.post(f"{path}/complete")
        case "dismiss":
            await desk.post(f"{path}/dismiss", {"reason": "netiquette"})
    await forget_ends(desk)
    return path


@pytest.mark.parametrize("how", ["answered", "closed", "complete", "dismiss"])
async def test_it_stays_ended_when_something_else_is_heard(desk: Desk, how: str) -> None:
    inquiry = Inquiry(desk.clock.now())
    path = await ended(desk, inquiry, how)
    before = await desk.get(path)
    later = inquiry.answered().model_copy(update={"answered_at": inquiry.at + 3 * HOUR})
    for _ in range(2):
        await desk.hears(
            later,
            inquiry.held(NOON + 48 * HOUR).model_copy(update={"held_at": inquiry.at + 4 * HOUR}),
        )
        after = await desk.get(path)
        for name in ("state", "ended_at", "ended_by", "dismiss_reason", "assignee", "follow_up_at"):
            assert after[name] == before[name], name


@pytest.mark.parametrize("how", ["closed", "complete", "dismiss"])
async def test_what_a_desk_decided_can_be_reopened(desk: Desk, how: str) -> None:
    path = await ended(desk, Inquiry(desk.clock.now()), how)
    todo = (await desk.post(f"{path}/reopen", {"reason": "x"})).json()
    assert (todo["state"], todo["ended_at"], todo["assignee"]) == ("open", None, None)
    assert (await desk.post(f"{path}/complete")).json()["state"] == "done"


async def test_what_was_answered_cannot(desk: Desk) -> None:
    path = await ended(desk, Inquiry(desk.clock.now()), "answered")
    answer = await desk.post(f"{path}/reopen", {"reason": "x"})
    assert answer.json()["type"].endswith(":todo-answered")


async def test_its_answer_can_be_withdrawn_and_is_meant_by_no_other(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    first = inquiry.answered()
    await desk.hears(first)
    await forget_ends(desk)
    second = inquiry.answered().model_copy(update={"answered_at": inquiry.at + HOUR})
    await desk.hears(second, withdrawn(inquiry, second))
    assert (await desk.todo_of(inquiry))["state"] == "done"
    await desk.hears(withdrawn(inquiry, first))
    assert (await desk.todo_of(inquiry))["state"] == "open"


async def test_an_answer_that_is_heard_again_has_its_name_then(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    first = inquiry.answered()
    await desk.hears(first)
    await forget_ends(desk)
    await desk.hears(first, withdrawn(inquiry, first))
    todo = await desk.todo_of(inquiry)
    assert todo["state"] == "open"
    assert types(await desk.facts()) == ["todo.created", "todo.completed"]


async def test_an_answer_becomes_a_holding_reply(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    first = inquiry.answered()
    await desk.hears(first)
    await forget_ends(desk)
    hold = inquiry.held(NOON + 24 * HOUR).model_copy(
        update={"message_id": first.message_id, "revision": 2}
    )
    await desk.hears(withdrawn(inquiry, first), hold)
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["follow_up_at"]) == ("open", "2026-11-25T12:00:00Z")


async def test_what_the_customer_was_told_is_still_known(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), inquiry.held(NOON + 24 * HOUR))
    await forget_ends(desk)
    answer = inquiry.answered().model_copy(update={"answered_at": inquiry.at + HOUR})
    await desk.hears(answer)
    assert (await desk.todo_of(inquiry))["follow_up_at"] == "2026-11-25T12:00:00Z"
    await desk.hears(withdrawn(inquiry, answer))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["follow_up_at"]) == ("open", "2026-11-25T12:00:00Z")


async def test_a_later_answer_of_what_was_dismissed_counts_after_the_reopening(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    path = f"/todos/{(await desk.todo_of(inquiry))['id']}"
    await desk.post(f"{path}/dismiss", {"reason": "spam"})
    await desk.hears(inquiry.answered().model_copy(update={"answered_at": inquiry.at + HOUR}))
    await forget_ends(desk)
    todo = (await desk.post(f"{path}/reopen", {"reason": "x"})).json()
    assert (todo["state"], todo["ended_by"]) == ("done", "Carla")


async def test_an_older_program_ends_it_beside_this_one(desk: Desk) -> None:
    """It writes the ToDo and the history, and knows nothing of the row of the holding reply."""
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), inquiry.held(NOON + 24 * HOUR))
    todo = await desk.todo_of(inquiry)

    def complete(tx: Write) -> None:
        done = {"state": "done", "ended_at": NOON + HOUR, "ended_by": "Anna", "assignee": "Anna"}
        tx.execute(update(todos).values(**done))
        line = {"at": NOON + HOUR, "who": "Anna", "what": "completed", "why": None}
        tx.execute(history.insert().values(todo_id=UUID(todo["id"]), **line))

    await desk.service.database.write(complete)
    await desk.hears(inquiry.held(None).model_copy(update={"held_at": NOON + 2 * HOUR}))
    after = await desk.todo_of(inquiry)
    assert (after["state"], after["ended_by"]) == ("done", "Anna")
    assert lines(after)[-2:] == [("Anna", "completed", None), ("Carla", "held", None)]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'router.sqlite'}"
    url: str = request.getfixturevalue("postgres_database")
    return url


async def test_a_database_of_before_migrates(
    empty_database: str, tmp_path: Path, clock: ManualClock
) -> None:
    todo, inquiry = new_id(), new_id()
    database = open_database(empty_database)
    await database.start()
    await upgrade(database, "router", revision="0001")
    await database.write(_ended_of_before, todo, inquiry)
    await upgrade(database, "router")
    await database.stop()
    async with opened(empty_database, tmp_path, clock) as desk:
        shown = await desk.get(f"/todos/{todo}")
        assert (shown["state"], shown["ended_by"], shown["message_count"]) == ("done", "Anna", 1)
        again = (await desk.post(f"/todos/{todo}/reopen", {"reason": "x"})).json()
        assert again["state"] == "open"


def _ended_of_before(tx: Write, todo: UUID, inquiry: UUID) -> None:
    whole = {"id": todo, "inquiry_id": inquiry, "conversation_id": inquiry, "channel": "email"}
    place = {"desk": "technical", "first_desk": "technical", "state": "done", "assignee": "Anna"}
    decided = {"kind": "technical", "confidence": 1.0, "reasons": []}
    times = {"received_at": NOON, "created_at": NOON, "due_at": NOON, "ended_at": NOON}
    last = {"ended_by": "Anna", "message_count": 1, "latest_message_id": inquiry}
    tx.execute(todos.insert().values(**whole, **place, **decided, **times, **last))
    line = {"at": NOON, "who": "Anna", "what": "completed"}
    tx.execute(history.insert().values(todo_id=todo, **line))

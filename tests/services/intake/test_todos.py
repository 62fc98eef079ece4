"""What the router tells changes what an inquiry shows, and may end it; in any order, any number."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.events.todos import (
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoReleased,
    TodoRerouted,
)
from shared.runtime.ids import new_id
from tests.services.intake.desk import Desk, problem, record_of

ANSWER = {"kind": "answer", "text": "Ja."}


class Todo:
    """The ToDo of an inquiry, as the router tells about it."""

    def __init__(self, desk: Desk, placed: dict[str, Any]) -> None:
        self.path = f"/inquiries/{placed['inquiry_id']}"
        self.id = new_id()
        self.at = desk.clock.now() + timedelta(minutes=5)
        self._ids: dict[str, Any] = {
            "todo_id": self.id,
            "inquiry_id": UUID(placed["inquiry_id"]),
            "conversation_id": UUID(placed["conversation_id"]),
        }

    def created(self) -> TodoCreated:
        return TodoCreated(
            **self._ids, desk="inbound", kind="general", confidence=0.9, created_at=self.at
        )

    def claimed(self) -> TodoClaimed:
        return TodoClaimed(**self._ids, assignee="Carla", claimed_at=self.at)

    def released(self) -> TodoReleased:
        return TodoReleased(**self._ids, released_at=self.at, released_by="Carla")

    def rerouted(self) -> TodoRerouted:
        return TodoRerouted(
            **self._ids,
            from_desk="inbound",
            desk="technical",
            reason="technisch",
            rerouted_at=self.at,
            rerouted_by="Carla",
        )

    def completed(self) -> TodoCompleted:
        return TodoCompleted(**self._ids, completed_at=self.at, completed_by="Carla")

    def dismissed(self) -> TodoDismissed:
        return TodoDismissed(
            **self._ids, reason="netiquette", dismissed_at=self.at, dismissed_by="Carla"
        )


@pytest.fixture
async def todo(desk: Desk) -> Todo:
    return Todo(desk, await desk.new_inquiry(thread_id="t"))


async def test_who_has_it(desk: Desk, todo: Todo) -> None:
    async def shown() -> tuple[Any, Any]:
        inquiry = await desk.get(todo.path)
        assert inquiry["state"] == "open"
        return inquiry["desk"], inquiry["assignee"]

    assert await shown() == (None, None)
    await desk.hears(todo.created())
    assert await shown() == ("inbound", None)
    assert (await desk.get(todo.path))["todo_id"] == str(todo.id)
    await desk.hears(todo.claimed())
    assert await shown() == ("inbound", "Carla")
    await desk.hears(todo.released())
    assert await shown() == ("inbound", None)
    await desk.hears(todo.claimed(), todo.rerouted())
    assert await shown() == ("technical", None)


async def test_a_dismissed_inquiry_gets_no_answer(desk: Desk, todo: Todo) -> None:
    await desk.hears(todo.created(), todo.dismissed())
    shown = await desk.get(todo.path)
    assert (shown["state"], shown["reason"]) == ("no_answer", "netiquette")
    assert shown["closed_at"] == "2026-11-24T12:05:00Z"
    found = problem(await desk.post(f"{todo.path}/replies", ANSWER), 409, "inquiry-no-answer")
    assert "netiquette" in found["detail"]
    problem(await desk.post(f"{todo.path}/close", {"reason": "spam"}), 409, "inquiry-no-answer")
    assert await desk.types() == ["inquiry.received"]
    assert (await desk.new_inquiry(thread_id="t"))["opened"] is True


@pytest.mark.parametrize("held", [False, True])
async def test_a_todo_completed_by_hand_is_an_answer(desk: Desk, todo: Todo, *, held: bool) -> None:
    if held:
        holding = {"kind": "holding", "text": "x", "follow_up_at": "2026-11-27T12:00:00Z"}
        assert (await desk.post(f"{todo.path}/replies", holding)).status_code == 201
    told = await desk.types()
    await desk.hears(todo.created(), todo.completed())
    shown = await desk.get(todo.path)
    assert (shown["state"], shown["reason"], shown["closed_at"]) == ("answered", None, None)
    assert shown["answered_at"] == "2026-11-24T12:05:00Z"
    assert await desk.types() == told
    # What was said on the telephone is put in writing later: stored, and no new end.
    desk.clock.advance(timedelta(hours=1))
    later = {**ANSWER, "sent_at": desk.clock.now().isoformat()}
    assert (await desk.post(f"{todo.path}/replies", later)).status_code == 201
    assert (await desk.get(todo.path))["answered_at"] == "2026-11-24T12:05:00Z"
    holding = {"kind": "holding", "text": "Moment."}
    problem(await desk.post(f"{todo.path}/replies", holding), 409, "inquiry-answered")
    following = await desk.new_inquiry(thread_id="t")
    assert following["opened"] is True
    # Told again under another event id, it ends nothing that is not its own.
    await desk.hears(todo.completed())
    assert (await desk.detail(following))["state"] == "open"
    assert (await desk.new_inquiry(thread_id="t"))["inquiry_id"] == following["inquiry_id"]


async def test_what_has_ended_stays_as_it_ended(desk: Desk, todo: Todo) -> None:
    await desk.post(f"{todo.path}/replies", ANSWER)
    await desk.hears(todo.completed(), todo.dismissed())
    assert (await desk.get(todo.path))["state"] == "answered"
    other = Todo(desk, await desk.new_inquiry())
    dismissed = other.dismissed()
    other.at += timedelta(minutes=1)
    await desk.hears(other.completed(), dismissed)
    assert (await desk.get(other.path))["state"] == "no_answer"
    third = Todo(desk, await desk.new_inquiry())
    await desk.post(f"{third.path}/close", {"reason": "spam"})
    await desk.hears(third.completed(), third.dismissed())
    assert (await desk.get(third.path))["reason"] == "spam"


async def test_many_completed_in_one_batch(desk: Desk) -> None:
    todos = [Todo(desk, await desk.new_inquiry()) for _ in range(6)]
    for each in todos[:3]:
        await desk.post(f"{each.path}/replies", ANSWER)
    records = [record_of(each.completed()) for each in todos]
    await desk.hears_batch([*records, *records])
    states = [(await desk.get(each.path))["state"] for each in todos]
    assert states == ["answered"] * 6


async def test_facts_about_an_inquiry_that_is_not_here(desk: Desk) -> None:
    stranger = Todo(desk, {"inquiry_id": str(new_id()), "conversation_id": str(new_id())})
    await desk.hears(
        stranger.created(),
        stranger.claimed(),
        stranger.released(),
        stranger.rerouted(),
        stranger.dismissed(),
        stranger.completed(),
    )
    assert (await desk.get("/inquiries"))["items"] == []

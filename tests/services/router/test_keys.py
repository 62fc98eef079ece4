"""The key that acted stands beside the person, and acting on others' ToDos needs a scope."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.access.keys import add_key
from shared.events.todos import TodoCompleted
from tests.services.router.desk import ANNA, BERT, Desk, Inquiry

CLERK = f"desk_{'clerk':_<20}"
MOVES: list[tuple[str, dict[str, Any]]] = [
    ("release", {}),
    ("complete", {}),
    ("reroute", {"desk": "inbound", "reason": "asks for an invoice"}),
    ("dismiss", {"reason": "spam"}),
]


def _lines(todo: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(line["what"], line["who"], line["key_name"]) for line in todo["history"]]


async def test_every_move_shows_who_and_through_which_key(desk: Desk) -> None:
    path = f"/todos/{(await desk.new_todo())['id']}"
    await desk.post(f"{path}/claim", {"assignee": "Dora"}, key=ANNA)
    todo = await desk.get(path)
    assert (todo["assignee"], todo["assignee_key_name"]) == ("Dora", "Anna")
    await desk.post(f"{path}/release", {"by": "Dora"}, key=BERT)
    assert (await desk.get(path))["assignee_key_name"] is None
    await desk.post(f"{path}/reroute", {"by": "Dora", **MOVES[2][1]}, key=BERT)
    await desk.post(f"{path}/complete", {"by": "Dora"}, key=BERT)
    todo = await desk.get(path)
    assert (todo["ended_by"], todo["ended_by_key_name"]) == ("Dora", "Bert")
    assert (todo["assignee"], todo["assignee_key_name"]) == ("Dora", "Bert")
    await desk.post(f"{path}/reopen", {"by": "Dora", "reason": "rief an"}, key=ANNA)
    await desk.post(f"{path}/dismiss", {"by": "Dora", "reason": "spam"}, key=BERT)
    assert _lines(await desk.get(path)) == [
        ("created", "router", None),
        ("claimed", "Dora", "Anna"),
        ("released", "Dora", "Bert"),
        ("rerouted", "Dora", "Bert"),
        ("completed", "Dora", "Bert"),
        ("reopened", "Dora", "Anna"),
        ("dismissed", "Dora", "Bert"),
    ]
    told = [getattr(fact, "key_name", None) for fact in await desk.facts()]
    assert told == [None, "Anna", "Bert", "Bert", "Bert", "Anna", "Bert"]


async def test_what_intake_tells_of_a_key_is_shown(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    answered = inquiry.answered().model_copy(update={"key_name": "chat-tool"})
    held = inquiry.held(None).model_copy(update={"key_name": "chat-tool"})
    await desk.hears(inquiry.received(), held, answered)
    todo = await desk.todo_of(inquiry)
    assert _lines(todo)[1:] == [("held", "Carla", "chat-tool"), ("completed", "Carla", "chat-tool")]
    assert todo["ended_by_key_name"] == "chat-tool"
    completed = (await desk.facts())[-1]
    assert isinstance(completed, TodoCompleted)
    assert completed.key_name == "chat-tool"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("move", "body"), [*MOVES, ("reopen", {"reason": "rief an"})])
async def test_a_supervisor_needs_the_scope_and_is_in_the_history(
    desk: Desk, tmp_path: Path, move: str, body: dict[str, Any]
) -> None:
    add_key(
        tmp_path / "keys.json",
        name="Clerk",
        key=CLERK,
        scopes=("todos:write",),
        now=desk.clock.now(),
    )
    path = f"/todos/{(await desk.new_todo())['id']}"
    await desk.post(f"{path}/claim", key=ANNA)
    if move == "reopen":
        await desk.post(f"{path}/complete", key=ANNA)
    act = {**body, "as_supervisor": True}
    refused = await desk.post(f"{path}/{move}", act, key=CLERK)
    assert refused.status_code == 403, refused.text
    assert refused.json()["type"] == "urn:inbound-desk:problem:scope-missing"
    assert "todos:supervise" in refused.json()["detail"]
    assert (await desk.post(f"{path}/{move}", act, key=BERT)).status_code == 200
    *before, last = (await desk.get(path))["history"]
    assert (last["who"], last["key_name"], last["as_supervisor"]) == ("Bert", "Bert", True)
    assert not any(line["as_supervisor"] for line in before)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_names_are_shown_without_what_nobody_sees(desk: Desk) -> None:
    path = f"/todos/{(await desk.new_todo())['id']}"
    await desk.post(f"{path}/claim", {"assignee": "Do\u202era\x07\n"})
    assert (await desk.get(path))["assignee"] == "Dora"
    assert len((await desk.get("/todos", assignee="\u2066Dora\u2069"))["items"]) == 1
    refused = await desk.post(f"{path}/release", {"by": "\u202e\u200d"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "by"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_that_may_only_write_gets_no_contents_back(desk: Desk, tmp_path: Path) -> None:
    add_key(
        tmp_path / "keys.json",
        name="Clerk", key=CLERK, scopes=("todos:write",), now=desk.clock.now(),
    )  # fmt: skip
    todo = await desk.new_todo()
    path = f"/todos/{todo['id']}"
    for move, body, state in [
        ("claim", {}, "claimed"),
        ("release", {}, "open"),
        ("reroute", {"desk": "inbound", "reason": "asks for an invoice"}, "open"),
        ("complete", {}, "done"),
        ("reopen", {"reason": "rief an"}, "open"),
        ("dismiss", {"reason": "spam"}, "dismissed"),
    ]:
        answer = await desk.post(f"{path}/{move}", body, key=CLERK)
        assert answer.status_code == 200, answer.text
        ids = {"id": todo["id"], "inquiry_id": todo["inquiry_id"]}
        version = int(answer.headers["etag"].strip('"'))
        assert answer.json() == {**ids, "state": state, "version": version}, move
    for reading in (path, "/todos"):
        assert (await desk.request("GET", reading, key=CLERK)).status_code == 403

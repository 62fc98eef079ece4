"""Everything that a request can get wrong is a problem that names field, fault and remedy."""

from __future__ import annotations

from typing import Any

import pytest

from shared.runtime.ids import new_id
from tests.services.router.desk import READER, Desk, refused

MOVES = {
    "claim": None,
    "release": None,
    "complete": None,
    "reroute": {"desk": "inbound", "reason": "x"},
    "dismiss": {"reason": "spam"},
    "reopen": {"reason": "x"},
}


@pytest.mark.parametrize("move", MOVES)
async def test_an_unknown_todo(desk: Desk, move: str) -> None:
    answer = await desk.post(f"/todos/{new_id()}/{move}", MOVES[move])
    refused(answer, 404, "todo-not-found")
    refused(await desk.request("GET", f"/todos/{new_id()}"), 404, "todo-not-found")


async def test_an_id_that_is_none(desk: Desk) -> None:
    problem = refused(await desk.request("GET", "/todos/42"), 422, "invalid-request")
    assert problem["errors"][0]["field"] == "path.todo_id"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"state": "lost"}, "query.state.0"),
        ({"kind": "funny"}, "query.kind"),
        ({"sort": "colour"}, "query.sort"),
        ({"limit": "0"}, "query.limit"),
        ({"limit": "201"}, "query.limit"),
        ({"limit": "many"}, "query.limit"),
        ({"inquiry_id": "x"}, "query.inquiry_id"),
        ({"desk": "a\0b"}, "query.desk.0"),
        ({"assignee": "  "}, "query.assignee"),
        ({"statе": "open"}, "query.statе"),
        ({"cursor": "x" * 501}, "query.cursor"),
    ],
)
async def test_a_wrong_query(desk: Desk, params: dict[str, str], field: str) -> None:
    answer = await desk.request("GET", "/todos", params=params)
    assert refused(answer, 422, "invalid-request")["errors"][0]["field"] == field


@pytest.mark.parametrize("cursor", ["x", "W10", "WyIyMDI2IiwgMV0", "\x7f", "a" * 500])
async def test_an_unknown_cursor(desk: Desk, cursor: str) -> None:
    answer = await desk.request("GET", "/todos", params={"cursor": cursor})
    assert refused(answer, 422, "unknown-cursor")["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("move", "body", "field"),
    [
        ("claim", {"assignee": ""}, "assignee"),
        ("claim", {"assignee": "a\0"}, "assignee"),
        ("claim", {"assignee": "x" * 201}, "assignee"),
        ("claim", {"asignee": "Anna"}, "asignee"),
        ("claim", {"assignee": 7}, "assignee"),
        ("release", {"desk": "inbound"}, "desk"),
        ("reroute", {"desk": "inbound"}, "reason"),
        ("reroute", {"reason": "x"}, "desk"),
        ("reroute", {"desk": "inbound", "reason": " "}, "reason"),
        ("dismiss", {}, "reason"),
        ("dismiss", {"reason": "boring"}, "reason"),
        ("dismiss", ["spam"], "body"),
        ("complete", {"read_until": "the last"}, "read_until"),
        ("dismiss", {"reason": "spam", "read_until": 7}, "read_until"),
        ("claim", {"read_until": None}, "read_until"),
        ("reopen", {}, "reason"),
        ("reopen", {"reason": " "}, "reason"),
        ("reopen", {"reason": "x" * 1001}, "reason"),
        ("reopen", {"reason": "x", "read_until": None}, "read_until"),
    ],
)
async def test_a_wrong_body(desk: Desk, move: str, body: Any, field: str) -> None:
    todo = await desk.new_todo()
    answer = await desk.post(f"/todos/{todo['id']}/{move}", body)
    assert refused(answer, 422, "invalid-request")["errors"][0]["field"] == field
    assert (await desk.get(f"/todos/{todo['id']}"))["state"] == "open"


@pytest.mark.parametrize("raw", [b"{", b'{"reason": "spam"', b"\xff", b"", b'{"reason": NaN}'])
async def test_a_body_that_is_no_json(desk: Desk, raw: bytes) -> None:
    answer = await desk.request(
        "POST",
        f"/todos/{new_id()}/dismiss",
        content=raw,
        headers={"Content-Type": "application/json"},
    )
    refused(answer, 400, "malformed-json")


@pytest.mark.parametrize("move", ["claim", "dismiss"])
async def test_another_content_type(desk: Desk, move: str) -> None:
    answer = await desk.request(
        "POST", f"/todos/{new_id()}/{move}", content=b"{}", headers={"Content-Type": "text/plain"}
    )
    refused(answer, 415, "unsupported-content-type")


async def test_a_lone_surrogate(desk: Desk) -> None:
    answer = await desk.request(
        "POST",
        f"/todos/{new_id()}/claim",
        content=b'{"assignee": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert refused(answer, 422, "invalid-request")["errors"][0]["field"] == "assignee"


async def test_keys_and_scopes(desk: Desk) -> None:
    path = f"/todos/{new_id()}"
    refused(await desk.request("GET", path, key=None), 401, "key-missing")
    refused(await desk.request("GET", path, key="desk_nobody"), 401, "key-unknown")
    assert (await desk.request("GET", "/todos", key=READER)).status_code == 200
    for move, body in MOVES.items():
        answer = await desk.post(f"{path}/{move}", body, key=READER)
        refused(answer, 403, "scope-missing")


async def test_a_preview_decides_and_stores_nothing(desk: Desk) -> None:
    body = {"text": "Die Anmeldung ist abgestürzt.", "subject": "Hilfe", "channel": "email"}
    answer = await desk.post("/decisions/preview", body, key=READER)
    assert answer.status_code == 200
    decision = answer.json()
    assert (decision["kind"], decision["desk"]) == ("technical", "technical")
    assert {"abgestürzt"} <= {reason["word"] for reason in decision["reasons"]}
    assert (await desk.get("/todos"))["items"] == []


async def test_a_preview_sees_channel_and_hashtags_as_intake_would(desk: Desk) -> None:
    hotline = await desk.post("/decisions/preview", {"text": "Hallo", "channel": "hotline"})
    assert hotline.json()["desk"] == "technical"
    tagged = await desk.post("/decisions/preview", {"text": "Bis bald #iico2013"})
    assert "hashtag" in {reason["rule"] for reason in tagged.json()["reasons"]}


async def test_a_preview_of_an_unknown_channel(desk: Desk) -> None:
    answer = await desk.post("/decisions/preview", {"text": "Hallo", "channel": "fax"})
    problem = refused(answer, 422, "unknown-channel")
    assert "web_form" in problem["errors"][0]["expected"]


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "a\0"}, {"text": "x" * 100_001}, {}])
async def test_a_preview_without_a_usable_text(desk: Desk, body: dict[str, str]) -> None:
    answer = await desk.post("/decisions/preview", body)
    assert refused(answer, 422, "invalid-request")["errors"][0]["field"] == "text"

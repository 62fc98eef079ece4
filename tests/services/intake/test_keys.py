"""The key that acted stands beside the author, the assignee, and whoever ended an inquiry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.access.keys import Scope, add_key
from shared.events.inquiries import InquiryAnswered, InquiryClosed, InquiryReceived, ReplyWithdrawn
from shared.events.todos import TodoClaimed, TodoCompleted, TodoReleased
from shared.runtime.ids import new_id
from tests.services.intake.desk import ANNA, BERT, Desk, inquiry, message, problem

FORM = f"desk_{'form':_<20}"


async def test_every_message_and_end_shows_its_key(desk: Desk) -> None:
    placed = await desk.new_inquiry()
    path = f"/inquiries/{placed['inquiry_id']}"
    reply = {"kind": "answer", "text": "Das kostet nichts.", "author": "Dora"}
    sent = (await desk.post(f"{path}/replies", reply, key=BERT)).json()
    shown = await desk.detail(placed)
    assert [(each["author_name"], each["key_name"]) for each in shown["messages"]] == [
        (None, "Anna"),
        ("Dora", "Bert"),
    ]
    assert [(each["by"], each["key_name"]) for each in shown["ends"]] == [("Dora", "Bert")]
    again = f"{path}/replies/{sent['message_id']}/reclassify"
    await desk.post(again, {"kind": "none", "by": "Emil"}, key=ANNA)
    await desk.post(f"{path}/close", {"reason": "spam"}, key=BERT)
    ends = (await desk.detail(placed))["ends"]
    assert [(each["kind"], each["by"], each["key_name"]) for each in ends] == [
        ("answer", "Dora", "Bert"),
        ("close", "Bert", "Bert"),
    ]
    told = [(type(each.data), getattr(each.data, "key_name", None)) for each in await desk.told()]
    assert told == [
        (InquiryReceived, None),
        (InquiryAnswered, "Bert"),
        (ReplyWithdrawn, "Anna"),
        (InquiryClosed, "Bert"),
    ]


async def test_what_the_router_tells_of_a_key_is_shown(desk: Desk) -> None:
    placed = await desk.new_inquiry()
    ids: dict[str, Any] = {
        "todo_id": new_id(),
        "inquiry_id": placed["inquiry_id"],
        "conversation_id": placed["conversation_id"],
        "key_name": "desk-tool",
    }
    at = desk.clock.now()
    await desk.hears(TodoClaimed(**ids, assignee="Dora", claimed_at=at))
    shown = await desk.detail(placed)
    assert (shown["assignee"], shown["assignee_key_name"]) == ("Dora", "desk-tool")
    await desk.hears(TodoReleased(**ids, released_at=at, released_by="Dora"))
    assert (await desk.detail(placed))["assignee_key_name"] is None
    await desk.hears(TodoCompleted(**ids, completed_at=at, completed_by="Dora"))
    ends = (await desk.detail(placed))["ends"]
    assert [(each["by"], each["key_name"]) for each in ends] == [("Dora", "desk-tool")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_names_are_stored_without_what_nobody_sees(desk: Desk) -> None:
    by_webhook = message(author={"id": "c-1", "name": "An\u202ena\nThaler"})
    (inquiry_id,) = await desk.accepted(by_webhook)
    reply = {"kind": "answer", "text": "Gern!", "author": "\u2066Dora\u2069\x07"}
    await desk.post(f"/inquiries/{inquiry_id}/replies", reply)
    shown = await desk.detail(inquiry_id)
    assert [each["author_name"] for each in shown["messages"]] == ["Anna Thaler", "Dora"]
    assert [each["key_name"] for each in shown["messages"]] == [None, "Anna"]
    assert shown["contact"]["name"] == "Anna Thaler"
    assert shown["ends"][0]["by"] == "Dora"


def _form(folder: Path, desk: Desk, *scopes: Scope) -> None:
    add_key(folder / "keys.json", name="Form", key=FORM, scopes=scopes, now=desk.clock.now())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_that_may_only_hand_in_gets_ids_and_nothing_else(
    desk: Desk, tmp_path: Path
) -> None:
    _form(tmp_path, desk, "inquiries:submit")
    handed_in = inquiry(external_id="f-1")
    placed = (await desk.post("/inquiries", handed_in, key=FORM)).json()
    ids = {"inquiry_id", "conversation_id", "contact_id", "message_id"}
    assert placed.keys() == ids | {"opened", "reference"}
    again = await desk.post("/inquiries", handed_in, key=FORM)
    assert (again.status_code, again.json()["inquiry_id"]) == (200, placed["inquiry_id"])
    path = f"/inquiries/{placed['inquiry_id']}"
    reply = {"kind": "answer", "text": "Gern!"}
    for method, place, body in [
        ("GET", "/inquiries", None),
        ("GET", path, None),
        ("POST", f"{path}/replies", reply),
        ("POST", f"{path}/replies/{placed['message_id']}/reclassify", {"kind": "none"}),
        ("POST", f"{path}/close", {"reason": "spam"}),
        ("GET", "/quarantine", None),
        ("POST", f"/quarantine/{placed['message_id']}/retry", None),
        ("DELETE", f"/quarantine/{placed['message_id']}?reason=x", None),
    ]:
        problem(await desk.request(method, place, json=body, key=FORM), 403, "scope-missing")
    shown = await desk.detail(placed)
    assert [each["key_name"] for each in shown["messages"]] == ["Form"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_key_that_may_only_write_gets_no_contents_back(desk: Desk, tmp_path: Path) -> None:
    _form(tmp_path, desk, "inquiries:write")
    placed = (await desk.post("/inquiries", inquiry(), key=FORM)).json()
    path = f"/inquiries/{placed['inquiry_id']}"
    reply = {"kind": "holding", "text": "Wir klären das."}
    sent = await desk.post(f"{path}/replies", reply, key=FORM)
    assert sent.json().keys() == {"inquiry_id", "conversation_id", "message_id"}
    again = f"{path}/replies/{sent.json()['message_id']}/reclassify"
    taken_back = await desk.post(again, {"kind": "none"}, key=FORM)
    assert taken_back.json() == {"id": placed["inquiry_id"], "state": "open"}
    closed = await desk.post(f"{path}/close", {"reason": "spam"}, key=FORM)
    assert closed.json() == {"id": placed["inquiry_id"], "state": "closed"}
    refused = await desk.request("GET", path, key=FORM)
    assert "inquiries:read" in problem(refused, 403, "scope-missing")["detail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_handing_in_takes_a_scope_that_is_named(desk: Desk, tmp_path: Path) -> None:
    _form(tmp_path, desk, "inquiries:read", "todos:write")
    refused = await desk.post("/inquiries", inquiry(), key=FORM)
    said = problem(refused, 403, "scope-missing")["detail"]
    assert "inquiries:submit or inquiries:write" in said

"""That an answer was reused, and the report of it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.runtime.ids import new_id
from tests.services.router.desk import (
    READER,
    Desk,
    Inquiry,
    history,
)
from tests.services.router.similar_desk import (
    ADVICE,
    DAY,
    INVOICE,
    LIKE_IT,
    answered,
    similar,
)


async def test_a_reuse_is_recorded_once_with_its_line(desk: Desk) -> None:
    one, _ = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    body = {"inquiry_id": str(one.inquiry_id)}
    first = await desk.post(f"/todos/{todo['id']}/reuse", {**body, "by": "Dora"})
    assert first.status_code == 200, first.text
    assert (first.json()["by"], first.json()["key_name"]) == ("Dora", "Anna")
    desk.clock.advance(DAY)
    again = await desk.post(f"/todos/{todo['id']}/reuse", body)
    assert again.json() == first.json()
    shown = await desk.get(f"/todos/{todo['id']}")
    assert shown["version"] == todo["version"] + 1
    lines = [line for line in history(shown) if line[1] == "answer_reused"]
    assert lines == [("Dora", "answer_reused", str(one.inquiry_id))]
    assert shown["version"] == todo["version"] + 1
    (found,) = await similar(desk, todo)
    assert found["reused"] == 1


async def test_what_cannot_be_reused_is_refused(desk: Desk) -> None:
    one, _ = await answered(desk)
    todo = await desk.new_todo(LIKE_IT)
    own, unknown = await desk.todo_of(one), new_id()

    async def code(todo_id: Any, inquiry_id: Any, key: str = "") -> tuple[int, str]:
        answer = await desk.post(
            f"/todos/{todo_id}/reuse", {"inquiry_id": str(inquiry_id)}, key=key
        )
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    assert await code(unknown, one.inquiry_id) == (404, "todo-not-found")
    assert await code(todo["id"], unknown) == (404, "answer-not-found")
    assert await code(todo["id"], todo["inquiry_id"]) == (409, "reuse-of-itself")
    assert await code(own["id"], todo["inquiry_id"]) == (404, "answer-not-found")
    unseen = {"inquiry_id": str(one.inquiry_id), "by": "\u200b"}
    nobody = await desk.post(f"/todos/{todo['id']}/reuse", unseen)
    assert (nobody.status_code, nobody.json()["errors"][0]["field"]) == (422, "by")
    assert await code(todo["id"], one.inquiry_id, READER) == (403, "scope-missing")
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})
    assert await code(todo["id"], one.inquiry_id) == (409, "todo-dismissed")
    answer = await desk.request("GET", f"/todos/{unknown}/similar")
    assert answer.status_code == 404


async def test_the_report_says_how_often_nobody_had_to_look_again(desk: Desk) -> None:
    one, _ = await answered(desk)
    todo, other = await desk.new_todo(LIKE_IT), await desk.new_todo(INVOICE)
    assert len(await similar(desk, todo)) == 1
    await similar(desk, todo)
    assert await similar(desk, other) == []
    await desk.post(f"/todos/{todo['id']}/reuse", {"inquiry_id": str(one.inquiry_id)})
    same = Inquiry(desk.clock.now(), todo["inquiry_id"], todo["conversation_id"])
    await desk.hears(same.answered(text=ADVICE))
    span = {"from": "2026-11-16", "to": "2026-11-29"}
    report = await desk.get("/reports/reuse", **span)
    assert (report["from"], report["to"]) == ("2026-11-15T23:00:00Z", "2026-11-29T23:00:00Z")
    assert report["total"] == {
        "received": 3, "asked": 2, "found": 1, "shown": 1, "reused": 1,
        "answered": 2, "answered_with_reuse": 1, "reuse_percent": 50.0,
    }  # fmt: skip
    assert [week["week"] for week in report["weeks"]] == ["2026-W47", "2026-W48"]
    assert report["weeks"][0]["desks"] == []
    assert report["weeks"][1]["total"] == report["total"]
    assert sum(each["reused"] for each in report["weeks"][1]["desks"]) == 1


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-20", "2026-11-19"),
        ("2026-11-20T10:00:00", "2026-11-21"),
        ("yesterday", "2026-11-21"),
        ("2020-01-01", "2026-11-21"),
    ],
)
async def test_a_span_that_is_none_is_refused(desk: Desk, first: str, last: str) -> None:
    answer = await desk.request("GET", "/reports/reuse", params={"from": first, "to": last})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":wrong-span")

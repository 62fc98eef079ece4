"""A ToDo with any number of messages and moves makes an answer of a bounded size."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.web.paging import Cursors
from tests.services.router.desk import Desk, Inquiry

MINUTE = timedelta(minutes=1)


async def test_a_todo_shows_its_newest_messages_and_the_rest_in_pages(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    texts = [f"n{number}" for number in range(53)]
    later = [
        inquiry.added(text, at=inquiry.at + number * MINUTE)
        for number, text in enumerate(texts[1:], 1)
    ]
    await desk.hears(inquiry.received(texts[0]), *later)
    todo = await desk.todo_of(inquiry)
    path = f"/todos/{todo['id']}"
    for shown in (
        todo,
        (await desk.post(f"{path}/claim")).json(),
        (await desk.post(f"{path}/release")).json(),
    ):
        assert [each["text"] for each in shown["messages"]] == texts[3:]
        assert shown["message_count"] == 53
    page = await desk.get(f"{path}/messages", cursor=todo["messages_cursor"])
    assert [each["text"] for each in page["items"]] == ["n2", "n1", "n0"]
    assert page["next_cursor"] is None


async def test_very_long_messages_make_a_page_shorter(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    long = [inquiry.added("ä" * 400_000, at=inquiry.at + n * MINUTE) for n in (1, 2, 3)]
    await desk.hears(inquiry.received("first"), *long)
    todo = await desk.todo_of(inquiry)
    assert (len(todo["messages"]), todo["message_count"]) == (2, 4)
    page = await desk.get(f"/todos/{todo['id']}/messages", cursor=todo["messages_cursor"])
    assert [len(each["text"]) for each in page["items"]] == [400_000, 5]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_long_history_comes_in_pages(desk: Desk) -> None:
    todo = await desk.new_todo()
    path = f"/todos/{todo['id']}"
    for _ in range(27):
        await desk.post(f"{path}/claim")
        await desk.post(f"{path}/release")
    shown = await desk.get(path)
    assert [line["what"] for line in shown["history"][:2]] == ["created", "claimed"]
    assert len(shown["history"]) == 51
    page = await desk.get(f"{path}/history", cursor=shown["history_cursor"])
    assert [line["what"] for line in page["items"]] == ["released", "claimed"] * 2
    assert page["next_cursor"] is None
    forged = Cursors("history", todo["id"]).of((desk.clock.now(), UUID(int=2**128 - 1)))
    assert len((await desk.get(f"{path}/history", cursor=forged))["items"]) == 50
    elsewhere = (await desk.get("/todos", limit=1))["next_cursor"] or Cursors("todos").of(
        (desk.clock.now(), UUID(int=7))
    )
    for part in ("messages", "history"):
        answer = await desk.request("GET", f"{path}/{part}", params={"cursor": elsewhere})
        assert (answer.status_code, answer.json()["type"][-14:]) == (422, "unknown-cursor")
        answer = await desk.request("GET", f"/todos/{'0' * 32}/{part}")
        assert answer.status_code == 404

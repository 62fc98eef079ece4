"""No answer grows with what was sent: problems are named up to 50, messages come in pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.bounds import MOST_SHOWN
from shared.db.newest import MOST_CHARACTERS
from tests.services.intake.desk import Desk, message, problem, refused_at_the_door

MINUTE = timedelta(minutes=1)


async def _thread(desk: Desk, texts: list[str]) -> str:
    """One inquiry with a message for each text, a minute apart."""
    (inquiry_id,) = await desk.accepted(message(thread_id="t", author="u", text=texts[0]))
    for text in texts[1:]:
        desk.clock.advance(MINUTE)
        await desk.accepted(message(thread_id="t", author="u", text=text))
    return inquiry_id


async def _walked(desk: Desk, inquiry_id: str, **params: Any) -> list[list[str]]:
    """The texts on each page."""
    pages: list[list[str]] = []
    while True:
        page = await desk.get(f"/inquiries/{inquiry_id}/messages", **params)
        pages.append([each["text"] for each in page["items"]])
        if page["next_cursor"] is None:
            return pages
        params["cursor"] = page["next_cursor"]


async def test_an_inquiry_shows_its_newest_messages_and_the_rest_in_pages(desk: Desk) -> None:
    texts = [f"n{number}" for number in range(53)]
    inquiry_id = await _thread(desk, texts)
    shown = await desk.detail(inquiry_id)
    assert [each["text"] for each in shown["messages"]] == texts[3:]
    earlier = await _walked(desk, inquiry_id, cursor=shown["messages_cursor"])
    assert earlier == [["n2", "n1", "n0"]]
    pages = await _walked(desk, inquiry_id, limit=20)
    assert [len(page) for page in pages] == [20, 20, 13]
    assert [text for page in pages for text in page] == texts[::-1]


async def test_very_long_messages_make_a_page_shorter(desk: Desk) -> None:
    long = "x" * 400_000  # over the limit of a text, so all of it stands in full_text as well
    inquiry_id = await _thread(desk, ["first", long, long, "last"])
    pages = await _walked(desk, inquiry_id)
    assert [len(page) for page in pages] == [2, 2]
    shown = await desk.detail(inquiry_id)
    assert len(shown["messages"]) == 2
    assert sum(len(each["full_text"] or "") for each in shown["messages"]) <= MOST_CHARACTERS
    assert shown["messages_cursor"] is not None


@refused_at_the_door
async def test_an_inquiry_whose_messages_fit_says_that_there_are_no_more(desk: Desk) -> None:
    shown = await desk.detail(await desk.new_inquiry())
    assert (len(shown["messages"]), shown["messages_cursor"]) == (1, None)
    problem(
        await desk.request("GET", "/inquiries/" + "0" * 32 + "/messages"), 404, "unknown-inquiry"
    )


@refused_at_the_door
async def test_the_first_hashtags_are_shown_and_all_are_counted(desk: Desk) -> None:
    thread = {"thread_id": "tags"}
    placed = await desk.new_inquiry(**thread, text=" ".join(f"#tag{n:02}" for n in range(40)))
    await desk.new_inquiry(**thread, text=" ".join(f"#tag{n:02}" for n in range(30, 60)))
    shown = await desk.detail(placed)
    tags = [f"tag{n:02}" for n in range(50)]
    assert ([each["tag"] for each in shown["hashtags"]], shown["hashtag_count"]) == (tags, 60)


@refused_at_the_door
async def test_the_first_ends_are_shown_and_all_are_counted(desk: Desk) -> None:
    placed = await desk.new_inquiry()
    for number in range(52):
        desk.clock.advance(MINUTE)
        reply = {"kind": "answer", "text": f"Antwort {number}"}
        path = f"/inquiries/{placed['inquiry_id']}/replies"
        assert (await desk.post(path, reply)).status_code == 201
    shown = await desk.detail(placed)
    assert (len(shown["ends"]), shown["end_count"]) == (50, 52)
    assert shown["ends"][0]["at"] == shown["answered_at"]


@refused_at_the_door
async def test_of_many_problems_the_first_are_named_and_the_rest_counted(desk: Desk) -> None:
    body = {f"field_{number}_{'x' * 100}": 1 for number in range(5_000)}
    answer = await desk.post("/inquiries", body)
    found = problem(answer, 422, "invalid-request")
    assert len(found["errors"]) == MOST_SHOWN
    assert found["more_errors"] == 5_000 + 3 - MOST_SHOWN
    assert len(answer.content) < 30_000
    few = problem(await desk.post("/inquiries", {}), 422, "invalid-request")
    assert "more_errors" not in few


@refused_at_the_door
async def test_of_a_delivery_the_first_mistakes_are_named_and_the_rest_counted(desk: Desk) -> None:
    wrong = [{"text": "no id"} for _ in range(60)]
    own = [message(url="ftp://example.org") for _ in range(60)]
    empty = [message(text=" ") for _ in range(60)]
    answer = (await desk.deliver(wrong + own + empty)).json()
    assert (len(answer["errors"]), answer["more_errors"]) == (MOST_SHOWN, 10)
    assert (len(answer["adjusted"]), answer["more_adjusted"]) == (MOST_SHOWN, 10)
    assert (len(answer["ignored_items"]), answer["ignored"], answer["broken"]) == (50, 60, 60)

"""Lists: every filter, and pages on which nothing is shown twice or lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.runtime.ids import new_id
from tests.services.intake.desk import Desk, message, problem, refused_at_the_door


@pytest.fixture
async def few(desk: Desk) -> dict[str, dict[str, Any]]:
    """Three inquiries, one hour apart."""
    one = await desk.new_inquiry(author={"id": "7"}, text="#iico2013 und #IICO2014")
    desk.clock.advance(timedelta(hours=1))
    two = await desk.new_inquiry(channel="email", author={"id": "8"}, text="#clouddevcamp2026")
    desk.clock.advance(timedelta(hours=1))
    three = await desk.new_inquiry(author={"id": "7"}, text="ohne")
    await desk.post(f"/inquiries/{three['inquiry_id']}/close", {"reason": "spam"})
    return {"one": one, "two": two, "three": three}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "three two one"),
        ({"channel": "email"}, "two"),
        ({"channel": "pinterest"}, ""),
        ({"state": "open"}, "two one"),
        ({"state": "closed"}, "three"),
        ({"hashtag": "iico"}, "one"),
        ({"hashtag": "#IICO", "year": 2014}, "one"),
        ({"hashtag": "iico", "year": 2015}, ""),
        ({"hashtag": "clouddevcamp"}, "two"),
        ({"received_from": "2026-11-24T13:00:00Z"}, "three two"),
        ({"received_to": "2026-11-24T14:00:00+01:00"}, "one"),
        ({"received_from": "2026-11-24T13:00:00Z", "received_to": "2026-11-24T14:00:00Z"}, "two"),
        ({"channel": "web_form", "state": "open", "hashtag": "iico"}, "one"),
    ],
)
async def test_filters(
    desk: Desk, few: dict[str, dict[str, Any]], params: dict[str, Any], expected: str
) -> None:
    names = {placed["inquiry_id"]: name for name, placed in few.items()}
    page = await desk.get("/inquiries", **params)
    assert [names[item["id"]] for item in page["items"]] == expected.split()
    assert page["next_cursor"] is None


async def test_the_inquiries_of_a_contact(desk: Desk, few: dict[str, dict[str, Any]]) -> None:
    page = await desk.get("/inquiries", contact_id=few["one"]["contact_id"])
    found = [item["id"] for item in page["items"]]
    assert found == [few["three"]["inquiry_id"], few["one"]["inquiry_id"]]
    assert (await desk.get("/inquiries", contact_id=str(new_id())))["items"] == []


async def test_pages_while_new_ones_come_in(desk: Desk) -> None:
    first = await desk.accepted([message() for _ in range(7)])  # all at the same moment
    desk.clock.advance(timedelta(seconds=1))
    first += await desk.accepted([message() for _ in range(6)])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        page = await desk.get("/inquiries", limit=3, **cursor)
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        desk.clock.advance(timedelta(seconds=1))
        await desk.accepted(message())
    assert len(seen) == len(set(seen)) == 13
    assert set(seen) == set(first)


async def test_a_full_last_page_has_no_next(desk: Desk) -> None:
    await desk.accepted([message() for _ in range(4)])
    page = await desk.get("/inquiries", limit=2)
    last = await desk.get("/inquiries", limit=2, cursor=page["next_cursor"])
    assert len(last["items"]) == 2
    assert last["next_cursor"] is None


async def test_the_quarantine_in_pages(desk: Desk) -> None:
    await asyncio.gather(*(desk.deliver([message(id=[n])]) for n in range(5)))
    seen: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    for _ in range(3):
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = await desk.get("/quarantine", limit=2, **cursor)
        seen += [item["id"] for item in page["items"]]
    assert len(set(seen)) == len(seen) == 5


@refused_at_the_door
@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"contact_id": "x"}, "contact_id"),
        ({"channel": "a\0b"}, "channel"),
        ({"channel": "c" * 65}, "channel"),
        ({"hashtag": "\0"}, "hashtag"),
        ({"year": "2013"}, "year"),
        ({"hashtag": "iico", "year": "1"}, "year"),
        ({"received_from": "2026-11-24T12:00:00"}, "received_from"),
        ({"received_to": "9999-12-31T23:59:59Z"}, "received_to"),
        ({"received_to": "gestern"}, "received_to"),
        ({"colour": "red"}, "colour"),
        ({"cursor": "x" * 501}, "cursor"),
    ],
)
async def test_a_wrong_query(desk: Desk, params: dict[str, str], field: str) -> None:
    answer = await desk.request("GET", "/inquiries", params=params)
    found = problem(answer, 422, "invalid-request")
    assert found["errors"][0]["field"] == f"query.{field}"


@refused_at_the_door
@pytest.mark.parametrize("path", ["/inquiries", "/quarantine"])
@pytest.mark.parametrize("cursor", ["x", "W10", "WyIyMDI2IiwgMV0", "\x7f", "a" * 500, "ÿ"])
async def test_an_unknown_cursor(desk: Desk, path: str, cursor: str) -> None:
    answer = await desk.request("GET", path, params={"cursor": cursor})
    assert problem(answer, 422, "unknown-cursor")["errors"][0]["field"] == "cursor"


async def test_the_first_requests_at_once_all_know_their_key(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.request("GET", "/inquiries") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


@refused_at_the_door
async def test_a_filter_for_what_the_policy_lacks_is_an_error(desk: Desk) -> None:
    for path in ("/inquiries", "/quarantine"):
        answer = await desk.request("GET", path, params={"channel": "fax"})
        found = problem(answer, 422, "unknown-channel")
        assert found["errors"][0]["field"] == "channel"

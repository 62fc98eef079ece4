"""Replies and closing: what may be done with an inquiry in which state."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.events.inquiries import InquiryAnswered, InquiryClosed, InquiryHeld
from shared.runtime.ids import new_id
from tests.services.intake.desk import READER, Desk, inquiry, problem, refused_at_the_door

ANSWER = {"kind": "answer", "text": "Bitte leeren Sie den Cache."}
HOLDING = {"kind": "holding", "text": "Wir klären das.", "follow_up_at": "2026-11-27T12:00:00Z"}


@pytest.fixture
async def path(desk: Desk) -> str:
    return f"/inquiries/{(await desk.new_inquiry(thread_id='t'))['inquiry_id']}"


async def test_an_answer(desk: Desk, path: str) -> None:
    desk.clock.advance(timedelta(hours=1))
    sent_at = "2026-11-24T13:30:00+01:00"
    body = {**ANSWER, "sent_at": sent_at, "author": "Carla", "external_id": "a-1"}
    answer = await desk.post(f"{path}/replies", body)
    assert answer.status_code == 201
    shown = await desk.get(path)
    assert (shown["state"], shown["answered_at"]) == ("answered", "2026-11-24T12:30:00Z")
    reply = shown["messages"][1]
    assert reply["id"] == answer.json()["message_id"]
    assert (reply["kind"], reply["author_name"]) == ("answer", "Carla")
    assert (reply["external_id"], reply["sent_at"]) == ("a-1", "2026-11-24T12:30:00Z")
    fact = (await desk.told())[-1].data
    assert isinstance(fact, InquiryAnswered)
    assert (fact.answered_by, fact.answered_at.isoformat()) == (
        "Carla",
        "2026-11-24T12:30:00+00:00",
    )


async def test_the_key_is_the_author_who_is_not_named(desk: Desk, path: str) -> None:
    await desk.post(f"{path}/replies", ANSWER)
    fact = (await desk.told())[-1].data
    assert isinstance(fact, InquiryAnswered)
    assert (fact.answered_by, fact.answered_at) == ("Anna", desk.clock.now())


async def test_holding_and_then_answering(desk: Desk, path: str) -> None:
    assert (await desk.post(f"{path}/replies", HOLDING)).status_code == 201
    shown = await desk.get(path)
    assert (shown["state"], shown["follow_up_at"]) == ("held", "2026-11-27T12:00:00Z")
    fact = (await desk.told())[-1].data
    assert isinstance(fact, InquiryHeld)
    assert fact.follow_up_at is not None
    assert fact.follow_up_at.isoformat() == "2026-11-27T12:00:00+00:00"
    later = {**HOLDING, "follow_up_at": "2026-11-30T12:00:00Z"}
    assert (await desk.post(f"{path}/replies", later)).status_code == 201
    assert (await desk.get(path))["follow_up_at"] == "2026-11-30T12:00:00Z"
    unnamed = {"kind": "holding", "text": "Wir sind noch dran."}
    assert (await desk.post(f"{path}/replies", unnamed)).status_code == 201
    fact = (await desk.told())[-1].data
    assert isinstance(fact, InquiryHeld)
    assert fact.follow_up_at is None
    assert (await desk.get(path))["follow_up_at"] is None
    assert (await desk.post(f"{path}/replies", ANSWER)).status_code == 201
    assert (await desk.get(path))["state"] == "answered"


async def test_closing(desk: Desk, path: str) -> None:
    answer = await desk.post(f"{path}/close", {"reason": "spam"})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["reason"]) == ("closed", "spam")
    assert answer.json()["closed_at"] == "2026-11-24T12:00:00Z"
    fact = (await desk.told())[-1].data
    assert isinstance(fact, InquiryClosed)
    assert (fact.reason, fact.closed_by) == ("spam", "Anna")
    following = await desk.new_inquiry(thread_id="t")
    assert following["opened"] is True


@pytest.mark.parametrize(
    ("first", "code"), [("replies", "inquiry-answered"), ("close", "inquiry-closed")]
)
async def test_what_has_ended_stays_ended(desk: Desk, path: str, first: str, code: str) -> None:
    bodies: dict[str, Any] = {"replies": ANSWER, "close": {"reason": "withdrawn"}}
    assert (await desk.post(f"{path}/{first}", bodies[first])).is_success
    told = len(await desk.told())
    for action, body in (("replies", HOLDING), ("close", bodies["close"])):
        found = problem(await desk.post(f"{path}/{action}", body), 409, code)
        assert "cannot be" in found["detail"]
    assert len(await desk.told()) == told
    # A later written answer is kept all the same; the earliest end decides.
    before = await desk.get(path)
    desk.clock.advance(timedelta(minutes=5))
    assert (await desk.post(f"{path}/replies", {**ANSWER, "text": "Noch etwas."})).is_success
    after = await desk.get(path)
    assert (after["state"], after["closed_at"]) == (before["state"], before["closed_at"])
    assert after["messages"][-1]["text"] == "Noch etwas."


async def test_an_external_id_that_is_taken(desk: Desk, path: str) -> None:
    await desk.new_inquiry(external_id="x-1")
    answer = await desk.post(f"{path}/replies", {**ANSWER, "external_id": "x-1"})
    problem(answer, 409, "external-id-taken")
    assert (await desk.get(path))["state"] == "open"
    assert await desk.types() == ["inquiry.received"] * 2


async def test_a_reply_with_an_idempotency_key(desk: Desk, path: str) -> None:
    first = await desk.post(f"{path}/replies", ANSWER, idempotency="k")
    again = await desk.post(f"{path}/replies", ANSWER, idempotency="k")
    assert (
        (first.status_code, first.json())
        == (again.status_code, again.json())
        == (201, again.json())
    )
    other = await desk.post(f"{path}/replies", {**ANSWER, "text": "anders"}, idempotency="k")
    problem(other, 422, "idempotency-key-reused")
    problem(
        await desk.post("/inquiries", inquiry(), idempotency="k"), 422, "idempotency-key-reused"
    )
    assert await desk.types() == ["inquiry.received", "inquiry.answered"]


async def test_five_replies_with_one_idempotency_key_at_once(desk: Desk, path: str) -> None:
    answers = await asyncio.gather(
        *(desk.post(f"{path}/replies", HOLDING, idempotency="k") for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.text for answer in answers}) == 1
    assert await desk.types() == ["inquiry.received", "inquiry.held"]


async def test_one_key_for_two_inquiries_at_once(desk: Desk, path: str) -> None:
    other = f"/inquiries/{(await desk.new_inquiry())['inquiry_id']}"
    answers = await asyncio.gather(
        *(desk.post(f"{each}/replies", ANSWER, idempotency="k") for each in (path, other))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    states = {(await desk.get(each))["state"] for each in (path, other)}
    assert states == {"open", "answered"}


async def test_five_answers_at_once_are_all_kept(desk: Desk, path: str) -> None:
    answers = await asyncio.gather(*(desk.post(f"{path}/replies", ANSWER) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [201] * 5
    shown = await desk.get(path)
    assert (shown["state"], shown["answered_at"]) == ("answered", "2026-11-24T12:00:00Z")
    assert [each["kind"] for each in shown["messages"]] == ["inbound"] + ["answer"] * 5


@refused_at_the_door
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"follow_up_at": "2026-11-27T12:00:00Z"}, "follow_up_at"),
        ({"kind": "holding", "follow_up_at": "2026-11-24T12:00:00Z"}, "follow_up_at"),
        ({"kind": "holding", "follow_up_at": "2026-11-27T12:00:00"}, "follow_up_at"),
        ({"kind": "holding", "follow_up_at": "9999-12-31T23:59:59Z"}, "follow_up_at"),
        ({"kind": "holding", "follow_up_at": "2027-11-25T12:00:01Z"}, "follow_up_at"),
        ({"sent_at": "2026-11-24T12:05:01Z"}, "sent_at"),
        ({"kind": "shout"}, "kind"),
        ({"text": " \n"}, "text"),
        ({"text": 7}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"author": "x" * 201}, "author"),
        ({"external_id": ""}, "external_id"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_reply(desk: Desk, path: str, change: dict[str, Any], field: str) -> None:
    answer = await desk.post(f"{path}/replies", {**ANSWER, **change})
    assert problem(answer, 422, "invalid-request")["errors"][0]["field"] == field
    assert (await desk.get(path))["state"] == "open"


async def test_a_wrong_close(desk: Desk, path: str) -> None:
    for body in ({}, {"reason": "boring"}, {"reason": "completed"}, ["spam"]):
        problem(await desk.post(f"{path}/close", body), 422, "invalid-request")


async def test_an_unknown_inquiry_and_a_key_that_may_only_read(desk: Desk, path: str) -> None:
    strange = f"/inquiries/{new_id()}"
    problem(await desk.request("GET", strange), 404, "unknown-inquiry")
    problem(await desk.post(f"{strange}/replies", ANSWER), 404, "unknown-inquiry")
    problem(await desk.post(f"{strange}/close", {"reason": "spam"}), 404, "unknown-inquiry")
    problem(await desk.request("GET", "/inquiries/42"), 422, "invalid-request")
    problem(await desk.post(f"{path}/replies", ANSWER, key=READER), 403, "scope-missing")
    problem(await desk.post(f"{path}/close", {"reason": "spam"}, key=READER), 403, "scope-missing")
    assert (await desk.get(path, key=READER))["state"] == "open"

"""Everything that a request can get wrong is a problem with its status, never a 500."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.services.intake.desk import (
    ANNA,
    READER,
    Desk,
    inquiry,
    message,
    problem,
    refused_at_the_door,
)

JSON = {"Content-Type": "application/json"}
REPLY = {"kind": "answer", "text": "Ja."}


async def send(desk: Desk, raw: bytes, way: str, headers: Any = None) -> httpx.Response:
    """The raw body by REST, by webhook, or as a reply."""
    if way == "webhook":
        return await desk.deliver_raw(raw, headers=headers)
    path = "/inquiries"
    if way == "reply":
        path += f"/{(await desk.new_inquiry())['inquiry_id']}/replies"
    return await desk.request("POST", path, content=raw, headers=headers or JSON)


@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"type": "message.created", "text": "abge',
        b"\xff\xfe",
        b'{"text": "\xc3\x28"}',
        b"{'text': 1}",
        b'{"text": 1}{',
        b"[" * 100_000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
)
async def test_what_is_no_json(desk: Desk, raw: bytes, way: str) -> None:
    found = problem(await send(desk, raw, way), 400, "malformed-json")
    assert found["errors"][0]["field"] == "body"


@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b'{"text": 1}{', "line 1 column 12"),
        (b"[" * 200, "nested too deep"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b'{"text": NaN}', "NaN is not JSON"),
    ],
)
async def test_it_is_said_where(desk: Desk, raw: bytes, where: str, way: str) -> None:
    assert where in problem(await send(desk, raw, way), 400, "malformed-json")["detail"]


async def test_a_number_that_is_too_long_costs_no_delivery(desk: Desk) -> None:
    digits = "9" * 5000
    event = {"type": "message.created", "data": [message(), message(id="N"), message(text="N")]}
    raw = json.dumps(event).replace('"N"', digits).encode()
    answer = await desk.deliver_raw(raw)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 3), answer.text
    assert (await desk.deliver_raw(raw)).json()["duplicate"] == 3
    (text,) = (await desk.detail(answer.json()["inquiries"][2]))["messages"]
    assert text["text"] == digits
    found = problem(
        await send(desk, b'{"text": ' + digits.encode() + b"}", "rest"), 400, "malformed-json"
    )
    assert "more than 4300 digits" in found["detail"]
    assert "sys." not in found["detail"]


@refused_at_the_door
async def test_half_a_character_is_named_with_its_field(desk: Desk) -> None:
    raw = json.dumps({"channel": "web_form", "author": {"id": "a"}, "text": "x\ud83d"}).encode()
    found = problem(await send(desk, raw, "rest"), 422, "invalid-request")
    assert found["errors"][0]["field"] == "text"


@refused_at_the_door
async def test_an_idempotency_key_that_is_there_twice(desk: Desk) -> None:
    twice = [("idempotency-key", each) for each in "ab"]
    headers = [*twice, *JSON.items(), ("authorization", f"Bearer {ANNA}")]
    answer = await desk.http.post("/intake/v1/inquiries", json=inquiry(), headers=headers)
    found = problem(answer, 422, "invalid-request")
    assert found["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"x"', b"{}"])
async def test_json_of_another_shape(desk: Desk, raw: bytes, way: str) -> None:
    found = problem(await send(desk, raw, way), 422, "invalid-request")
    assert found["errors"]


@refused_at_the_door
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": ...}, "channel"),
        ({"channel": 7}, "channel"),
        ({"channel": "c" * 65}, "channel"),
        ({"author": ...}, "author"),
        ({"author": "Erika"}, "author"),
        ({"author": {"email": "keine"}}, "author.email"),
        ({"author": {"id": " "}}, "author.id"),
        ({"author": {"id": True}}, "author.id"),
        ({"author": {"id": "7", "age": 7}}, "author.age"),
        ({"author": {"name": "a\0"}}, "author.name"),
        ({"author": {"name": "x" * 201}}, "author.name"),
        ({"author": {"handle": "@ "}}, "author.handle"),
        ({"text": ...}, "text"),
        ({"text": None}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n\t\u2003"}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"text": ["x"]}, "text"),
        ({"subject": "x" * 1001}, "subject"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 501}, "external_id"),
        ({"external_id": 1.5}, "external_id"),
        ({"sent_at": "2026-11-24T12:00:00"}, "sent_at"),
        ({"sent_at": "9999-12-31T23:59:59Z"}, "sent_at"),
        ({"sent_at": "0001-01-01T00:00:00+14:00"}, "sent_at"),
        ({"sent_at": "2026-11-24T12:05:01Z"}, "sent_at"),
        ({"sent_at": "gestern"}, "sent_at"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"visibility": "friends"}, "visibility"),
        ({"parent_id": ""}, "parent_id"),
        ({"attachments": [{"url": "cid:1"}]}, "attachments.0.url"),
        ({"attachments": [{"colour": "red"}]}, "attachments.0.colour"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_field(desk: Desk, change: dict[str, Any], field: str) -> None:
    found = problem(await desk.post("/inquiries", inquiry(**change)), 422, "invalid-request")
    (error,) = found["errors"]
    assert error["field"] == field
    assert error["problem"]
    assert error["expected"]
    assert await desk.stored() == 0


async def test_an_unknown_channel(desk: Desk) -> None:
    answer = await desk.post("/inquiries", inquiry(channel="web-form"))
    found = problem(answer, 422, "unknown-channel")
    assert "did you mean web_form?" in found["detail"]
    assert found["errors"][0]["field"] == "channel"


@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
async def test_the_longest_text(desk: Desk, way: str) -> None:
    text = "ä" * 100_000
    body = {
        "rest": inquiry(text=text),
        "webhook": {"type": "message.created", "data": message(text=text)},
        "reply": {**REPLY, "text": text},
    }[way]
    answer = await send(desk, json.dumps(body, ensure_ascii=False).encode(), way)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
async def test_half_a_character(desk: Desk, way: str) -> None:
    """Python's json writes a lone surrogate as an escape that other parsers refuse."""
    for broken in ({"text": "\ud83d"}, {"text": "x", "\ud83d": 1}):
        body: dict[str, Any] = {
            "rest": inquiry(**broken),
            "webhook": {"type": "message.created", "data": {**message(), "text": "", **broken}},
            "reply": {"kind": "answer", **broken},
        }[way]
        answer = await send(desk, json.dumps(body).encode(), way)
        assert answer.status_code in {202, 400, 422}
        if answer.status_code != 202:
            problem(answer, answer.status_code, answer.json()["type"].rpartition(":")[2])


@refused_at_the_door
@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400", b"9" * 5000])
@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
async def test_numbers_that_are_none(desk: Desk, number: bytes, way: str) -> None:
    raw = b'{"type": "message.created", "text": %b, "data": %b}' % (number, number)
    answer = await send(desk, raw, way)
    if way == "webhook" and number in {b"1e400", b"9" * 5000}:  # JSON, if no message
        assert (answer.status_code, answer.json()["broken"]) == (202, 1)
        return
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@refused_at_the_door
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""],
)
@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
async def test_another_content_type(desk: Desk, content_type: str, way: str) -> None:
    raw = b"{}"
    headers: Any = {**desk.signed(raw), "content-type": content_type}
    answer = await send(desk, raw, way, headers=headers)
    found = problem(answer, 415, "unsupported-content-type")
    assert found["errors"][0]["field"] == "Content-Type"


@pytest.mark.parametrize("way", ["rest", "webhook", "reply"])
async def test_a_body_over_the_limit(desk: Desk, way: str) -> None:
    raw = b'{"text": "' + b"x" * 1_048_576 + b'"}'
    problem(await send(desk, raw, way), 413, "body-too-large")
    assert await desk.stored() == (1 if way == "reply" else 0)


@refused_at_the_door
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  ", "Basic abc", "\xff"])
async def test_without_a_key(desk: Desk, authorization: str | None) -> None:
    headers: Any = (
        {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    )
    for method, path in (("POST", "/inquiries"), ("GET", "/inquiries"), ("GET", "/quarantine")):
        answer = await desk.request(method, path, key=None, headers=headers)
        problem(answer, 401, "key-missing")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_with_a_strange_key_or_the_wrong_scope(desk: Desk) -> None:
    problem(await desk.post("/inquiries", inquiry(), key="desk_" + "x" * 40), 401, "key-unknown")
    problem(await desk.post("/inquiries", inquiry(), key=READER), 403, "scope-missing")
    assert await desk.stored() == 0


async def test_what_is_not_served(desk: Desk) -> None:
    problem(await desk.request("GET", "/nothing"), 404, "not-found")
    problem(await desk.request("DELETE", "/inquiries"), 405, "method-not-allowed")
    problem(await desk.http.get("/intake/v1/webhooks/facebook"), 405, "method-not-allowed")
    problem(await desk.request("GET", "/inquiries/"), 404, "not-found")

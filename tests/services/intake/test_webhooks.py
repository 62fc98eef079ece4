"""Signed deliveries: who may send, and what becomes of each item."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.web.signing import secret_key, sign
from tests.services.intake.desk import (
    OTHER_SECRET,
    OWN_ID,
    SECRET,
    STRANGE_SECRET,
    Desk,
    message,
    problem,
    refused_at_the_door,
)

BODY = json.dumps({"type": "message.created", "data": message(id="m-1", thread_id="t-1")}).encode()


def counts(answer: Any) -> tuple[int, int, int, int]:
    body = answer.json()
    return body["accepted"], body["duplicate"], body["ignored"], body["broken"]


async def test_a_message_becomes_an_inquiry(desk: Desk) -> None:
    attachments = [{"url": "https://example.org/a.png", "type": "image/png", "new": 1}]
    data = message(
        id="m-1",
        author={"id": "c-77", "name": "Anna Thaler", "handle": "@anna", "followers": 3},
        sent_at="2026-11-24T11:59:00Z",
        url="https://example.org/1",
        attachments=attachments,
        mood="new field of the sender",
    )
    answer = await desk.deliver(data)
    assert answer.status_code == 202
    assert counts(answer) == (1, 0, 0, 0)
    (inquiry_id,) = answer.json()["inquiries"]
    shown = await desk.detail(inquiry_id)
    (stored,) = shown["messages"]
    assert (stored["external_id"], stored["author_name"]) == ("m-1", "Anna Thaler")
    assert stored["attachments"] == [{"url": "https://example.org/a.png", "type": "image/png"}]
    assert shown["contact"]["identities"][0]["key"] == "id:c-77"
    assert await desk.types() == ["inquiry.received"]


async def test_a_repeat_is_answered_200_and_changes_nothing(desk: Desk) -> None:
    data = message()
    first = await desk.deliver(data)
    again = await desk.deliver(data)
    assert (again.status_code, counts(again)) == (200, (0, 1, 0, 0))
    assert again.json()["inquiries"] == first.json()["inquiries"]
    assert await desk.stored() == 1
    assert await desk.types() == ["inquiry.received"]


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET, SECRET.removeprefix("whsec_")])
async def test_any_of_the_secrets_may_sign(desk: Desk, secret: str) -> None:
    answer = await desk.deliver_raw(BODY, headers=desk.signed(BODY, secret=secret))
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("off", [-300, -299, 0, 300])
async def test_a_clock_may_be_five_minutes_off(desk: Desk, off: int) -> None:
    answer = await desk.deliver_raw(BODY, headers=desk.signed(BODY, seconds_off=off))
    assert answer.status_code == 202, answer.text


@refused_at_the_door
@pytest.mark.parametrize("off", [-301, 301, -86_400, 86_400])
async def test_but_not_more(desk: Desk, off: int) -> None:
    answer = await desk.deliver_raw(BODY, headers=desk.signed(BODY, seconds_off=off))
    found = problem(answer, 401, "signature-invalid")
    assert found["errors"][0]["field"] == "webhook-timestamp"
    assert await desk.stored() == 0


@refused_at_the_door
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, ""])
async def test_a_missing_header(desk: Desk, name: str, value: str | None) -> None:
    headers = desk.signed(BODY)
    del headers[name]
    if value is not None:
        headers[name] = value
    found = problem(await desk.deliver_raw(BODY, headers=headers), 401, "signature-invalid")
    assert found["errors"][0] == {
        "field": name,
        "problem": "is missing",
        "expected": "sign by Standard Webhooks (standardwebhooks.com)",
    }


@refused_at_the_door
@pytest.mark.parametrize(
    "signature",
    [
        b"v1",
        b"v1,",
        b"v1,%%%",
        b"v1,\xe9\xff",
        b"\xff\xfe",
        b" , ,, v1 ,",
        b"v2,AAAA",
        b"v1a,AAAA",
        b"AAAA",
        b"v1," + b"A" * 5000,
    ],
)
async def test_a_garbled_signature(desk: Desk, signature: bytes) -> None:
    headers: dict[str, Any] = {**desk.signed(BODY), "webhook-signature": signature}
    found = problem(await desk.deliver_raw(BODY, headers=headers), 401, "signature-invalid")
    assert found["errors"][0]["field"] == "webhook-signature"
    assert await desk.stored() == 0


async def test_one_good_signature_among_broken_ones_is_enough(desk: Desk) -> None:
    headers: dict[str, Any] = desk.signed(BODY)
    good = headers["webhook-signature"].encode()
    headers["webhook-signature"] = b"v1 v1,%% v2,AAAA \xff,\xff v1,AAAA " + good
    assert (await desk.deliver_raw(BODY, headers=headers)).status_code == 202


@refused_at_the_door
@pytest.mark.parametrize("timestamp", ["now", "-1", "1.5", "１２", "9" * 13, " ", "0x10"])
async def test_a_timestamp_that_is_none(desk: Desk, timestamp: str) -> None:
    headers: dict[str, Any] = {**desk.signed(BODY), "webhook-timestamp": timestamp.encode()}
    found = problem(await desk.deliver_raw(BODY, headers=headers), 401, "signature-invalid")
    assert found["errors"][0]["field"] == "webhook-timestamp"


@refused_at_the_door
@pytest.mark.parametrize(
    ("digits", "unit"), [(3, "milliseconds"), (6, "microseconds"), (9, "nanoseconds")]
)
async def test_a_timestamp_in_another_unit_is_called_that(
    desk: Desk, digits: int, unit: str
) -> None:
    headers = desk.signed(BODY)
    headers["webhook-timestamp"] += "0" * digits
    found = problem(await desk.deliver_raw(BODY, headers=headers), 401, "signature-invalid")
    assert found["errors"][0] == {
        "field": "webhook-timestamp",
        "problem": f"is in {unit}",
        "expected": "send Unix seconds in UTC",
    }


@refused_at_the_door
async def test_a_list_of_signatures_on_several_lines_is_one(desk: Desk) -> None:
    signed = desk.signed(BODY)
    good, broken = signed.pop("webhook-signature"), "v1,AAAA"
    for lines in ([good, broken], [broken, good], [f"{broken} {good}"], [f"{good}, {broken}"],
                  [f"{broken}, {good}"], [broken, f"v2,AAAA {good}"]):  # fmt: skip
        headers = [*signed.items(), *(("webhook-signature", line) for line in lines)]
        answer = await desk.deliver_raw(BODY, headers=headers)
        assert answer.is_success, f"{lines}: {answer.text}"


@refused_at_the_door
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
async def test_what_is_signed_is_there_once(desk: Desk, name: str) -> None:
    signed = desk.signed(BODY)
    headers = [*signed.items(), (name, signed[name])]
    assert (await desk.deliver_raw(BODY, headers=headers)).is_success
    for twice in ([*signed.items(), (name, "1")], [(name, "1"), *signed.items()]):
        answer = await desk.deliver_raw(BODY, headers=twice)
        found = problem(answer, 401, "signature-invalid")
        assert found["errors"][0]["field"] == name
        assert "twice" in found["errors"][0]["problem"]


@refused_at_the_door
async def test_parameters_of_the_content_type_are_passed_over(desk: Desk) -> None:
    headers = {**desk.signed(BODY), "content-type": 'application/json; v=1; charset="utf-8"'}
    assert (await desk.deliver_raw(BODY, headers=headers)).is_success


async def test_a_strange_secret_or_another_body(desk: Desk) -> None:
    headers = desk.signed(BODY, secret=STRANGE_SECRET)
    problem(await desk.deliver_raw(BODY, headers=headers), 401, "signature-invalid")
    problem(
        await desk.deliver_raw(BODY + b" ", headers=desk.signed(BODY)), 401, "signature-invalid"
    )
    headers = {**desk.signed(BODY), "webhook-id": "msg_2"}
    problem(await desk.deliver_raw(BODY, headers=headers), 401, "signature-invalid")
    assert await desk.stored() == 0


async def test_no_secret_no_entry(desk: Desk) -> None:
    found = problem(await desk.deliver_raw(BODY, channel="youtube"), 401, "channel-secret-missing")
    assert "DESK_SECRET_YOUTUBE" in found["detail"]


async def test_an_unknown_channel_names_the_near_one(desk: Desk) -> None:
    found = problem(await desk.deliver_raw(BODY, channel="facebok"), 404, "unknown-channel")
    assert "did you mean facebook?" in found["detail"]
    found = problem(await desk.deliver_raw(BODY, channel="zzz"), 404, "unknown-channel")
    assert "known are" in found["detail"]


async def test_the_published_vector() -> None:
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(
        key,
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_items_of_a_list_stand_alone(desk: Desk) -> None:
    good, other = message(), message()
    broken = [message(id=...), "no message", message(id={"a": 1}), None, message(id=" "), 7]
    answer = await desk.deliver([good, *broken, other, good])
    assert (answer.status_code, counts(answer)) == (202, (2, 1, 0, 6))
    inquiries = answer.json()["inquiries"]
    assert inquiries[0] == inquiries[2] != inquiries[1]
    told = answer.json()["errors"]
    assert [error["index"] for error in told] == [1, 2, 3, 4, 5, 6]
    assert {told[0]["field"], told[2]["field"], told[4]["field"]} == {"id"}
    kept = (await desk.get("/quarantine"))["items"]
    assert len(kept) == 6
    assert {item["channel"] for item in kept} == {"facebook"}
    raw = [(await desk.get(f"/quarantine/{item['id']}"))["raw"] for item in kept]
    assert any("no message" in each for each in raw)
    assert await desk.stored() == 2


async def test_half_a_character_in_one_item_does_not_cost_the_others(desk: Desk) -> None:
    body = json.dumps(
        {"type": "message.created", "data": [message(), message(text="\ud83d halb"), message()]}
    ).encode()
    answer = await desk.deliver_raw(body)
    assert (answer.status_code, counts(answer)) == (202, (3, 0, 0, 0))
    (adjusted,) = answer.json()["adjusted"]
    assert (adjusted["index"], adjusted["field"]) == (1, "text")
    shown = await desk.detail(answer.json()["inquiries"][1])
    assert shown["messages"][0]["text"] == "\ufffd halb"


async def test_a_repeated_list(desk: Desk) -> None:
    items = [message(), message()]
    await desk.deliver(items)
    again = await desk.deliver(items)
    assert (again.status_code, counts(again)) == (200, (0, 2, 0, 0))
    mixed = await desk.deliver([*items, message()])
    assert (mixed.status_code, counts(mixed)) == (202, (1, 2, 0, 0))


async def test_a_single_broken_message_is_counted_and_kept(desk: Desk) -> None:
    """Not 422: senders repeat that for days, and then switch the endpoint off."""
    answer = await desk.deliver(message(id=...))
    assert (answer.status_code, counts(answer)) == (202, (0, 0, 0, 1))
    assert answer.json()["errors"][0]["field"] == "id"
    await desk.deliver(message(id=...))
    assert len((await desk.get("/quarantine"))["items"]) == 2


async def test_the_same_broken_delivery_is_kept_once(desk: Desk) -> None:
    for _ in range(3):
        problem(await desk.deliver_raw(b'{"type":"message.created","da'), 400, "malformed-json")
    (kept,) = (await desk.get("/quarantine"))["items"]
    assert "raw" not in kept
    whole = await desk.get(f"/quarantine/{kept['id']}")
    assert whole["raw"] == '{"type":"message.created","da'


async def test_an_empty_list_and_an_unknown_type(desk: Desk) -> None:
    assert counts(await desk.deliver([])) == (0, 0, 0, 0)
    answer = await desk.deliver(message(), type_="invoice.paid")
    assert (answer.status_code, counts(answer)) == (202, (0, 0, 1, 0))
    assert counts(await desk.deliver([1, 2], type_="message.deleted")) == (0, 0, 2, 0)
    assert await desk.stored() == 0


async def test_too_many_items(desk: Desk) -> None:
    found = problem(await desk.deliver([1] * 1001), 422, "invalid-request")
    assert found["errors"][0]["field"] == "data"


async def test_ids_may_be_numbers_of_any_size(desk: Desk) -> None:
    data = message(id=9007199254740993, thread_id=12345678901234567890, author={"id": 4294967297})
    (inquiry_id,) = await desk.accepted(data)
    assert (await desk.deliver(message(id="9007199254740993"))).status_code == 200
    (joined,) = await desk.accepted(
        message(thread_id="12345678901234567890", author={"id": "4294967297"})
    )
    assert joined == inquiry_id
    shown = await desk.detail(inquiry_id)
    assert shown["messages"][0]["external_id"] == "9007199254740993"
    assert shown["contact"]["identities"][0]["key"] == "id:4294967297"


async def test_a_message_belongs_to_its_parents_conversation(desk: Desk) -> None:
    (first,) = await desk.accepted(message(id="p", thread_id="t"))
    (child,) = await desk.accepted(message(id="c", parent_id="p", thread_id=...))
    assert child == first
    (orphan,) = await desk.accepted(message(parent_id="unseen", thread_id=...))
    assert orphan != first
    # Its parent begins the thread; when it comes late it meets what answered it.
    (late,) = await desk.accepted(message(id="unseen", thread_id=...))
    assert late == orphan


async def test_a_parent_in_the_same_delivery(desk: Desk) -> None:
    parent, child = (
        message(id="p", thread_id="t"),
        message(id="c", parent_id="p", thread_id=...),
    )
    first, second = await desk.accepted([parent, child])
    assert first == second


async def test_our_own_message_is_the_answer(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"))
    ours = message(
        id="a-1",
        thread_id="t",
        author={"id": OWN_ID, "name": "Support"},
        sent_at="2026-11-24T11:58:00Z",
    )
    answer = await desk.deliver(ours)
    assert (answer.status_code, counts(answer)) == (202, (0, 0, 1, 0))
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["answered_at"]) == ("answered", "2026-11-24T11:58:00Z")
    assert [m["kind"] for m in shown["messages"]] == ["inbound", "answer"]
    assert await desk.types() == ["inquiry.received", "inquiry.answered"]
    # Seen again, or before anybody asked, it changes nothing.
    assert counts(await desk.deliver(ours)) == (0, 0, 1, 0)
    assert counts(await desk.deliver(message(author={"id": OWN_ID}))) == (0, 0, 1, 0)
    assert await desk.types() == ["inquiry.received", "inquiry.answered"]
    desk.clock.advance(timedelta(minutes=1))
    (following,) = await desk.accepted(message(thread_id="t"))
    assert following != inquiry_id
    assert (await desk.deliver(ours)).status_code == 202
    assert (await desk.detail(following))["state"] == "open"


async def test_on_another_channel_the_same_id_is_a_customer(desk: Desk) -> None:
    assert len(await desk.accepted(message(author={"id": OWN_ID}), channel="x")) == 1


async def test_question_and_answer_in_one_delivery(desk: Desk) -> None:
    question, ours, following = (
        message(thread_id="t"),
        message(thread_id="t", author={"id": OWN_ID}),
        message(thread_id="t"),
    )
    answer = await desk.deliver([question, ours, following])
    assert counts(answer) == (2, 0, 1, 0)
    first, second = answer.json()["inquiries"]
    assert (await desk.detail(first))["state"] == "answered"
    assert (await desk.detail(second))["state"] == "open"
    assert await desk.types() == ["inquiry.received", "inquiry.answered", "inquiry.received"]


async def test_the_echo_of_a_reply_that_was_recorded_here(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"))
    held = {
        "kind": "holding",
        "text": "Moment",
        "external_id": "a-1",
        "follow_up_at": "2026-11-27T12:00:00Z",
    }
    assert (await desk.post(f"/inquiries/{inquiry_id}/replies", held)).status_code == 201
    echo = message(id="a-1", thread_id="t", author={"id": OWN_ID}, text="Moment")
    assert counts(await desk.deliver(echo)) == (0, 0, 1, 0)
    assert (await desk.detail(inquiry_id))["state"] == "held"


async def test_outcomes_are_counted(desk: Desk) -> None:
    await desk.deliver([message(), message(id=...)])
    metrics = (await desk.http.get("/intake/metrics")).text
    assert 'desk_messages_total{outcome="accepted"} 1.0' in metrics
    assert 'desk_messages_total{outcome="broken"} 1.0' in metrics

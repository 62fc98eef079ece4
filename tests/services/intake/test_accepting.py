"""What is handed in becomes contact, conversation, message and inquiry, each exactly once."""

from __future__ import annotations

import asyncio

import pytest

from services.intake.inquiries.store import queries
from shared.events.inquiries import HashtagUse, InquiryReceived, MessageAdded
from shared.runtime.trace import new_traceparent, trace_id
from tests.services.intake.desk import ANNA, BERT, TEXT, Desk, inquiry, message, problem


async def test_an_inquiry_is_shown_with_its_contact_and_conversation(desk: Desk) -> None:
    author = {"id": "7", "name": "Erika Muster", "handle": "@erika", "email": "e@example.org"}
    placed = await desk.new_inquiry(
        author=author,
        subject="Versand",
        external_id="x-1",
        thread_id="t-1",
        sent_at="2026-11-24T12:59:00+01:00",
        url="https://example.org/1",
    )
    assert placed["opened"] is True
    shown = await desk.detail(placed)
    assert (shown["state"], shown["channel"], shown["subject"]) == ("open", "web_form", "Versand")
    assert shown["received_at"] == "2026-11-24T12:00:00Z"
    assert shown["excerpt"] == TEXT
    assert shown["contact"]["id"] == placed["contact_id"]
    assert shown["contact"]["identities"] == [
        {"channel": "web_form", "key": "id:7", **{k: author[k] for k in author if k != "id"}}
    ]
    (stored,) = shown["messages"]
    assert stored["id"] == placed["message_id"]
    assert (stored["kind"], stored["external_id"], stored["text"]) == ("inbound", "x-1", TEXT)
    assert (stored["sent_at"], stored["url"]) == ("2026-11-24T11:59:00Z", "https://example.org/1")


async def test_the_fact_says_what_was_stored(desk: Desk) -> None:
    traceparent = new_traceparent()
    body = inquiry(subject="Zum #IICO2013", text="und #hilfe", thread_id="t")
    answer = await desk.request(
        "POST", "/inquiries", json=body, headers={"traceparent": traceparent}
    )
    placed = answer.json()
    assert answer.headers["location"] == f"/intake/v1/inquiries/{placed['inquiry_id']}"
    (told,) = await desk.told()
    assert trace_id(told.traceparent) == trace_id(traceparent)
    assert told.key == placed["conversation_id"]
    fact = told.data
    assert isinstance(fact, InquiryReceived)
    assert {str(fact.inquiry_id), str(fact.message_id), str(fact.contact_id)} == {
        placed["inquiry_id"],
        placed["message_id"],
        placed["contact_id"],
    }
    assert (fact.text, fact.subject, fact.channel) == ("und #hilfe", "Zum #IICO2013", "web_form")
    assert fact.received_at == desk.clock.now()
    assert fact.hashtags == (HashtagUse(tag="iico", year=2013), HashtagUse(tag="hilfe"))
    assert (await desk.detail(placed))["hashtags"] == [
        {"tag": "hilfe", "year": None},
        {"tag": "iico", "year": 2013},
    ]


async def test_a_repeat_changes_nothing(desk: Desk) -> None:
    first = await desk.new_inquiry(external_id="x-1")
    again = await desk.post("/inquiries", inquiry(external_id="x-1", text="anders"))
    assert again.status_code == 200
    assert again.json() == first
    assert (await desk.detail(first))["excerpt"] == TEXT
    assert await desk.types() == ["inquiry.received"]
    other = await desk.post("/inquiries", inquiry(external_id="x-1", channel="email"))
    assert other.status_code == 201


async def test_messages_before_the_answer_join_and_after_it_open_the_next(desk: Desk) -> None:
    first = await desk.new_inquiry(thread_id="t")
    second = await desk.new_inquiry(thread_id="t")
    assert second["inquiry_id"] == first["inquiry_id"]
    assert (first["opened"], second["opened"]) == (True, False)
    held = {"kind": "holding", "text": "Moment", "follow_up_at": "2026-11-27T12:00:00Z"}
    assert (await desk.post(f"/inquiries/{first['inquiry_id']}/replies", held)).status_code == 201
    third = await desk.new_inquiry(thread_id="t")
    assert third["inquiry_id"] == first["inquiry_id"]
    answer = {"kind": "answer", "text": "Ja."}
    assert (await desk.post(f"/inquiries/{first['inquiry_id']}/replies", answer)).status_code == 201
    fourth = await desk.new_inquiry(thread_id="t")
    assert fourth["opened"] is True
    assert fourth["inquiry_id"] != first["inquiry_id"]
    assert fourth["conversation_id"] == first["conversation_id"]
    assert len((await desk.detail(fourth))["messages"]) == 6
    assert await desk.types() == [
        "inquiry.received",
        "inquiry.message_added",
        "inquiry.held",
        "inquiry.message_added",
        "inquiry.answered",
        "inquiry.received",
    ]
    assert isinstance((await desk.told())[1].data, MessageAdded)


async def test_who_is_the_same_person(desk: Desk) -> None:
    async def contact(channel: str = "web_form", **author: str) -> str:
        placed = await desk.new_inquiry(author=author, channel=channel)
        return str(placed["contact_id"])

    by_id = await contact(id="7", name="Erika")
    assert await contact(id="7", name="Erika M.", email="e@example.org") == by_id
    assert await contact(id="8", name="Erika") != by_id
    assert await contact(id="7", channel="email") != by_id
    by_handle = await contact(handle="@Erika")
    assert await contact(handle="erika") == by_handle
    by_mail = await contact(email="Erika@Example.org")
    assert await contact(email="erika@example.org") == by_mail
    assert len({by_id, by_handle, by_mail}) == 3
    # A name alone, or nothing, tells nobody apart.
    assert await contact(name="Erika") != await contact(name="Erika")
    assert await contact() != await contact()


async def test_a_contact_keeps_what_a_later_message_does_not_say(desk: Desk) -> None:
    first = await desk.new_inquiry(author={"id": "7", "name": "Erika", "handle": "erika"})
    await desk.new_inquiry(author={"id": "7", "email": "e@example.org"})
    (identity,) = (await desk.detail(first))["contact"]["identities"]
    assert identity == {
        "channel": "web_form",
        "key": "id:7",
        "name": "Erika",
        "handle": "erika",
        "email": "e@example.org",
    }


async def test_an_idempotency_key_gives_the_first_answer_again(desk: Desk) -> None:
    first = await desk.post("/inquiries", inquiry(), idempotency="k")
    again = await desk.post("/inquiries", inquiry(), idempotency="k")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await desk.post("/inquiries", inquiry(text="anders"), idempotency="k")
    assert problem(other, 422, "idempotency-key-reused")["errors"][0]["field"] == "Idempotency-Key"
    # The key belongs to its caller.
    bert = await desk.post("/inquiries", inquiry(text="anders"), idempotency="k", key=BERT)
    assert bert.status_code == 201
    assert await desk.stored() == 2


async def test_five_requests_with_one_idempotency_key_at_once(desk: Desk) -> None:
    answers = await asyncio.gather(
        *(desk.post("/inquiries", inquiry(), idempotency="k", key=ANNA) for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.text for answer in answers}) == 1
    assert await desk.types() == ["inquiry.received"]


async def test_an_idempotency_key_holds_also_for_a_message_that_was_there(desk: Desk) -> None:
    first = await desk.new_inquiry(external_id="x-1")
    repeat = await desk.post("/inquiries", inquiry(external_id="x-1"), idempotency="k")
    assert (repeat.status_code, repeat.json()) == (200, first)
    other = await desk.post("/inquiries", inquiry(text="anders"), idempotency="k")
    problem(other, 422, "idempotency-key-reused")
    assert await desk.stored() == 1


@pytest.mark.parametrize("key", ["", " ", "k" * 256])
async def test_what_cannot_be_an_idempotency_key(desk: Desk, key: str) -> None:
    found = problem(
        await desk.post("/inquiries", inquiry(), idempotency=key), 422, "invalid-request"
    )
    assert found["errors"][0]["field"] == "Idempotency-Key"


async def test_keys_are_forgotten_after_their_days(desk: Desk) -> None:
    await desk.post("/inquiries", inquiry(), idempotency="k")
    forgotten = await desk.service.database.write(queries.forget_keys, before=desk.clock.now())
    assert forgotten == 0
    later = desk.clock.now().replace(year=2027)
    assert await desk.service.database.write(queries.forget_keys, before=later) == 1


async def test_both_ways_in_meet_in_one_conversation(desk: Desk) -> None:
    (by_webhook,) = await desk.accepted(message(thread_id="t", author="7"))
    placed = await desk.new_inquiry(channel="facebook", thread_id="t", author={"id": "7"})
    assert placed["inquiry_id"] == by_webhook
    assert (await desk.detail(by_webhook))["contact_id"] == placed["contact_id"]

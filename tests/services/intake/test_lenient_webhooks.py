"""A field that decides nothing never costs a message its clock."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.intake.connectors.port import Connector
from services.intake.connectors.standard_webhooks import CONNECTOR
from services.intake.inquiries.domain.message import TEXT_LIMIT
from tests.services.intake.desk import OWN_ID, Desk, inquiry, message, opened
from tests.services.intake.test_webhooks import counts
from tests.support.clock import ManualClock

PHOTO = [{"url": "https://example.org/a.png", "type": "image/png"}]


def adjusted(answer: Any) -> dict[str, str]:
    return {each["field"]: each["done"] for each in answer.json()["adjusted"]}


async def only(desk: Desk, answer: Any) -> dict[str, Any]:
    """The one message of the one inquiry that the delivery made."""
    assert (answer.status_code, counts(answer)) == (202, (1, 0, 0, 0)), answer.text
    (inquiry_id,) = answer.json()["inquiries"]
    (stored,) = (await desk.detail(inquiry_id))["messages"]
    found: dict[str, Any] = stored
    return found


@pytest.mark.parametrize("text", [..., None, "", " \n"])
async def test_a_photo_without_words_is_an_inquiry(desk: Desk, text: Any) -> None:
    stored = await only(desk, await desk.deliver(message(text=text, attachments=PHOTO)))
    assert (stored["text"], stored["attachments"]) == ("", PHOTO)
    (told,) = await desk.told()
    assert told.data.model_dump()["text"] == ""


@pytest.mark.parametrize("text", [..., None, "", " \n"])
async def test_neither_words_nor_attachment_is_ignored_and_counted(desk: Desk, text: Any) -> None:
    answer = await desk.deliver([message(), message(text=text)])
    assert (answer.status_code, counts(answer)) == (202, (1, 0, 1, 0))
    assert answer.json()["ignored_items"] == [{"index": 1, "reason": "empty"}]
    metrics = (await desk.http.get("/intake/metrics")).text
    assert 'desk_webhook_ignored_total{reason="empty"} 1.0' in metrics
    assert (await desk.get("/quarantine"))["items"] == []


@pytest.mark.parametrize("author", [..., None, {}, "", 7, {"name": "Anna"}, {"id": {}}])
async def test_without_an_author_each_is_somebody_else(desk: Desk, author: Any) -> None:
    first, second = message(author=author), message(author=author)
    if author == "":
        first["author"] = second["author"] = ""
    answer = await desk.deliver([first, second])
    assert counts(answer) == (2, 0, 0, 0)
    contacts = {(await desk.detail(each))["contact"]["id"] for each in answer.json()["inquiries"]}
    assert len(contacts) == 2


@pytest.mark.parametrize(
    "sent_at", ["1970-01-01T00:00:00Z", "2026-11-24T12:10:00Z", "2026-11-24T12:00:00", "gestern", 0]
)
async def test_a_time_that_cannot_be_is_left_out(desk: Desk, sent_at: Any) -> None:
    answer = await desk.deliver(message(sent_at=sent_at))
    assert list(adjusted(answer)) == ["sent_at"]
    assert (await only(desk, answer))["sent_at"] is None


async def test_what_was_adjusted_is_said_and_counted(desk: Desk) -> None:
    data = message(
        author={"id": "c" * 600, "name": "n" * 300, "email": "keine"},
        subject="s" * 2000,
        url="www.example.org",
        attachments=[{"url": "cid:part1", "name": "a" * 300}, *[{"id": 1}] * 150],
        visibility="friends",
    )
    answer = await desk.deliver([message(), data])
    assert counts(answer) == (2, 0, 0, 0)
    assert {each["index"] for each in answer.json()["adjusted"]} == {1}
    assert adjusted(answer) == {
        "visibility": "left out: not known",
        "subject": "cut to 1000 characters",
        "url": "left out: not a web address",
        "author.id": "shortened to its beginning and a hash",
        "author.name": "cut to 200 characters",
        "author.email": "left out: not an e-mail address",
        "attachments": "cut to 100",
        "attachments.url": "left out: not a web address",
        "attachments.name": "cut to 200 characters",
    }
    metrics = (await desk.http.get("/intake/metrics")).text
    assert 'desk_webhook_adjusted_total{field="author.name"} 1.0' in metrics
    assert 'desk_webhook_adjusted_total{field="attachments"} 1.0' in metrics
    (stored,) = (await desk.detail(answer.json()["inquiries"][1]))["messages"]
    assert stored["attachments"][0] == {"name": "a" * 200}
    assert len(stored["attachments"]) == 100


async def test_a_long_text_is_cut_with_a_mark_and_kept_whole(desk: Desk) -> None:
    whole = "Frage. " * 20_000
    stored = await only(desk, await desk.deliver(message(text=whole)))
    assert len(stored["text"]) == TEXT_LIMIT
    assert stored["text"].endswith("[…]")
    assert stored["full_text"] == whole


async def test_long_ids_are_stable(desk: Desk) -> None:
    data = message(id="m" * 700, thread_id="t" * 700, author={"id": "a" * 700})
    (first,) = await desk.accepted(data)
    assert (await desk.deliver(data)).status_code == 200
    other = {**data, "id": "m" * 700 + "x"}
    assert await desk.accepted(other) == [first]
    strange = {**other, "id": "n", "thread_id": "t" * 700 + "x"}
    assert await desk.accepted(strange) != [first]


async def test_what_cannot_be_stored_is_replaced(desk: Desk) -> None:
    data = message(text="a\0b\ud83d", subject="\0", author={"id": "c\0", "name": "\udcff"})
    body = json.dumps({"type": "message.created", "data": data}).encode()
    stored = await only(desk, await desk.deliver_raw(body))
    assert (stored["text"], stored["subject"], stored["author_name"]) == (
        "a\ufffdb\ufffd",
        "\ufffd",
        "\ufffd",
    )


async def test_a_customer_of_the_web_form_can_be_answered(desk: Desk) -> None:
    """`subject`, `author.email` and `author.handle` were dropped with a 202."""
    who = {"name": "Erika", "email": "erika@example.org", "handle": "@erika"}
    (inquiry_id,) = await desk.accepted(message(subject="Anmeldung", author=who))
    shown = await desk.detail(inquiry_id)
    assert (shown["subject"], shown["messages"][0]["subject"]) == ("Anmeldung", "Anmeldung")
    (identity,) = shown["contact"]["identities"]
    assert (identity["email"], identity["handle"]) == ("erika@example.org", "@erika")
    # The same person, who is known by the handle, in another thread.
    (other,) = await desk.accepted(message(author={"handle": "@Erika", "name": "E. Muster"}))
    again = (await desk.detail(other))["contact"]
    assert (again["id"], again["name"]) == (shown["contact"]["id"], "E. Muster")


async def test_a_direct_message_on_a_channel_of_comments(desk: Desk) -> None:
    """On a public channel a private thread has one inquiry, whoever writes in it."""
    one = message(thread_id="dm", visibility="private", author="a")
    other = message(thread_id="dm", visibility="private", author="b")
    (first,) = await desk.accepted(one)
    assert await desk.accepted(other) == [first]
    comments = [message(thread_id="post", author="a"), message(thread_id="post", author="b")]
    assert len(set(await desk.accepted(comments))) == 2


async def test_rest_has_the_same_fields(desk: Desk) -> None:
    placed = await desk.new_inquiry(
        external_id="q-1", attachments=PHOTO, visibility="public", channel="facebook"
    )
    (stored,) = (await desk.detail(placed))["messages"]
    assert stored["attachments"] == PHOTO
    child = await desk.new_inquiry(external_id="q-2", parent_id="q-1", channel="facebook")
    assert child["conversation_id"] == placed["conversation_id"]
    orphan = await desk.new_inquiry(external_id="q-4", parent_id="q-3", channel="facebook")
    parent = await desk.new_inquiry(external_id="q-3", channel="facebook")
    assert parent["conversation_id"] == orphan["conversation_id"] != placed["conversation_id"]


async def test_rest_stays_strict(desk: Desk) -> None:
    for wrong in ({"sent_at": "1970-01-01T00:00:00Z"}, {"text": ""}, {"url": "www.example.org"}):
        assert (await desk.post("/inquiries", inquiry(**wrong))).status_code == 422


async def test_our_own_photo_is_an_answer_and_our_empty_post_is_nothing(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(id="q", thread_id="t"))
    ours = message(parent_id="q", thread_id="t", author={"id": OWN_ID}, text=...)
    answer = await desk.deliver(ours)
    assert answer.json()["ignored_items"] == [{"index": 0, "reason": "empty"}]
    assert (await desk.detail(inquiry_id))["state"] == "open"
    answer = await desk.deliver({**ours, "id": "other", "attachments": PHOTO})
    assert answer.json()["ignored_items"] == [{"index": 0, "reason": "own-post"}]
    assert (await desk.detail(inquiry_id))["state"] == "answered"


async def test_another_type_of_event_says_so(desk: Desk) -> None:
    answer = await desk.deliver([message(), message()], type_="message.liked")
    assert (answer.json()["ignored"], answer.json()["ignored_items"]) == (
        2,
        [{"index": None, "reason": "event-type"}],
    )


async def test_a_mistake_of_ours_in_one_item_costs_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a 500 for ever, for every message of the delivery."""
    monkeypatch.setattr("services.intake.receiving.storing.posts.record_own_post", _broken)
    ours = message(id="ours", author={"id": OWN_ID})
    answer = await desk.deliver([message(), ours, message()])
    assert (answer.status_code, counts(answer)) == (202, (2, 0, 0, 1))
    (kept,) = (await desk.get("/quarantine"))["items"]
    assert kept["external_id"] == "ours"
    monkeypatch.undo()
    tried = await desk.post(f"/quarantine/{kept['id']}/retry", None)
    assert tried.json()["ignored_items"] == [{"index": 0, "reason": "own-post"}]
    assert (await desk.get("/quarantine"))["items"] == []


@pytest.mark.parametrize("step", ["decode", "challenge", "split"])
async def test_a_mistake_of_ours_in_reading_a_delivery_keeps_it_aside(
    database_url: str, tmp_path: Path, clock: ManualClock, step: str
) -> None:
    mistakes = [True, step != "challenge"]  # a retry asks for no challenge
    works = getattr(CONNECTOR, step)

    def stumbles(*arguments: Any) -> Any:
        return _broken() if mistakes and mistakes.pop(0) else works(*arguments)

    step_of_it: dict[str, Any] = {step: stumbles}
    stumbling: Connector[Any] = replace(CONNECTOR, **step_of_it)
    async with opened(database_url, tmp_path, clock, connector=stumbling) as desk:
        answer = await desk.deliver([message(), message()])
        assert (answer.status_code, counts(answer)) == (202, (0, 0, 0, 1))
        (kept,) = (await desk.get("/quarantine"))["items"]
        assert "by a fault of its own" in kept["reason"]
        retry = f"/quarantine/{kept['id']}/retry"
        if step != "challenge":
            assert counts(await desk.post(retry, None)) == (0, 0, 0, 1)
        assert counts(await desk.post(retry, None)) == (2, 0, 0, 0)
        assert (await desk.get("/quarantine"))["items"] == []


def _broken(*_arguments: Any, **_named: Any) -> bool:
    raise ValueError("a mistake")


async def test_a_text_of_nothing_but_marks_is_kept_as_it_came(desk: Desk) -> None:
    text = "#e" + "\u0301\u0316" * 30_000
    stored = await only(desk, await desk.deliver(message(text=text)))
    assert stored["text"] == text

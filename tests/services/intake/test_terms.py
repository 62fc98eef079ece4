"""What a platform's terms let us keep for a short time goes in time, and everything else holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.inquiries.domain.message import hashed_identity
from services.intake.inquiries.terms import Gone, hold_once
from services.intake.inquiries.usecases import terms as usecases
from services.intake.inquiries.usecases.terms import Terms
from services.intake.tables import metadata, quarantine
from services.intake.worker import tidy_once
from shared.db import DatabaseUnavailableError, Read
from shared.runtime.removal import EARLY, TERMS_EVERY_SECONDS
from tests.services.intake.desk import OWN_ID, Desk, inquiry, message, opened
from tests.services.intake.test_files import WITH_FILES, attached, download, file
from tests.support.clock import ManualClock

HOUR = timedelta(hours=1)
WORDS, PROFILES = 48 * HOUR, 24 * HOUR
SAID, NAME = "Ganz vertrauliche Worte", "Erika Vertraulich"
STAFF = "urn:li:person:anna"
URL = "https://example.org/c-1"
ERIKA = {"id": "urn:li:person:erika", "name": NAME, "handle": "erika_v"}
HELD = {"facebook": Terms("facebook", WORDS, PROFILES), "email": Terms("email", WORDS, PROFILES)}
both = pytest.mark.parametrize("channel", ["facebook", "email"])


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    """Whose facebook may keep words for 48 hours, and people for 24."""
    async with opened(
        database_url,
        tmp_path,
        clock,
        connector=WITH_FILES,
        facebook={
            "retention": WORDS,
            "profile_retention": PROFILES,
            "staff_ids": (STAFF,),
        },
    ) as desk:
        yield desk


async def held(desk: Desk, channel: str = "facebook") -> Gone:
    gone = Gone()
    await hold_once(
        desk.service.database,
        HELD[channel],
        now=desk.clock.now(),
        gone=gone,
        stop=asyncio.Event(),
    )
    return gone


def said(**fields: Any) -> dict[str, Any]:
    return message(**{"text": SAID, "author": ERIKA, "url": URL, "thread_id": "t-1", **fields})


def _everything(tx: Read) -> str:
    kept = [each for each in metadata.sorted_tables if each.name != "outbox"]
    return repr([tuple(row) for table in kept for row in tx.execute(select(table))])


async def test_the_words_go_while_the_inquiry_is_open(desk: Desk) -> None:
    sent = said(subject=SAID, files=[file(SAID.encode(), f"{SAID}.txt")])
    (inquiry_id,) = await desk.accepted(sent)
    (attachment,) = await attached(desk, inquiry_id)
    desk.clock.advance(WORDS - EARLY - HOUR)
    assert (await held(desk)).messages == 0
    desk.clock.advance(HOUR + timedelta(seconds=1))
    assert await held(desk) == Gone(1, 0)
    assert await held(desk) == Gone()

    shown = await desk.detail(inquiry_id)
    (gone,) = shown["messages"]
    assert (shown["state"], shown["excerpt"], shown["subject"]) == ("open", "", None)
    assert shown["words_removed_at"] == gone["words_removed_at"] is not None
    assert shown["removed_at"] is None
    assert (gone["text"], gone["subject"], gone["attachments"]) == ("", None, [])
    assert (gone["url"], gone["external_id"]) == (URL, sent["id"])
    assert (await download(desk, attachment["url"])).status_code == 404
    assert SAID not in await desk.service.database.read(_everything)

    repeated = await desk.deliver(sent)
    assert (repeated.status_code, repeated.json()["inquiries"]) == (200, [inquiry_id])
    assert SAID not in await desk.service.database.read(_everything)


async def test_what_a_message_said_before_it_was_edited_goes_as_well(desk: Desk) -> None:
    sent = said()
    (inquiry_id,) = await desk.accepted(sent)
    edited = {**sent, "text": "Ganz andere, aber ebenso vertrauliche Worte"}
    assert (await desk.deliver(edited, type_="message.edited")).is_success
    (shown,) = (await desk.detail(inquiry_id))["messages"]
    assert [each["text"] for each in shown["earlier_versions"]] == [SAID]
    desk.clock.advance(WORDS)
    assert (await held(desk)).messages == 1
    assert SAID not in await desk.service.database.read(_everything)
    assert "vertrauliche" not in await desk.service.database.read(_everything)


async def test_an_edit_brings_no_words_back_for_long(desk: Desk) -> None:
    sent = said(subject=SAID)
    (inquiry_id,) = await desk.accepted(sent)
    desk.clock.advance(WORDS)
    assert (await held(desk)).messages == 1
    edited = {**sent, "text": "Ganz andere, aber ebenso vertrauliche Worte"}
    assert (await desk.deliver(edited, type_="message.edited")).is_success
    shown = await desk.detail(inquiry_id)
    assert (shown["excerpt"], shown["messages"][0]["text"]) == ("", edited["text"])
    assert (await held(desk)).messages == 1
    assert await held(desk) == Gone()
    everything = await desk.service.database.read(_everything)
    assert SAID not in everything
    assert "vertrauliche" not in everything


async def test_an_inquiry_goes_on_without_its_words(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(said())
    desk.clock.advance(WORDS)
    await held(desk)
    assert await desk.accepted(said(text="Und noch etwas")) == [inquiry_id]
    shown = await desk.detail(inquiry_id)
    assert [each["text"] for each in shown["messages"]] == ["", "Und noch etwas"]
    desk.clock.advance(HOUR)
    assert (await held(desk)).messages == 0
    answer = await desk.post(f"/inquiries/{inquiry_id}/replies", {"kind": "answer", "text": "Ja"})
    assert answer.status_code == 201
    desk.clock.advance(WORDS)
    assert (await held(desk)).messages == 1
    texts = [each["text"] for each in (await desk.detail(inquiry_id))["messages"]]
    assert texts == ["", "", "Ja"]


async def test_our_own_words_and_other_channels_stay(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(said())
    await desk.deliver(message(text="Unsere Antwort", thread_id="t-1", author=OWN_ID))
    (other,) = await desk.accepted(said(), channel="email")
    desk.clock.advance(2 * WORDS)
    assert (await held(desk)).messages == 1
    assert [each["text"] for each in (await desk.detail(inquiry_id))["messages"]] == [
        "", "Unsere Antwort",
    ]  # fmt: skip
    assert (await desk.detail(other))["messages"][0]["text"] == SAID


async def test_what_the_staff_write_goes_as_well(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(said())
    for number, thread in enumerate(("t-1", "t-2", "t-3")):
        view = said(id=f"view-{number}", author={"id": STAFF, "name": NAME}, thread_id=thread)
        assert (await desk.deliver(view)).json()["ignored_items"] == [
            {"index": 0, "reason": "staff"}
        ]
    desk.clock.advance(WORDS)
    assert await held(desk) == Gone(4, 1)
    assert await held(desk) == Gone()
    everything = await desk.service.database.read(_everything)
    assert SAID not in everything
    assert NAME not in everything
    assert len((await desk.detail(inquiry_id))["messages"]) == 2


async def test_more_than_one_transaction_holds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecases, "AT_ONCE", 3)
    monkeypatch.setattr(usecases, "LOOKED_AT", 3)
    for number in range(8):
        await desk.accepted(said(author={**ERIKA, "id": f"p-{number}"}, thread_id=f"{number % 4}"))
    for number in range(8):
        await desk.accepted(said(author={**ERIKA, "id": f"p-{number}"}))
    desk.clock.advance(WORDS)
    assert await held(desk) == Gone(16, 8)
    everything = await desk.service.database.read(_everything)
    assert SAID not in everything
    assert NAME not in everything


@both
async def test_a_person_is_forgotten_and_known_again(desk: Desk, channel: str) -> None:
    """On `email` the terms are new: its people came before they were known here."""
    (first,) = await desk.accepted(said(), channel=channel)
    before = await desk.detail(first)
    assert before["contact"]["name"] == NAME
    desk.clock.advance(PROFILES)
    assert await held(desk, channel) == Gone(0, 1)
    assert await held(desk, channel) == Gone()
    shown = await desk.detail(first)
    key = hashed_identity(channel, f"id:{ERIKA['id']}")
    assert shown["contact"] == {
        "id": before["contact"]["id"],
        "name": None,
        "identities": [
            {"channel": channel, "key": key, "name": None, "handle": None, "email": None}
        ],
    }
    assert shown["messages"][0]["text"] == SAID
    assert shown["messages"][0]["author_name"] is None
    everything = await desk.service.database.read(_everything)
    for each in (NAME, *ERIKA.values()):
        assert each not in everything

    if channel == "facebook":
        (again,) = await desk.accepted(said(thread_id="t-2"), channel=channel)
        contact = (await desk.detail(again))["contact"]
        assert (contact["id"], contact["name"]) == (shown["contact"]["id"], NAME)


async def test_a_person_who_writes_on_keeps_the_name(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(said())
    desk.clock.advance(PROFILES - HOUR)
    await desk.accepted(said())
    desk.clock.advance(HOUR)
    assert (await held(desk)).people == 0
    assert (await desk.detail(inquiry_id))["contact"]["name"] == NAME
    desk.clock.advance(PROFILES - HOUR)
    assert (await held(desk)).people == 1
    assert (await desk.detail(inquiry_id))["contact"]["name"] is None


async def test_what_comes_over_rest_is_known_by_the_same_hash(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(said())
    body = inquiry(channel="facebook", author=ERIKA, thread_id="t-9")
    placed = (await desk.post("/inquiries", body)).json()
    assert placed["contact_id"] == (await desk.detail(inquiry_id))["contact"]["id"]
    assert "id:urn:li" not in await desk.service.database.read(_everything)


async def test_a_person_who_came_before_and_after_the_terms(desk: Desk) -> None:
    """Two people for us; nothing of either stays."""
    (old,) = await desk.accepted(said(), channel="email")
    key = hashed_identity("email", f"id:{ERIKA['id']}")
    await desk.accepted(said(author={"id": "x", "name": NAME}, thread_id="t-2"), channel="email")

    def as_hashed(tx: Any) -> None:
        table = metadata.tables["identities"]
        tx.execute(table.update().where(table.c.key == "id:x").values(key=key))

    await desk.service.database.write(as_hashed)
    desk.clock.advance(PROFILES)
    assert (await held(desk, "email")).people == 1
    assert (await desk.detail(old))["contact"]["identities"] == []
    assert ERIKA["id"] not in await desk.service.database.read(_everything)


async def test_what_was_not_understood_goes_as_well(desk: Desk) -> None:
    await desk.deliver({"text": SAID})
    await desk.deliver({"text": SAID}, channel="email")
    desk.clock.advance(WORDS)
    now = desk.clock.now()
    await tidy_once(
        desk.service.database, before=now - 30 * PROFILES, terms={"facebook": now - HOUR}
    )

    def channels(tx: Read) -> list[str]:
        return list(tx.execute(select(quarantine.c.channel)).scalars())

    assert await desk.service.database.read(channels) == ["email"]


async def test_the_loop_says_what_it_did_and_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.accepted(said())
    await desk.accepted(said(thread_id="t-2"))
    desk.clock.advance(WORDS)
    (loop,) = [loop for name, loop in desk.service.own_loops if name == "terms"]
    whole, failed = usecases.remove_words, list[Any]()

    def fails_once(tx: Any, conversation_id: Any, **more: Any) -> int:
        if not failed:
            failed.append(conversation_id)
            raise LookupError
        return whole(tx, conversation_id, **more)

    monkeypatch.setattr(usecases, "remove_words", fails_once)
    assert await _one_turn(loop) == [
        {"event": "terms.failed", "conversation_id": str(failed[0])},
        {
            "event": "terms.held", "service": "intake", "channel": "facebook",
            "messages": 1, "people": 1,
        },
    ]  # fmt: skip
    [line] = await _one_turn(loop)
    assert (line["event"], line["messages"]) == ("terms.held", 1)

    def is_away(*_: Any, **__: Any) -> int:
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(usecases, "with_old_words", is_away)
    [line] = await _one_turn(loop)
    assert (line["event"], line["service"]) == ("terms.not_held", "intake")


async def _one_turn(loop: Any) -> list[dict[str, Any]]:
    """What one turn has logged."""
    stop = asyncio.Event()

    async def pause(stopped: asyncio.Event, seconds: float) -> None:
        if seconds == TERMS_EVERY_SECONDS:
            stopped.set()

    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        patch.setattr("shared.runtime.periodic.pause", pause)
        await loop(stop)
    return [{k: v for k, v in line.items() if k not in {"log_level", "exc_info"}} for line in lines]

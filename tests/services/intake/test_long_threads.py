"""A conversation of years: each answer is an end of few inquiries, and found when it is needed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.intake.inquiries import worker
from services.intake.inquiries.store.loading import Conversation
from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.usecases import conversations
from services.intake.inquiries.usecases.posts import settle
from services.intake.tables import ends
from shared.db import Write
from shared.policy import known_hashtags
from tests.services.intake.desk import OWN_ID, Desk, message, policy

MINUTE = timedelta(minutes=1)
OURS = {"id": OWN_ID, "name": "Support"}


async def rounds(desk: Desk, count: int) -> list[str]:
    """Questions, each with the post that answers it."""
    asked_for: list[str] = []
    for number in range(count):
        said = message(id=f"q{number}", thread_id="t", text=f"q{number}")
        asked_for += await desk.accepted(said, channel="email")
        desk.clock.advance(MINUTE)
        post = message(id=f"p{number}", parent_id=f"q{number}", thread_id="t", author=OURS)
        await desk.deliver(post, channel="email")
        desk.clock.advance(15 * MINUTE)
    return asked_for


async def classify(desk: Desk, inquiry_id: str, post: str, kind: str) -> dict[str, Any]:
    shown = (await desk.detail(inquiry_id))["messages"]
    post_id = next(each["id"] for each in shown if each["external_id"] == post)
    path = f"/inquiries/{inquiry_id}/replies/{post_id}/reclassify"
    answer = await desk.post(path, {"kind": kind})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_answer_is_told_once(desk: Desk) -> None:
    asked_for = await rounds(desk, 12)
    assert len(set(asked_for)) == 12
    stored = await desk.service.database.read(
        lambda tx: tx.execute(select(func.count()).select_from(ends)).scalar_one()
    )
    assert stored == 12
    assert await desk.types() == ["inquiry.received", "inquiry.answered"] * 12


async def test_when_an_answer_is_taken_back_the_next_one_decides(desk: Desk) -> None:
    first, second, _ = await rounds(desk, 3)
    shown = await classify(desk, first, "p0", "none")
    assert shown["state"] == "answered"
    later = await desk.detail(second)
    assert shown["answered_at"] == later["answered_at"]
    # Once more: now the third decides both.
    await classify(desk, second, "p1", "none")
    states = [await desk.detail(each) for each in (first, second)]
    assert [each["answered_at"] for each in states] == ["2026-11-24T12:33:00Z"] * 2


@pytest.mark.parametrize("whose", [0, 1])
async def test_a_post_that_asks_at_two_is_the_reply_of_whom_a_person_says(
    desk: Desk, whose: int
) -> None:
    asked_for = []
    for name in ("anna", "carla"):
        said = message(id=name, thread_id="t", author=name, text=name)
        asked_for += await desk.accepted(said, channel="mastodon")
    desk.clock.advance(MINUTE)
    post = message(id="p", thread_id="t", author=OURS, text="So geht es")
    await desk.deliver(post, channel="mastodon")
    reply = {"kind": "answer", "text": "So geht es"}
    path = f"/inquiries/{asked_for[whose]}/replies"
    assert (await desk.post(path, reply)).status_code == 201
    shown = (await desk.detail(asked_for[whose]))["messages"]
    (replied,) = [each for each in shown if each["kind"] != "inbound"]
    assert (replied["external_id"], replied["inquiry_id"]) == ("p", asked_for[whose])
    states = [(await desk.detail(each))["state"] for each in asked_for]
    assert (states[whose], states[1 - whose]) == ("answered", "open")


async def test_an_inquiry_that_takes_a_held_one_is_held(desk: Desk) -> None:
    """Two threads of one person turn out to be one, and the younger was held."""
    (older,) = await desk.accepted(message(id="a", thread_id="t", author="u"), channel="linkedin")
    desk.clock.advance(MINUTE)
    early = message(id="c", thread_id=..., parent_id="b", author="u", text="c")
    (younger,) = await desk.accepted(early, channel="linkedin")
    desk.clock.advance(MINUTE)
    holding = {"kind": "holding", "text": "Wir fragen nach."}
    await desk.post(f"/inquiries/{younger}/replies", holding)
    assert (await desk.detail(younger))["state"] == "held"
    desk.clock.advance(MINUTE)
    await desk.accepted(message(id="b", thread_id="t", author="u", text="b"), channel="linkedin")
    assert (await desk.detail(younger))["merged_into"] == older
    assert (await desk.detail(older))["state"] == "held"
    assert (await desk.types())[-1] == "inquiry.message_added"
    assert "inquiry.held" in (await desk.types())[-4:]


async def test_what_cannot_be_brought_together_keeps_nothing_apart(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = desk.clock.now()

    def wait_for_all(tx: Write) -> None:
        for number in range(5):
            conversations.wait_for(tx, channel="email", external_id=f"m{number}", now=now)

    monkeypatch.setattr(worker, "AT_ONCE", 2)
    for number in range(5):
        await desk.accepted(message(id=f"m{number}", thread_id=f"t{number}"), channel="email")
    await desk.service.database.write(wait_for_all)
    desk.clock.advance(MINUTE)

    def stumble(tx: Write, conversation: Conversation, **more: Any) -> Conversation:
        if more["external_id"] in ("m0", "m1"):
            raise LookupError("something unforeseen")
        return settle(tx, conversation, **more)

    monkeypatch.setattr(worker, "settle", stumble)
    context = WriteContext(known_hashtags(policy().hashtags), desk.clock.now())
    assert await worker.bring_together(desk.service.database, context) == 5
    left = await desk.service.database.read(worker.missed, before=desk.clock.now())
    assert [each[2] for each in left] == ["m0", "m1"]
    assert "upkeep.failed" in capsys.readouterr().out

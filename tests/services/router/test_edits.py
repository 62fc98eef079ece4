"""What a customer edits or withdraws: the ToDo shows it, and moves only while nobody has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.events.inquiries import HashtagUse, InboundMessage, MessageEdited, MessageWithdrawn
from shared.events.todos import TodoCompleted, TodoDismissed, TodoRerouted
from tests.services.router.desk import Desk, Inquiry, history

MINUTE = timedelta(minutes=1)
TECHNICAL = "Die Anmeldung ist abgestürzt, Fehler 500."
GENERAL = "Was kostet die Teilnahme, und bekomme ich eine Rechnung?"
RUDE = "Ihr seid alle Idioten."


def edited(
    message: InboundMessage, text: str, *, minutes: float = 1, subject: str | None = None
) -> MessageEdited:
    return MessageEdited(
        inquiry_id=message.inquiry_id,
        conversation_id=message.conversation_id,
        message_id=message.message_id,
        channel=message.channel,
        edited_at=message.received_at + minutes * MINUTE,
        text=text,
        subject=subject,
    )


async def received(desk: Desk, text: str = TECHNICAL) -> tuple[Inquiry, Any]:
    inquiry = Inquiry(desk.clock.now())
    fact = inquiry.received(text, "Frage")
    await desk.hears(fact)
    return inquiry, fact


def whats(todo: dict[str, Any]) -> list[str]:
    return [what for _, what, _ in history(todo)]


async def rerouted(desk: Desk) -> list[TodoRerouted]:
    return [each for each in await desk.facts() if isinstance(each, TodoRerouted)]


async def test_the_todo_shows_what_the_message_says_now(desk: Desk) -> None:
    inquiry, fact = await received(desk)
    newest = edited(fact, "Die Anmeldung ist wieder abgestürzt.", minutes=2, subject="Absturz")
    for each in (newest, edited(fact, "Dazwischen ist sie abgestürzt."), newest):
        await desk.hears(each)
    todo = await desk.todo_of(inquiry)
    (message,) = todo["messages"]
    assert (message["text"], message["subject"]) == (newest.text, "Absturz")
    assert (todo["excerpt"], todo["message_count"]) == (newest.text, 1)
    assert message["edited_at"] is not None
    # A fact that is told once more changes nothing; the other was older.
    assert whats(todo).count("message_edited") == 2


async def test_it_is_decided_again_and_moves(desk: Desk) -> None:
    inquiry, fact = await received(desk)
    assert (await desk.todo_of(inquiry))["desk"] == "technical"
    await desk.hears(edited(fact, GENERAL))
    todo = await desk.todo_of(inquiry)
    assert (todo["desk"], todo["kind"], todo["state"]) == ("inbound", "general", "open")
    assert {each["word"] for each in todo["reasons"]} >= {"Rechnung"}
    why = "technical to inbound: the customer edited the message"
    assert ("router", "rerouted", why) in history(todo)
    (told,) = await rerouted(desk)
    assert (told.from_desk, told.desk, told.rerouted_by) == ("technical", "inbound", "router")
    await desk.hears(edited(fact, TECHNICAL, minutes=2))
    assert (await desk.todo_of(inquiry))["desk"] == "technical"


async def test_a_suspicion_goes_to_review(desk: Desk) -> None:
    inquiry, fact = await received(desk)
    await desk.hears(edited(fact, RUDE))
    todo = await desk.todo_of(inquiry)
    assert (todo["desk"], todo["kind"], todo["state"]) == ("review", "netiquette", "open")


@pytest.mark.parametrize("act", ["claim", "release", "reroute", "complete", "reopen"])
async def test_what_a_person_has_or_moved_stays(desk: Desk, act: str) -> None:
    inquiry, fact = await received(desk)
    todo_id = (await desk.todo_of(inquiry))["id"]
    moves: dict[str, list[tuple[str, dict[str, str]]]] = {
        "claim": [("claim", {})],
        "release": [("claim", {}), ("release", {})],
        "reroute": [("reroute", {"desk": "review", "reason": "gehört dorthin"})],
        "complete": [("complete", {})],
        "reopen": [("complete", {}), ("reopen", {"reason": "doch nicht"})],
    }
    for path, body in moves[act]:
        answer = await desk.post(f"/todos/{todo_id}/{path}", body)
        assert answer.is_success, answer.text
    before = await desk.todo_of(inquiry)
    told = len(await desk.facts())
    await desk.hears(edited(fact, RUDE))
    after = await desk.todo_of(inquiry)
    assert (after["desk"], after["state"], after["kind"]) == (
        before["desk"], before["state"], before["kind"],
    )  # fmt: skip
    assert after["messages"][0]["text"] == RUDE
    assert whats(after)[-2:] == ["message_edited", "netiquette_suspected"]
    assert len(await desk.facts()) == told


@pytest.mark.parametrize("act", ["complete", "dismiss"])
async def test_an_end_says_which_edits_were_shown(desk: Desk, act: str) -> None:
    seen = []
    for minutes in (None, 2):
        inquiry, fact = await received(desk)
        if minutes is not None:
            await desk.hears(edited(fact, GENERAL, minutes=minutes), edited(fact, RUDE))
        todo_id = (await desk.todo_of(inquiry))["id"]
        body = {"reason": "spam"} if act == "dismiss" else {}
        assert (await desk.post(f"/todos/{todo_id}/{act}", body)).is_success
        ended = (await desk.facts())[-1]
        assert isinstance(ended, TodoCompleted | TodoDismissed)
        assert ended.edits_until is not None
        seen.append(ended.edits_until - inquiry.at)
    assert seen == [timedelta(), 2 * MINUTE]


async def test_a_later_message_decides_nothing(desk: Desk) -> None:
    inquiry, _ = await received(desk)
    later = inquiry.added("Und noch etwas.", at=inquiry.at + MINUTE)
    await desk.hears(later, edited(later, RUDE))
    todo = await desk.todo_of(inquiry)
    assert (todo["desk"], todo["messages"][1]["text"]) == ("technical", RUDE)
    assert "netiquette_suspected" in whats(todo)


async def test_hashtags_of_the_edit_decide_as_well(desk: Desk) -> None:
    inquiry, fact = await received(desk, GENERAL)
    text = f"{GENERAL} #Absturz Fehler"
    told = edited(fact, text).model_copy(update={"hashtags": (HashtagUse(tag="iico", year=2026),)})
    await desk.hears(told)
    assert (await desk.todo_of(inquiry))["messages"][0]["text"] == text


async def test_a_withdrawn_message_is_shown_as_that(desk: Desk) -> None:
    inquiry, fact = await received(desk)
    gone = MessageWithdrawn(
        inquiry_id=fact.inquiry_id,
        conversation_id=fact.conversation_id,
        message_id=fact.message_id,
        withdrawn_at=fact.received_at + MINUTE,
    )
    await desk.hears(gone, gone, inquiry.closed("withdrawn", by="intake"))
    todo = await desk.todo_of(inquiry)
    (message,) = todo["messages"]
    assert (message["text"], message["withdrawn_at"] is None) == (TECHNICAL, False)
    assert (todo["state"], todo["ended_by"]) == ("dismissed", "intake")
    assert whats(todo).count("message_withdrawn") == 1

"""What the router does with each fact, alone, again, in batches, and in every order of topics."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations, product
from random import Random
from typing import Any

import pytest

from shared.errors import NotFoundError
from shared.events.inquiries import CloseReason, InquiryFact
from shared.events.todos import TodoCompleted, TodoCreated, TodoReleased
from shared.runtime.ids import new_id
from shared.text.references import reference_of
from tests.services.router.desk import Desk, Inquiry, history, record_of, types

HOUR = timedelta(hours=1)


async def test_an_inquiry_becomes_one_todo_with_its_decision(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now() - HOUR)
    await desk.hears(inquiry.received("Die Anmeldung ist abgestürzt.", subject="Hilfe"))
    todo = await desk.todo_of(inquiry)
    assert (todo["desk"], todo["kind"], todo["state"]) == ("technical", "technical", "open")
    assert todo["reference"] == reference_of(inquiry.inquiry_id)
    assert [each["reference"] for each in (await desk.get("/todos"))["items"]] == [
        todo["reference"]
    ]
    assert "abgestürzt" in {reason["word"] for reason in todo["reasons"]}
    assert todo["messages"][0]["text"] == "Die Anmeldung ist abgestürzt."
    assert todo["messages"][0]["subject"] == "Hilfe"
    assert (todo["message_count"], todo["excerpt"]) == (1, "Die Anmeldung ist abgestürzt.")
    assert (todo["due_at"], todo["deadline"]) == (None, None)
    assert todo["received_at"] == "2026-11-24T11:00:00Z"
    assert todo["created_at"] == "2026-11-24T12:00:00Z"
    [fact] = await desk.facts()
    assert isinstance(fact, TodoCreated)
    assert str(fact.todo_id) == todo["id"]
    assert (fact.inquiry_id, fact.conversation_id) == (
        inquiry.inquiry_id,
        inquiry.conversation_id,
    )
    assert (fact.desk, fact.kind, fact.confidence) == ("technical", "technical", todo["confidence"])
    assert [reason.word for reason in fact.reasons] == [each["word"] for each in todo["reasons"]]


async def test_the_fact_keeps_key_and_trace(desk: Desk) -> None:
    inquiries = [Inquiry(desk.clock.now()) for _ in range(3)]
    records = [record_of(inquiry.received()) for inquiry in inquiries]
    await desk.hears_batch(records)
    traces = {record.key: dict(record.headers)["traceparent"].decode() for record in records}
    assert {each.key: each.traceparent for each in await desk.told()} == traces


async def test_the_same_event_twice_is_one_todo(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    record = record_of(inquiry.received())
    await desk.hears_batch([record, record])
    await desk.hears_batch([record])
    await desk.todo_of(inquiry)
    assert types(await desk.facts()) == ["todo.created"]


async def test_the_same_inquiry_under_another_event_id_is_one_todo(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    fact = inquiry.received()
    await desk.hears(fact)
    first = await desk.todo_of(inquiry)
    await desk.post(f"/todos/{first['id']}/claim")
    await desk.hears(fact)
    again = await desk.todo_of(inquiry)
    assert (again["id"], again["state"], again["message_count"]) == (first["id"], "claimed", 1)
    assert types(await desk.facts()) == ["todo.created", "todo.claimed"]


async def test_a_directly_addressed_channel_goes_to_its_desk(desk: Desk) -> None:
    todo = await desk.new_todo("Guten Tag", channel="hotline")
    assert (todo["desk"], todo["confidence"]) == ("technical", 1.0)
    assert todo["reasons"][0]["rule"] == "addressed_desk"


async def test_a_further_message_joins_the_todo(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    later = inquiry.added("Noch etwas: Fehler 500.", at=desk.clock.now() + HOUR)
    await desk.hears(inquiry.received(), later, later)
    todo = await desk.todo_of(inquiry)
    assert (todo["message_count"], todo["excerpt"]) == (2, "Noch etwas: Fehler 500.")
    assert todo["latest_message_at"] == "2026-11-24T13:00:00Z"
    assert [message["text"] for message in todo["messages"]][1] == "Noch etwas: Fehler 500."
    assert types(await desk.facts()) == ["todo.created"]
    assert [what for _, what, _ in history(todo)] == ["created"]


@pytest.mark.parametrize("claimed", [False, True])
async def test_a_suspected_violation_later_on_is_noted_and_moves_nothing(
    desk: Desk, *, claimed: bool
) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    if claimed:
        await desk.post(f"/todos/{(await desk.todo_of(inquiry))['id']}/claim")
    before = await desk.facts()
    await desk.hears(inquiry.added("Ihr Arschlöcher!"))
    todo = await desk.todo_of(inquiry)
    assert (todo["desk"], todo["state"]) == ("technical", "claimed" if claimed else "open")
    assert history(todo)[-1] == ("router", "netiquette_suspected", "insult")
    assert await desk.facts() == before


async def test_a_message_after_the_end_is_kept_and_noted(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    await desk.post(f"/todos/{(await desk.todo_of(inquiry))['id']}/complete")
    await desk.hears(inquiry.added("Es geht immer noch nicht."))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["message_count"]) == ("done", 2)
    assert history(todo)[-1] == ("router", "message_after_end", None)


@pytest.mark.parametrize("claimed", [False, True])
async def test_an_answer_completes_the_todo(desk: Desk, *, claimed: bool) -> None:
    inquiry = Inquiry(desk.clock.now() - HOUR)
    await desk.hears(inquiry.received())
    if claimed:
        await desk.post(f"/todos/{(await desk.todo_of(inquiry))['id']}/claim")
    await desk.hears(inquiry.answered("Carla"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["ended_by"]) == ("done", "Carla")
    assert todo["assignee"] == ("Anna" if claimed else None)
    assert todo["ended_at"] == "2026-11-24T11:00:00Z"
    assert history(todo)[-1] == ("Carla", "completed", "answered")
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoCompleted)
    assert (fact.completed_by, fact.completed_at) == ("Carla", inquiry.at)


async def test_an_answer_of_a_dismissed_todo_is_noted_only(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    todo = await desk.todo_of(inquiry)
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "netiquette"})
    inquiry.at += HOUR
    await desk.hears(inquiry.answered("Carla"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["dismiss_reason"]) == ("dismissed", "netiquette")
    assert history(todo)[-1] == ("Carla", "answered", "the ToDo stays dismissed")
    assert types(await desk.facts()) == ["todo.created", "todo.dismissed"]


async def test_an_answer_of_what_was_done_by_hand_is_noted_only(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    await desk.post(f"/todos/{(await desk.todo_of(inquiry))['id']}/complete")
    inquiry.at += HOUR
    await desk.hears(inquiry.answered("Carla"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["ended_by"]) == ("done", "Anna")
    assert history(todo)[-1] == ("Carla", "answered", "the ToDo stays done")
    assert types(await desk.facts()) == ["todo.created", "todo.completed"]


async def test_a_holding_reply_sets_the_follow_up(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    until = desk.clock.now() + 48 * HOUR
    await desk.hears(inquiry.received(), inquiry.held(until, by="Carla"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["follow_up_at"]) == ("open", "2026-11-26T12:00:00Z")
    assert history(todo)[-1] == ("Carla", "held", "2026-11-26T12:00:00+00:00")
    inquiry.at += HOUR
    await desk.hears(inquiry.held(None, by="Carla"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["follow_up_at"]) == ("open", None)
    assert history(todo)[-1] == ("Carla", "held", None)
    inquiry.at += HOUR
    await desk.hears(inquiry.answered())
    inquiry.at += HOUR
    await desk.hears(inquiry.held(until + HOUR))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["follow_up_at"]) == ("done", None)


@pytest.mark.parametrize(
    ("reason", "mapped"),
    [
        ("no_answer_needed", "no_answer_needed"),
        ("spam", "spam"),
        ("duplicate", "duplicate"),
        ("withdrawn", "no_answer_needed"),
    ],
)
async def test_a_close_dismisses_without_telling_again(
    desk: Desk, reason: CloseReason, mapped: str
) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    await desk.post(f"/todos/{(await desk.todo_of(inquiry))['id']}/claim")
    before = await desk.facts()
    await desk.hears(inquiry.closed(reason, by="Carla"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["dismiss_reason"]) == ("dismissed", mapped)
    assert (todo["assignee"], todo["ended_by"]) == ("Anna", "Carla")
    assert history(todo)[-1] == ("Carla", "closed", reason)
    assert await desk.facts() == before


async def test_a_close_of_what_has_ended_is_noted_only(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), inquiry.answered(), inquiry.closed("spam"))
    todo = await desk.todo_of(inquiry)
    assert (todo["state"], todo["dismiss_reason"]) == ("done", None)
    assert history(todo)[-1] == ("Carla", "closed", "spam")


@pytest.mark.parametrize("kind", ["answered", "added", "held", "closed"])
async def test_what_has_no_todo_yet_fails_and_works_when_it_is_there(desk: Desk, kind: str) -> None:
    inquiry = Inquiry(desk.clock.now())
    fact: InquiryFact = {
        "answered": inquiry.answered(),
        "added": inquiry.added("Hallo?"),
        "held": inquiry.held(desk.clock.now() + HOUR),
        "closed": inquiry.closed("spam"),
    }[kind]
    record = record_of(fact)
    with pytest.raises(NotFoundError, match=str(inquiry.inquiry_id)):
        await desk.hears_batch([record])
    await desk.hears(inquiry.received())
    await desk.hears_batch([record])
    todo = await desk.todo_of(inquiry)
    assert len(todo["history"]) + todo["message_count"] == 3


async def test_a_deadline_is_shown_at_its_todo(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    due = desk.clock.now() + 24 * HOUR
    await desk.hears(inquiry.received(), inquiry.started(due))
    todo = await desk.todo_of(inquiry)
    shown = {"state": "running", "target": "first_answer", "due_at": "2026-11-25T12:00:00Z"}
    assert todo["deadline"] == {**shown, "warning": None}
    assert todo["due_at"] == shown["due_at"]
    await desk.hears(inquiry.warned(due, at=desk.clock.now() + HOUR))
    assert (await desk.todo_of(inquiry))["deadline"] == {**shown, "warning": "75%"}
    await desk.hears(inquiry.breached(due, at=due))
    assert (await desk.todo_of(inquiry))["deadline"] == {
        **shown,
        "state": "breached",
        "warning": "75%",
    }


async def test_the_hand_over_says_nothing_about_the_answer(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    due = desk.clock.now() + 24 * HOUR
    await desk.hears(inquiry.received(), inquiry.started(due))
    before = await desk.todo_of(inquiry)
    owed = inquiry.breached(due - 20 * HOUR, at=due - 20 * HOUR)
    await desk.hears(owed.model_copy(update={"target": "hand_over"}))
    assert await desk.todo_of(inquiry) == before


async def test_a_moved_deadline_has_no_warning_yet(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    due, later = desk.clock.now() + HOUR, desk.clock.now() + 30 * HOUR
    await desk.hears(
        inquiry.received(), inquiry.started(due), inquiry.warned(due), inquiry.moved(later)
    )
    todo = await desk.todo_of(inquiry)
    assert (todo["due_at"], todo["deadline"]["warning"]) == ("2026-11-25T18:00:00Z", None)


async def test_an_old_deadline_fact_cannot_turn_the_clock_back(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    now, due = desk.clock.now(), desk.clock.now() + 24 * HOUR
    started, met = inquiry.started(due, at=now), inquiry.met(due, at=now + HOUR)
    moved = inquiry.moved(due + HOUR, at=now + HOUR / 2)
    await desk.hears(inquiry.received())
    for fact in (started, met, started, moved):  # the last two were replayed
        await desk.hears_batch([record_of(fact, told_at=fact.at)])
    todo = await desk.todo_of(inquiry)
    assert (todo["deadline"]["state"], todo["due_at"]) == ("met", "2026-11-25T12:00:00Z")


async def test_a_clock_is_met_when_sla_hears_of_the_answer_after_the_breach(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    due = desk.clock.now() + 24 * HOUR
    breached, met = inquiry.breached(due, at=due), inquiry.met(due, at=due - HOUR)
    await desk.hears(inquiry.received(), inquiry.started(due))
    for fact, told_at in ((breached, due + HOUR), (met, due + 2 * HOUR)):
        await desk.hears_batch([record_of(fact, told_at=told_at)])
    assert (await desk.todo_of(inquiry))["deadline"]["state"] == "met"


async def test_every_order_of_the_two_topics_ends_alike(desk: Desk) -> None:
    """Each topic in its order, the two interleaved in every way."""
    now, due = desk.clock.now(), desk.clock.now() + 24 * HOUR
    ways = set(permutations("iiiddd"))
    seen = []
    for way, batched in product(sorted(ways), (False, True)):
        inquiry = Inquiry(now)
        told = iter([inquiry.received(), inquiry.added("Hallo?"), inquiry.answered()])
        clock = iter(
            [
                inquiry.started(due, at=now),
                inquiry.moved(due + HOUR, at=now + HOUR),
                inquiry.met(due + HOUR, at=now + 2 * HOUR),
            ]
        )
        arriving = [next(told) if topic == "i" else next(clock) for topic in way]
        if batched:
            await desk.hears_batch([record_of(fact) for fact in arriving])
        else:
            await desk.hears(*arriving)
        todo = await desk.todo_of(inquiry)
        seen.append(
            (
                todo["state"],
                todo["due_at"],
                tuple(todo["deadline"].items()),
                todo["message_count"],
                tuple(history(todo)),
            )
        )
    assert len(seen) == 40
    assert len(set(seen)) == 1
    assert seen[0][:2] == ("done", "2026-11-25T13:00:00Z")


async def test_a_batch_of_200_mixed_facts_is_each_inquirys_own_story(desk: Desk) -> None:
    now, due = desk.clock.now(), desk.clock.now() + 24 * HOUR
    inquiries = [Inquiry(now) for _ in range(40)]
    records: list[list[Any]] = []
    for number, inquiry in enumerate(inquiries):
        end = [inquiry.answered(), inquiry.closed("spam"), inquiry.held(due)][number % 3]
        records.append([inquiry.received(), inquiry.added("Hallo?"), end])
        records.append([inquiry.started(due), inquiry.warned(due)])
    mixed = []
    chance = Random(3)
    while records:
        story = chance.choice(records)
        mixed.append(record_of(story.pop(0)))
        records = [each for each in records if each]
    assert len(mixed) == 200
    await desk.hears_batch(mixed)
    await desk.hears_batch(mixed)
    for number, inquiry in enumerate(inquiries):
        todo = await desk.todo_of(inquiry)
        assert todo["state"] == ["done", "dismissed", "open"][number % 3]
        assert todo["message_count"] == 2
        assert todo["deadline"]["warning"] == "75%"
        assert len(todo["history"]) == 2
    told = types(await desk.facts())
    assert (told.count("todo.created"), told.count("todo.completed")) == (40, 14)
    assert len(told) == 54


async def test_decisions_are_counted_by_kind(desk: Desk) -> None:
    await desk.hears_batch(
        [record_of(Inquiry(desk.clock.now()).received(text)) for text in ("Absturz", "abgestürzt")]
    )
    metrics = (await desk.http.get("/router/metrics")).text
    assert 'desk_router_decisions_total{kind="technical"} 2.0' in metrics


async def test_an_unknown_event_type_is_passed_over(desk: Desk) -> None:
    ids: dict[str, Any] = {"inquiry_id": new_id(), "conversation_id": new_id(), "todo_id": new_id()}
    await desk.hears(TodoReleased(**ids, released_at=desk.clock.now(), released_by="somebody"))
    assert await desk.facts() == []

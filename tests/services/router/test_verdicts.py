"""What the review desk decides, and where two persons have to agree; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.router.tables import verdicts
from shared.db import Read
from shared.events.inquiries import MessageEdited, MessageWithdrawn
from shared.events.todos import TodoDismissed, TodoReleased, TodoReopened, TodoRerouted
from tests.services.router.desk import ANNA as ANNAS_KEY
from tests.services.router.desk import BERT, POLICY, READER, Desk, Inquiry, history, opened, types
from tests.support.clock import ManualClock

UNCLEAR = "Hm, nun ja, so eben."
ANNA = {"by": "Anna"}
OTHER = {"by": "Berta"}


@pytest.fixture
async def strict(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    """A desk whose policy wants two persons to agree on a violation of the netiquette."""
    routing = POLICY.routing.model_copy(update={"netiquette_verdicts": 2})
    policy = POLICY.model_copy(update={"routing": routing})
    async with opened(database_url, tmp_path, clock, policy) as desk:
        yield desk


async def decide(
    desk: Desk, todo: dict[str, Any], verdict: str, *, key: str = ANNAS_KEY, **more: Any
) -> dict[str, Any]:
    path, body = f"/todos/{todo['id']}/verdict", {"verdict": verdict, **more}
    answer = await desk.post(path, body, key=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def given(desk: Desk) -> list[tuple[str, str | None, str]]:
    def read(tx: Read) -> list[tuple[str, str | None, str]]:
        v = verdicts.c
        return [tuple(row) for row in tx.execute(select(v.kind, v.desk, v.by).order_by(v.at))]

    return await desk.service.database.read(read)


@pytest.mark.parametrize(
    ("verdict", "desk_name"), [("technical", "technical"), ("general", "inbound")]
)
async def test_a_verdict_brings_it_to_the_desk_that_answers(
    desk: Desk, verdict: str, desk_name: str
) -> None:
    todo = await desk.new_todo(UNCLEAR)
    assert todo["desk"] == "review"
    after = await decide(desk, todo, verdict, **ANNA, reason="the second sentence says it")
    assert (after["desk"], after["state"]) == (desk_name, "open")
    line = ("Anna", "verdict", f"review to {desk_name}: {verdict}: the second sentence says it")
    assert history(after)[-1] == line
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoRerouted)
    assert (fact.desk, fact.verdict, fact.reason) == (
        desk_name, verdict, "the second sentence says it",
    )  # fmt: skip
    assert await given(desk) == [(verdict, desk_name, "Anna")]


@pytest.mark.parametrize("verdict", ["netiquette", "spam", "no_answer_needed"])
async def test_a_verdict_dismisses_for_its_reason(desk: Desk, verdict: str) -> None:
    todo = await desk.new_todo(UNCLEAR)
    after = await decide(desk, todo, verdict, **ANNA)
    assert (after["state"], after["dismiss_reason"], after["ended_by"]) == (
        "dismissed", verdict, "Anna",
    )  # fmt: skip
    assert history(after)[-1] == ("Anna", "verdict", verdict)
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoDismissed)
    assert (fact.reason, fact.verdict) == (verdict, verdict)
    assert types(await desk.facts()) == ["todo.created", "todo.dismissed"]
    assert await given(desk) == [(verdict, None, "Anna")]


async def test_of_several_verdicts_the_latest_comes_last(desk: Desk) -> None:
    todo = await desk.new_todo(UNCLEAR)
    await decide(desk, todo, "general", **ANNA)
    desk.clock.advance(timedelta(minutes=1))
    again = await decide(desk, todo, "technical", as_supervisor=True, **OTHER)
    assert again["desk"] == "technical"
    assert [kind for kind, _, _ in await given(desk)] == ["general", "technical"]


async def test_elsewhere_only_a_supervisor_gives_one(desk: Desk) -> None:
    todo = await desk.new_todo()
    assert todo["desk"] == "technical"
    refused = await desk.post(f"/todos/{todo['id']}/verdict", {"verdict": "spam"})
    assert refused.status_code == 409
    assert refused.json()["type"].endswith(":todo-not-at-review")
    after = await decide(desk, todo, "spam", as_supervisor=True)
    assert after["dismiss_reason"] == "spam"


@pytest.mark.parametrize(
    "body",
    [
        {"verdict": "general", "desk": "nowhere"},
        {"verdict": "general", "desk": "review"},
        {"verdict": "general", "desk": "technical"},
        {"verdict": "technical", "desk": "inbound"},
        {"verdict": "spam", "desk": "inbound"},
        {"verdict": "unsure"},
        {},
    ],
)
async def test_a_verdict_that_makes_no_sense_is_refused(desk: Desk, body: dict[str, str]) -> None:
    todo = await desk.new_todo(UNCLEAR)
    answer = await desk.post(f"/todos/{todo['id']}/verdict", body)
    assert answer.status_code == 422, answer.text
    assert (await desk.get(f"/todos/{todo['id']}"))["state"] == "open"


async def test_who_may_only_read_gives_no_verdict(desk: Desk) -> None:
    todo = await desk.new_todo(UNCLEAR)
    body = {"verdict": "spam"}
    assert (await desk.post(f"/todos/{todo['id']}/verdict", body, key=READER)).status_code == 403


async def test_what_was_not_read_is_not_judged(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(UNCLEAR))
    todo = await desk.todo_of(inquiry)
    read = todo["messages"][-1]["message_id"]
    await desk.hears(inquiry.added("Und noch etwas.", at=desk.clock.now() + timedelta(minutes=1)))
    body = {"verdict": "spam", "read_until": read}
    answer = await desk.post(f"/todos/{todo['id']}/verdict", body)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":newer-message")


async def test_an_edit_moves_nothing_that_the_review_desk_has_decided(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    received = inquiry.received(UNCLEAR)
    await desk.hears(received)
    todo = await desk.todo_of(inquiry)
    await decide(desk, todo, "general", **ANNA)
    await desk.hears(edited(inquiry, received.message_id, desk, "Die Anmeldung ist abgestürzt."))
    assert (await desk.todo_of(inquiry))["desk"] == "inbound"


def edited(inquiry: Inquiry, message_id: Any, desk: Desk, text: str) -> MessageEdited:
    return MessageEdited(
        inquiry_id=inquiry.inquiry_id,
        conversation_id=inquiry.conversation_id,
        message_id=message_id,
        channel=inquiry.channel,
        edited_at=desk.clock.now() + timedelta(minutes=2),
        text=text,
    )


async def test_the_first_of_two_waits_for_another_person(strict: Desk) -> None:
    todo = await strict.new_todo(UNCLEAR)
    await strict.post(f"/todos/{todo['id']}/claim", {"assignee": "Anna"})
    waiting = await decide(strict, todo, "netiquette", **ANNA)
    assert (waiting["state"], waiting["assignee"], waiting["desk"]) == ("open", None, "review")
    pending = waiting["pending_verdict"]
    assert (pending["verdict"], pending["by"], pending["key_name"]) == (
        "netiquette",
        "Anna",
        "Anna",
    )
    assert [what for _, what, _ in history(waiting)][-2:] == ["verdict_pending", "released"]
    assert isinstance((await strict.facts())[-1], TodoReleased)
    listed = await strict.get("/todos", inquiry_id=todo["inquiry_id"])
    assert listed["items"][0]["pending_verdict"]["by"] == "Anna"
    assert await given(strict) == []

    again = await decide(strict, todo, "netiquette", by="ANNA")
    assert (again["state"], len(again["history"])) == ("open", len(waiting["history"]))

    agreed = await decide(strict, todo, "netiquette", **OTHER, key=BERT)
    assert (agreed["state"], agreed["ended_by"]) == ("dismissed", "Berta")
    assert agreed["pending_verdict"] is None
    assert await given(strict) == [("netiquette", None, "Berta")]


async def test_there_is_no_way_round_the_second_person(strict: Desk) -> None:
    todo = await strict.new_todo()
    path, body = f"/todos/{todo['id']}/dismiss", {"reason": "netiquette"}
    first = (await strict.post(path, {**body, **ANNA})).json()
    assert (first["state"], first["pending_verdict"]["by"]) == ("open", "Anna")
    as_supervisor = await strict.post(path, {**body, **ANNA, "as_supervisor": True})
    assert as_supervisor.json()["state"] == "open"
    second = (await strict.post(path, {**body, **OTHER}, key=BERT)).json()
    assert (second["state"], second["dismiss_reason"]) == ("dismissed", "netiquette")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"by": "J\u00f6rg"}, {"by": "JO\u0308RG"}),
        ({"by": "Berta"}, {}),
        ({}, {"by": "Berta"}),
    ],
)
async def test_one_person_is_not_two(
    strict: Desk, first: dict[str, str], second: dict[str, str]
) -> None:
    """Spelled otherwise, or once named and once as the owner of the same key."""
    todo = await strict.new_todo(UNCLEAR)
    await decide(strict, todo, "netiquette", **first)
    after = await decide(strict, todo, "netiquette", **second)
    assert (after["state"], after["pending_verdict"]["by"]) == ("open", first.get("by", "Anna"))
    agreed = await decide(strict, todo, "netiquette", key=BERT)
    assert (agreed["state"], agreed["ended_by"]) == ("dismissed", "Bert")


async def test_who_has_decided_takes_it_from_nobody_by_deciding_again(strict: Desk) -> None:
    todo = await strict.new_todo(UNCLEAR)
    await decide(strict, todo, "netiquette", **ANNA)
    await strict.post(f"/todos/{todo['id']}/claim", {"assignee": "Berta"}, key=BERT)
    again = await decide(strict, todo, "netiquette", **ANNA, as_supervisor=True)
    assert (again["state"], again["assignee"]) == ("claimed", "Berta")


@pytest.mark.parametrize("reason", ["spam", "no_answer_needed"])
async def test_only_for_netiquette_two_have_to_agree(strict: Desk, reason: str) -> None:
    todo = await strict.new_todo(UNCLEAR)
    assert (await decide(strict, todo, reason, **ANNA))["state"] == "dismissed"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("verdict", {"verdict": "technical", **OTHER}),
        ("verdict", {"verdict": "spam", **OTHER}),
        ("verdict", {"verdict": "general", **ANNA}),
        ("reroute", {"desk": "inbound", "reason": "a question", **OTHER}),
        ("complete", OTHER),
        ("dismiss", {"reason": "no_answer_needed", **OTHER}),
    ],
)
async def test_another_opinion_clears_it(strict: Desk, path: str, body: dict[str, str]) -> None:
    todo = await strict.new_todo(UNCLEAR)
    await decide(strict, todo, "netiquette", **ANNA)
    answer = await strict.post(f"/todos/{todo['id']}/{path}", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["pending_verdict"] is None


async def test_whatever_the_customer_changes_clears_it(strict: Desk) -> None:
    inquiry = Inquiry(strict.clock.now())
    received = inquiry.received(UNCLEAR)
    await strict.hears(received)
    todo = await strict.todo_of(inquiry)
    ids = {"inquiry_id": inquiry.inquiry_id, "conversation_id": inquiry.conversation_id}
    later = strict.clock.now() + timedelta(minutes=3)
    for told in (
        inquiry.added("Entschuldigung, so war es nicht gemeint.", at=later),
        edited(inquiry, received.message_id, strict, "Hm, anders gesagt."),
        MessageWithdrawn(**ids, message_id=received.message_id, withdrawn_at=later),
    ):
        waiting = await decide(strict, todo, "netiquette", **ANNA)
        assert waiting["pending_verdict"]["by"] == "Anna"
        await strict.hears(told)
        after = await strict.todo_of(inquiry)
        assert after["pending_verdict"] is None
        assert history(after)[-1] == ("router", "verdict_cleared", None)
        still = await decide(strict, todo, "netiquette", **OTHER)
        assert still["state"] == "open"
        await strict.hears(inquiry.added("Noch etwas.", at=later + timedelta(seconds=1)))


async def test_an_answer_clears_it(strict: Desk) -> None:
    inquiry = Inquiry(strict.clock.now())
    await strict.hears(inquiry.received(UNCLEAR))
    todo = await strict.todo_of(inquiry)
    await decide(strict, todo, "netiquette", **ANNA)
    await strict.hears(inquiry.answered())
    after = await strict.todo_of(inquiry)
    assert (after["state"], after["pending_verdict"]) == ("done", None)


async def test_two_at_once_are_two_persons(strict: Desk) -> None:
    todo = await strict.new_todo(UNCLEAR)
    path = f"/todos/{todo['id']}/verdict"
    body = {"verdict": "netiquette"}
    answers = await asyncio.gather(
        strict.post(path, {**body, **ANNA}), strict.post(path, {**body, **OTHER}, key=BERT)
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    after = await strict.get(f"/todos/{todo['id']}")
    assert (after["state"], after["pending_verdict"]) == ("dismissed", None)
    assert len(await given(strict)) == 1


async def appeal(at: Desk, todo: dict[str, Any], **more: Any) -> Any:
    return await at.post(f"/todos/{todo['id']}/appeal", {"reason": "it was a quotation", **more})


@pytest.mark.parametrize("reason", ["netiquette", "spam"])
async def test_an_appeal_brings_it_back_to_the_review_desk(desk: Desk, reason: str) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim")
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": reason})
    desk.clock.advance(timedelta(hours=3))
    answer = await appeal(desk, todo, by="Carla")
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert (after["state"], after["desk"], after["assignee"]) == ("open", "review", None)
    assert (after["dismiss_reason"], after["ended_at"]) == (None, None)
    assert history(after)[-1] == ("Carla", "appealed", "it was a quotation")
    reopened, moved = (await desk.facts())[-2:]
    assert isinstance(reopened, TodoReopened)
    assert (reopened.desk, reopened.time_left, reopened.reopened_at) == (
        "review", True, desk.clock.now(),
    )  # fmt: skip
    assert isinstance(moved, TodoRerouted)
    assert (moved.from_desk, moved.desk, moved.rerouted_at) == (
        "technical", "review", desk.clock.now(),
    )  # fmt: skip


async def test_an_appeal_may_go_to_a_named_desk(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})
    after = (await appeal(desk, todo, desk="technical")).json()
    assert (after["state"], after["desk"]) == ("open", "technical")
    assert types(await desk.facts())[-2:] == ["todo.dismissed", "todo.reopened"]


async def test_never_are_two_appeals_open(desk: Desk) -> None:
    todo = await desk.new_todo(UNCLEAR)
    await decide(desk, todo, "netiquette")
    answers = await asyncio.gather(*(appeal(desk, todo, by=str(n)) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await appeal(desk, todo)).json()["type"].endswith(":todo-not-ended")
    await decide(desk, todo, "netiquette", **OTHER)
    assert (await appeal(desk, todo)).status_code == 200
    assert [what for _, what, _ in history(await desk.get(f"/todos/{todo['id']}"))] == [
        "created", "verdict", "appealed", "verdict", "appealed",
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["complete", "no_answer_needed"])
async def test_only_netiquette_and_spam_can_be_appealed(desk: Desk, end: str) -> None:
    todo = await desk.new_todo()
    if end == "complete":
        await desk.post(f"/todos/{todo['id']}/complete")
    else:
        await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": end})
    refused = await appeal(desk, todo)
    assert refused.status_code == 409
    assert refused.json()["type"].endswith(":todo-not-appealable")


async def test_an_inquiry_that_was_closed_as_spam_can_be_appealed(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received(), inquiry.closed("spam"))
    after = (await appeal(desk, await desk.todo_of(inquiry))).json()
    assert (after["state"], after["desk"]) == ("open", "review")


async def test_an_answer_stands_whatever_is_appealed(desk: Desk) -> None:
    inquiry = Inquiry(desk.clock.now())
    await desk.hears(inquiry.received())
    todo = await desk.todo_of(inquiry)
    await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "spam"})
    inquiry.at = desk.clock.now() + timedelta(minutes=5)
    await desk.hears(inquiry.answered())
    after = (await appeal(desk, todo)).json()
    assert (after["state"], after["desk"]) == ("done", "technical")


async def test_who_may_only_read_records_no_appeal(desk: Desk) -> None:
    todo = await desk.new_todo(UNCLEAR)
    await decide(desk, todo, "spam")
    assert (await appeal(desk, todo, desk="nowhere")).status_code == 422
    refused = await desk.post(f"/todos/{todo['id']}/appeal", {"reason": "x"}, key=READER)
    assert refused.status_code == 403

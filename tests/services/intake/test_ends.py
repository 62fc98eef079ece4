"""An end covers what its author could have seen; what it does not cover has its own inquiry."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from services.intake.inquiries.worker import missed
from services.intake.tables import conversations, inquiries
from shared.db import Write
from shared.events.inquiries import InquiryReceived
from shared.events.todos import TodoCompleted, TodoDismissed, TodoReopened
from shared.runtime.ids import new_id
from tests.services.intake.desk import OWN_ID, Desk, message, problem

MINUTE = timedelta(minutes=1)
OURS = {"id": OWN_ID, "name": "Support"}
ANSWER = {"kind": "answer", "text": "So geht es."}


def at(desk: Desk, minutes: int) -> str:
    return (desk.clock.now() + minutes * MINUTE).isoformat()


async def states(desk: Desk) -> list[tuple[str, list[str]]]:
    """Each inquiry's state and its customer's messages, oldest first."""
    listed = (await desk.get("/inquiries"))["items"]
    found = []
    for each in reversed(listed):
        shown = await desk.detail(each["id"])
        mine = [m for m in shown["messages"] if m["inquiry_id"] == each["id"]]
        texts = [m["text"] for m in mine if m["kind"] == "inbound"]
        found.append((each["state"], texts))
    return found


async def test_an_echo_does_not_answer_a_question_that_came_after_its_post(desk: Desk) -> None:
    now = at(desk, 0)
    (first,) = await desk.accepted(message(thread_id="t", text="eins", sent_at=now))
    desk.clock.advance(5 * MINUTE)
    posted = at(desk, 0)
    desk.clock.advance(5 * MINUTE)
    (second,) = await desk.accepted(message(thread_id="t", text="zwei", sent_at=at(desk, 0)))
    assert second == first  # nobody has told of the answer yet
    desk.clock.advance(MINUTE)
    await desk.deliver(message(thread_id="t", author=OURS, text="Antwort", sent_at=posted))
    assert await states(desk) == [("answered", ["eins"]), ("open", ["zwei"])]
    moved = [e.data for e in await desk.told() if isinstance(e.data, InquiryReceived)][-1]
    assert (moved.text, str(moved.moved_from)) == ("zwei", first)
    assert moved.received_at == desk.clock.now() - MINUTE  # its own receipt
    # What comes now joins the one that is open.
    desk.clock.advance(MINUTE)
    (third,) = await desk.accepted(message(thread_id="t", text="drei"))
    assert third == str(moved.inquiry_id)


@pytest.mark.parametrize("how", ["completed", "dismissed"])
async def test_a_message_that_the_desk_had_not_seen_has_its_own_inquiry(
    desk: Desk, how: str
) -> None:
    first = await desk.new_inquiry(thread_id="t", text="eins")
    desk.clock.advance(MINUTE)
    ended_at = desk.clock.now()
    desk.clock.advance(MINUTE)
    second = await desk.new_inquiry(thread_id="t", text="zwei")
    assert second["inquiry_id"] == first["inquiry_id"]
    desk.clock.advance(60 * MINUTE)  # the broker was away
    ids: dict[str, Any] = {
        "todo_id": new_id(),
        "inquiry_id": UUID(first["inquiry_id"]),
        "conversation_id": UUID(first["conversation_id"]),
        "covers_until": UUID(first["message_id"]),
    }
    if how == "completed":
        await desk.hears(TodoCompleted(**ids, completed_at=ended_at, completed_by="Anna"))
    else:
        await desk.hears(
            TodoDismissed(**ids, reason="spam", dismissed_at=ended_at, dismissed_by="Anna")
        )
    ended = "answered" if how == "completed" else "no_answer"
    assert await states(desk) == [(ended, ["eins"]), ("open", ["zwei"])]
    told = (await desk.told())[-1].data
    assert isinstance(told, InquiryReceived)
    assert told.received_at == ended_at + MINUTE
    assert told.message_id == UUID(second["message_id"])


async def test_the_earliest_answer_counts_in_whatever_order_they_are_heard(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t", sent_at=at(desk, 0)))
    early, late = (
        message(thread_id="t", author=OURS, text=text, sent_at=at(desk, minutes))
        for text, minutes in (("erste", 2), ("zweite", 8))
    )
    desk.clock.advance(10 * MINUTE)
    await desk.deliver(late)
    await desk.deliver(early)
    shown = await desk.detail(inquiry_id)
    assert shown["answered_at"] == "2026-11-24T12:02:00Z"
    assert [each["text"] for each in shown["messages"][1:]] == ["zweite", "erste"]


async def test_an_answer_dated_before_the_receipt_keeps_its_moment(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t", sent_at=at(desk, -20)))
    body = {**ANSWER, "sent_at": at(desk, -10)}
    assert (await desk.post(f"/inquiries/{inquiry_id}/replies", body)).status_code == 201
    assert (await desk.detail(inquiry_id))["answered_at"] == "2026-11-24T11:50:00Z"


async def test_a_post_that_comes_before_its_question_finds_it(desk: Desk) -> None:
    posted = message(thread_id="t", author=OURS, text="Antwort", sent_at=at(desk, -1))
    await desk.deliver(posted)
    assert await states(desk) == []
    desk.clock.advance(MINUTE)
    await desk.accepted(message(thread_id="t", text="spät", sent_at=at(desk, -3)))
    await desk.accepted(message(thread_id="t", text="noch eine", sent_at=at(desk, -4)))
    assert await states(desk) == [("answered", ["spät", "noch eine"])]
    types = await desk.types()
    assert types == ["inquiry.received", "inquiry.answered", "inquiry.message_added"]
    # The same bytes again, after a customer wrote, answer nothing.
    desk.clock.advance(MINUTE)
    await desk.accepted(message(thread_id="t", text="neu", sent_at=at(desk, 0)))
    await desk.deliver(posted)
    assert (await states(desk))[-1] == ("open", ["neu"])


async def test_a_post_that_answers_nothing_is_kept_so_that_its_repeat_changes_nothing(
    desk: Desk,
) -> None:
    posted = message(thread_id="t", author=OURS, text="Wir haben neue Zeiten.")
    await desk.deliver(posted)
    desk.clock.advance(60 * MINUTE)
    await desk.accepted(message(thread_id="t", text="Danke, und sonntags?"))
    await desk.deliver(posted)
    assert await states(desk) == [("open", ["Danke, und sonntags?"])]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_delivery_ends_the_same_newest_or_oldest_first(
    desk: Desk, *, newest_first: bool
) -> None:
    items = [
        message(thread_id="t", text="eins", sent_at=at(desk, -50)),
        message(thread_id="t", author=OURS, text="Antwort", sent_at=at(desk, -40)),
        message(thread_id="t", text="zwei", sent_at=at(desk, -30)),
        message(thread_id="t", text="drei", sent_at=at(desk, -20)),
        message(thread_id="t", author=OURS, text="Noch eine", sent_at=at(desk, -10)),
    ]
    answer = await desk.deliver(items[::-1] if newest_first else items)
    assert answer.status_code == 202
    found = sorted((state, sorted(texts)) for state, texts in await states(desk))
    assert found == [("answered", ["drei", "zwei"]), ("answered", ["eins"])]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("echo_first", [False, True])
async def test_a_recorded_reply_and_its_echo_are_one(
    desk: Desk, *, named: bool, echo_first: bool
) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"))
    desk.clock.advance(MINUTE)
    echo = message(id="a-1", thread_id="t", author=OURS, text="So  geht es.\n")
    reply = {**ANSWER, "external_id": "a-1"} if named else ANSWER
    path = f"/inquiries/{inquiry_id}/replies"
    placed = None
    for turn in ["echo", "reply"] if echo_first else ["reply", "echo"]:
        if turn == "echo":
            beside = message(thread_id="other")
            answer = await desk.deliver([beside, echo])
            assert (answer.status_code, answer.json()["broken"]) == (202, 0)
        else:
            answer = await desk.post(path, reply)
            assert answer.status_code == 201, answer.text
            placed = answer.json()
    shown = await desk.detail(inquiry_id)
    ours = [each for each in shown["messages"] if each["kind"] == "answer"]
    assert [(each["id"], each["external_id"]) for each in ours] == [
        (placed and placed["message_id"], "a-1")
    ]
    assert (await desk.types()).count("inquiry.answered") == 1


async def test_the_id_of_a_reply_of_ours_is_no_customers(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"))
    await desk.post(f"/inquiries/{inquiry_id}/replies", {**ANSWER, "external_id": "a-1"})
    answer = await desk.deliver([message(), message(id="a-1", thread_id="t"), message()])
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    body = {"channel": "facebook", "author": {"id": "c"}, "text": "x", "external_id": "a-1"}
    problem(await desk.post("/inquiries", body), 409, "external-id-taken")


async def test_a_post_may_only_hold(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"), channel="linkedin")
    desk.clock.advance(MINUTE)
    post = message(thread_id="t", author=OURS, text="Moment, wir schauen nach.")
    await desk.deliver(post, channel="linkedin")
    assert (await desk.detail(inquiry_id))["state"] == "held"
    assert await desk.types() == ["inquiry.received", "inquiry.held"]


async def asked(desk: Desk) -> tuple[str, str]:
    """An inquiry under which somebody of ours wrote, on a channel that asks; both ids."""
    (inquiry_id,) = await desk.accepted(message(thread_id="t", text="eins"), channel="mastodon")
    desk.clock.advance(MINUTE)
    post = message(id="p", thread_id="t", author=OURS, text="Danke!")
    await desk.deliver(post, channel="mastodon")
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["messages"][-1]["kind"]) == ("open", "post")
    return inquiry_id, shown["messages"][-1]["id"]


@pytest.mark.parametrize(
    ("kind", "state"), [("answer", "answered"), ("holding", "held"), ("none", "open")]
)
async def test_what_a_post_was_a_person_may_have_to_say(desk: Desk, kind: str, state: str) -> None:
    inquiry_id, post_id = await asked(desk)
    assert await desk.types() == ["inquiry.received", "inquiry.own_post_seen"]
    desk.clock.advance(MINUTE)
    await desk.accepted(message(thread_id="t", text="zwei"), channel="mastodon")
    path = f"/inquiries/{inquiry_id}/replies/{post_id}/reclassify"
    answer = await desk.post(path, {"kind": kind, "by": "Anna"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == state
    # It covers what it could have covered when it was heard: not what came later.
    following = [("open", ["zwei"])] if kind == "answer" else []
    mine = ["eins"] if kind == "answer" else ["eins", "zwei"]
    assert await states(desk) == [(state, mine), *following]
    told = {"answer": "answered", "holding": "held", "none": "reply_withdrawn"}[kind]
    assert f"inquiry.{told}" in await desk.types()


async def test_an_answer_that_was_none_is_taken_back_and_may_come_again(desk: Desk) -> None:
    placed = await desk.new_inquiry(thread_id="t")
    path = f"/inquiries/{placed['inquiry_id']}/replies"
    desk.clock.advance(MINUTE)
    reply = (await desk.post(path, ANSWER)).json()["message_id"]
    again = f"{path}/{reply}/reclassify"
    assert (await desk.post(again, {"kind": "none"})).json()["state"] == "open"
    shown = (await desk.post(again, {"kind": "answer"})).json()
    assert (shown["state"], shown["answered_at"]) == ("answered", "2026-11-24T12:01:00Z")
    told = [envelope.data for envelope in await desk.told()][1:]
    assert [(type(each).__name__, getattr(each, "revision", None)) for each in told] == [
        ("InquiryAnswered", 0),
        ("ReplyWithdrawn", 1),
        ("InquiryAnswered", 4),
    ]
    problem(
        await desk.post(f"{path}/{new_id()}/reclassify", {"kind": "none"}), 404, "unknown-reply"
    )


async def test_a_reopened_todo_opens_its_inquiry_again(desk: Desk) -> None:
    first = await desk.new_inquiry(thread_id="t", text="eins")
    ids: dict[str, Any] = {
        "todo_id": new_id(),
        "inquiry_id": UUID(first["inquiry_id"]),
        "conversation_id": UUID(first["conversation_id"]),
    }
    desk.clock.advance(MINUTE)
    now = desk.clock.now()
    completed = TodoCompleted(
        **ids, completed_at=now, completed_by="Anna", covers_until=UUID(first["message_id"])
    )
    await desk.hears(completed)
    desk.clock.advance(MINUTE)
    second = await desk.new_inquiry(thread_id="t", text="zwei")
    reopened = TodoReopened(
        **ids, desk="inbound", reason="x", reopened_at=now + MINUTE, reopened_by="Anna"
    )
    await desk.hears(reopened)
    assert await states(desk) == [("open", ["eins"]), ("open", ["zwei"])]
    third = await desk.new_inquiry(thread_id="t", text="drei")
    assert third["inquiry_id"] == second["inquiry_id"]
    # Heard once more, late, what was taken back stays taken back.
    await desk.hears(completed.model_copy())
    assert (await desk.detail(first))["state"] == "open"


async def test_under_a_public_post_each_person_has_an_inquiry(desk: Desk) -> None:
    (anna,) = await desk.accepted(message(id="a", thread_id="t", author="anna", text="Anna"))
    (bert,) = await desk.accepted(message(id="b", thread_id="t", author="bert", text="Bert"))
    assert anna != bert
    one, other = await desk.detail(anna), await desk.detail(bert)
    assert one["conversation_id"] == other["conversation_id"]
    (again,) = await desk.accepted(message(thread_id="t", author="anna", text="noch Anna"))
    assert again == anna
    desk.clock.advance(MINUTE)
    # Over REST it ends the inquiry that it is given to, no other.
    await desk.post(f"/inquiries/{anna}/replies", ANSWER)
    assert (await desk.detail(bert))["state"] == "open"
    # Under a comment that is not here yet it waits, and ends nobody else's.
    post = message(thread_id="t", parent_id="c", author=OURS, text="Für Carla")
    await desk.deliver(post)
    assert (await desk.detail(bert))["state"] == "open"
    desk.clock.advance(MINUTE)
    (carla,) = await desk.accepted(message(id="c", thread_id="t", author="carla", text="Carla"))
    assert (await desk.detail(carla))["state"] == "answered"
    assert (await desk.detail(bert))["state"] == "open"


async def test_a_post_for_nobody_in_particular_asks_where_several_wait(desk: Desk) -> None:
    for person in ("anna", "bert"):
        await desk.accepted(message(thread_id="t", author=person, text=person))
    desk.clock.advance(MINUTE)
    await desk.deliver(message(thread_id="t", author=OURS, text="Danke euch!"))
    assert [state for state, _ in await states(desk)] == ["open", "open"]
    assert (await desk.types())[-2:] == ["inquiry.own_post_seen"] * 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_root_child_and_grandchild_are_one_conversation(
    desk: Desk, order: tuple[int, ...]
) -> None:
    family = [
        message(id="root", thread_id="t", author="anna", text="root"),
        message(id="child", thread_id=..., parent_id="root", author="anna", text="child"),
        message(id="grand", thread_id=..., parent_id="child", author="anna", text="grand"),
    ]
    for number in order:
        desk.clock.advance(MINUTE)
        await desk.accepted(family[number])
    listed = (await desk.get("/inquiries"))["items"]
    assert len({each["conversation_id"] for each in listed}) == 1
    there = [each for each in listed if each["state"] == "open"]
    assert len(there) == 1
    shown = await desk.detail(there[0]["id"])
    assert {each["text"] for each in shown["messages"]} == {"root", "child", "grand"}
    assert {each["inquiry_id"] for each in shown["messages"]} == {shown["id"]}
    merged = [each for each in listed if each["state"] != "open"]
    assert all((each["state"], each["reason"]) == ("closed", "duplicate") for each in merged)
    # The clock began with the first of them.
    assert shown["received_at"] == "2026-11-24T12:01:00Z"
    for each in merged:
        problem(await desk.post(f"/inquiries/{each['id']}/replies", ANSWER), 409, "inquiry-merged")
    (joined,) = await desk.accepted(message(thread_id="t", author="anna", text="mehr"))
    assert joined == shown["id"]


async def test_what_was_not_read_is_not_answered(desk: Desk) -> None:
    first = await desk.new_inquiry(thread_id="t")
    later = [await desk.new_inquiry(thread_id="t") for _ in range(2)]
    path = f"/inquiries/{first['inquiry_id']}"
    for action, body in (("replies", ANSWER), ("close", {"reason": "spam"})):
        read = {**body, "read_until": first["message_id"]}
        found = problem(await desk.post(f"{path}/{action}", read), 409, "newer-message")
        assert found["messages"] == [each["message_id"] for each in later]
        strange = {**body, "read_until": str(new_id())}
        problem(await desk.post(f"{path}/{action}", strange), 422, "invalid-request")
    read = {**ANSWER, "read_until": later[-1]["message_id"]}
    assert (await desk.post(f"{path}/replies", read)).status_code == 201


async def test_a_reply_with_a_moment_covers_what_had_been_received_by_then(desk: Desk) -> None:
    placed = await desk.new_inquiry(thread_id="t", text="eins")
    desk.clock.advance(5 * MINUTE)
    await desk.new_inquiry(thread_id="t", text="zwei")
    body = {**ANSWER, "sent_at": at(desk, -3)}
    await desk.post(f"/inquiries/{placed['inquiry_id']}/replies", body)
    assert await states(desk) == [("answered", ["eins"]), ("open", ["zwei"])]


@pytest.mark.parametrize("sent_at", ["1990-01-01T00:00:00Z", "2026-11-24T11:59:59Z"])
async def test_a_reply_is_not_older_than_its_question(desk: Desk, sent_at: str) -> None:
    placed = await desk.new_inquiry()
    answer = await desk.post(
        f"/inquiries/{placed['inquiry_id']}/replies", {**ANSWER, "sent_at": sent_at}
    )
    found = problem(answer, 422, "invalid-request")
    assert found["errors"][0]["field"] == "sent_at"
    assert "2026-11-24T12:00:00" in found["errors"][0]["expected"]


async def test_no_answer_is_taken_after_a_violation_of_the_netiquette(desk: Desk) -> None:
    placed = await desk.new_inquiry()
    moment = desk.clock.now()
    await desk.hears(_dismissed(placed, "netiquette", moment))
    path = f"/inquiries/{placed['inquiry_id']}/replies"
    problem(await desk.post(path, ANSWER), 409, "inquiry-no-answer")
    other = await desk.new_inquiry()
    await desk.hears(_dismissed(other, "spam", moment))
    desk.clock.advance(MINUTE)
    path = f"/inquiries/{other['inquiry_id']}/replies"
    assert (await desk.post(path, ANSWER)).status_code == 201
    assert (await desk.detail(other))["state"] == "no_answer"


def _dismissed(placed: dict[str, Any], reason: Any, moment: datetime) -> TodoDismissed:
    return TodoDismissed(
        todo_id=new_id(),
        inquiry_id=UUID(placed["inquiry_id"]),
        conversation_id=UUID(placed["conversation_id"]),
        reason=reason,
        dismissed_at=moment,
        dismissed_by="Anna",
    )


async def test_posts_whose_parents_go_in_a_circle_are_for_nobody_in_particular(
    desk: Desk,
) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"))
    desk.clock.advance(MINUTE)
    for name, parent in (("a", "b"), ("b", "a")):
        await desk.deliver(
            message(id=name, thread_id="t", parent_id=parent, author=OURS, text=name)
        )
    assert (await desk.detail(inquiry_id))["state"] == "answered"
    (other,) = await desk.accepted(message(thread_id="u"))
    desk.clock.advance(MINUTE)
    await desk.deliver(message(id="c", thread_id="u", parent_id="c", author=OURS, text="c"))
    assert (await desk.detail(other))["state"] == "answered"
    assert await desk.service.database.read(missed, before=desk.clock.now() + MINUTE) == []


async def test_an_adopted_post_that_had_held_is_told_as_a_newer_fact(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(id="q", thread_id="t"), channel="linkedin")
    desk.clock.advance(MINUTE)
    post = message(thread_id="t", parent_id="q", author=OURS, text="Danke!")
    await desk.deliver(post, channel="linkedin")
    answer = await desk.post(
        f"/inquiries/{inquiry_id}/replies", {"kind": "answer", "text": "Danke!"}
    )
    assert (answer.status_code, answer.json()["inquiry_id"]) == (201, inquiry_id)
    told = [e.data for e in await desk.told()][1:]
    assert [(type(each).__name__, getattr(each, "revision", None)) for each in told] == [
        ("InquiryHeld", 0),
        ("InquiryAnswered", 1),
    ]


async def test_a_late_hold_can_still_be_recorded_as_a_reply(desk: Desk) -> None:
    sent = at(desk, 4)
    (first,) = await desk.accepted(message(thread_id="t", sent_at=at(desk, 0)), channel="linkedin")
    desk.clock.advance(10 * MINUTE)
    body = {**ANSWER, "sent_at": at(desk, -4)}
    assert (await desk.post(f"/inquiries/{first}/replies", body)).status_code == 201
    late = message(id="h", thread_id="t", author=OURS, text="Danke!", sent_at=sent)
    await desk.deliver(late, channel="linkedin")
    (second,) = await desk.accepted(
        message(thread_id="t", sent_at=at(desk, -3)), channel="linkedin"
    )
    reply = {"kind": "answer", "text": "Danke!"}
    answer = await desk.post(f"/inquiries/{second}/replies", reply)
    assert answer.status_code == 201, answer.text
    # The post was older than this question: the reply is another one with the same words.
    assert (await desk.detail(second))["answered_at"] == "2026-11-24T12:10:00Z"
    named = {**reply, "external_id": "h"}
    problem(await desk.post(f"/inquiries/{second}/replies", named), 409, "external-id-taken")
    assert (await desk.post(f"/inquiries/{first}/replies", named)).status_code == 201


async def test_a_post_answers_its_parent_whatever_thread_it_names(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(id="q", thread_id="a"))
    desk.clock.advance(MINUTE)
    await desk.deliver(message(thread_id="b", parent_id="q", author=OURS, text="Antwort"))
    assert (await desk.detail(inquiry_id))["state"] == "answered"


async def test_the_same_words_under_somebody_elses_message_are_another_reply(desk: Desk) -> None:
    (anna,) = await desk.accepted(message(id="a", thread_id="t", author="anna"))
    (bert,) = await desk.accepted(message(id="b", thread_id="t", author="bert"))
    desk.clock.advance(MINUTE)
    await desk.post(f"/inquiries/{anna}/replies", {"kind": "answer", "text": "Danke!"})
    await desk.deliver(message(thread_id="t", parent_id="b", author=OURS, text="Danke!"))
    assert (await desk.detail(bert))["state"] == "answered"


async def test_threads_put_together_are_looked_at_again(desk: Desk) -> None:
    family = [
        message(id="c", thread_id=..., parent_id="b", author="u", text="c", sent_at=at(desk, 2)),
        message(id="r", thread_id=..., author="u", text="r", sent_at=at(desk, 0)),
        message(thread_id=..., parent_id="r", author=OURS, text="Ja", sent_at=at(desk, 5)),
        message(id="b", thread_id=..., parent_id="r", author="u", text="b", sent_at=at(desk, 1)),
    ]
    desk.clock.advance(10 * MINUTE)
    for item in family:
        desk.clock.advance(MINUTE)
        await desk.deliver(item)
    assert {state for state, _ in await states(desk)} == {"answered"}


async def test_in_a_crowd_a_post_still_finds_its_question_and_asks_where_two_wait(
    desk: Desk,
) -> None:
    begun = desk.clock.now()
    desk.clock.advance(60 * MINUTE)

    def moment(minutes: int) -> str:
        return (begun + minutes * MINUTE).isoformat()

    await desk.deliver(message(thread_id="t", author="first", text="first", sent_at=moment(0)))
    crowd = [f"p{number}" for number in range(205)]
    await desk.deliver(
        [
            message(id=each, thread_id="t", author=each, text=each, sent_at=moment(1))
            for each in crowd
        ]
    )
    await desk.deliver(
        [
            message(thread_id="t", parent_id=each, author=OURS, text="Ja", sent_at=moment(6))
            for each in crowd
        ]
    )
    await desk.deliver(message(thread_id="t", author="last", text="last", sent_at=moment(2)))
    await desk.deliver(message(thread_id="t", author=OURS, text="An alle", sent_at=moment(4)))
    waiting = [each for state, texts in await everything(desk) for each in texts if state == "open"]
    assert sorted(waiting) == ["first", "last"]
    post = message(thread_id="t", parent_id="q", author=OURS, text="Für q", sent_at=moment(8))
    await desk.deliver(post)
    (late,) = await desk.accepted(
        message(id="q", thread_id="t", author="q", text="q", sent_at=moment(1))
    )
    assert (await desk.detail(late))["state"] == "answered"


async def everything(desk: Desk) -> list[tuple[str, list[str]]]:
    """Each inquiry's state and excerpt, of more than one page."""
    found, cursor = [], None
    while True:
        page = await desk.get("/inquiries", limit=100, **({"cursor": cursor} if cursor else {}))
        found += [(each["state"], [each["excerpt"]]) for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_a_guess_with_two_people_that_was_public_is_parted_by_person(desk: Desk) -> None:
    for name in ("anna", "bert"):
        await desk.accepted(
            message(
                id=name,
                thread_id=...,
                parent_id="root",
                author=name,
                text=name,
                visibility="private",
            )
        )
        desk.clock.advance(MINUTE)
    assert await states(desk) == [("open", ["anna", "bert"])]
    await desk.accepted(message(id="root", thread_id="t", author="carla", text="root"))
    found = sorted(await states(desk))
    assert found == [("open", ["anna"]), ("open", ["bert"]), ("open", ["root"])]
    desk.clock.advance(MINUTE)
    await desk.deliver(message(thread_id="t", parent_id="bert", author=OURS, text="Für Bert"))
    assert ("answered", ["bert"]) in await states(desk)


async def test_a_post_recorded_for_one_person_answers_nobody_else(desk: Desk) -> None:
    async def asks(name: str, sent_at: str) -> str:
        said = message(id=name, thread_id="t", author=name, text=name, sent_at=sent_at)
        (inquiry_id,) = await desk.accepted(said, channel="mastodon")
        return inquiry_id

    anna, carla = await asks("anna", at(desk, 0)), await asks("carla", at(desk, 0))
    desk.clock.advance(2 * MINUTE)
    post = message(id="p", thread_id="t", author=OURS, text="So", sent_at=at(desk, 0))
    await desk.deliver(post, channel="mastodon")
    reply = {"kind": "answer", "text": "So", "external_id": "p"}
    assert (await desk.post(f"/inquiries/{anna}/replies", reply)).status_code == 201
    desk.clock.advance(MINUTE)
    bert = await asks("bert", at(desk, -2))
    shown = [(await desk.detail(each))["state"] for each in (anna, carla, bert)]
    assert shown == ["answered", "open", "open"]


async def test_a_recorded_post_may_be_classified_back_and_forth(desk: Desk) -> None:
    sent = at(desk, 0)
    first = message(id="q", thread_id="t", text="eins", sent_at=sent, visibility="private")
    (inquiry_id,) = await desk.accepted(first, channel="mastodon")
    desk.clock.advance(2 * MINUTE)
    post = message(id="p", thread_id="t", author=OURS, text="So", sent_at=at(desk, 0))
    await desk.deliver(post, channel="mastodon")
    path = f"/inquiries/{inquiry_id}/replies"
    placed = (await desk.post(path, {**ANSWER, "text": "So", "external_id": "p"})).json()
    again = f"{path}/{placed['message_id']}/reclassify"
    for kind, state in (("none", "open"), ("answer", "answered"), ("none", "open")):
        assert (await desk.post(again, {"kind": kind})).json()["state"] == state
    # What counts as nothing answers nothing that comes late.
    late = message(thread_id="t", text="null", sent_at=at(desk, -1), visibility="private")
    (joined,) = await desk.accepted(late, channel="mastodon")
    assert joined == inquiry_id
    assert (await desk.detail(inquiry_id))["state"] == "open"


async def test_what_a_program_of_before_ended_beside_this_one_has_ended(desk: Desk) -> None:
    (inquiry_id,) = await desk.accepted(message(thread_id="t"), channel="email")
    now = desk.clock.now()

    def as_before(tx: Write) -> None:
        tx.execute(update(inquiries).values(state="answered", answered_at=now))
        tx.execute(update(conversations).values(open_inquiry_id=None))
        # It knows nothing of the new columns.
        columns = ("id", "channel", "thread", "contact_id", "created_at")
        made = conversations.insert().values(
            dict(zip(columns, (new_id(), "email", "new", new_id(), now), strict=True))
        )
        tx.execute(made)

    await desk.service.database.write(as_before)
    desk.clock.advance(MINUTE)
    path = f"/inquiries/{inquiry_id}/replies"
    problem(await desk.post(path, {"kind": "holding", "text": "x"}), 409, "inquiry-answered")
    assert (await desk.post(path, ANSWER)).status_code == 201
    assert (await desk.detail(inquiry_id))["answered_at"] == "2026-11-24T12:00:00Z"
    (following,) = await desk.accepted(message(thread_id="t"), channel="email")
    assert following != inquiry_id
    await desk.accepted(message(thread_id="new"), channel="email")


async def test_a_withdrawn_post_takes_nothing_from_what_another_answered(desk: Desk) -> None:
    asked_for: list[str] = []
    for number in range(25):
        (placed,) = await desk.accepted(message(id=f"q{number}", thread_id="t", text=f"{number}"))
        asked_for.append(placed)
        desk.clock.advance(MINUTE)
        if number < 2:
            post = message(id=f"p{number}", parent_id=f"q{number}", thread_id="t", author=OURS)
            await desk.deliver(post)
        else:
            await desk.post(f"/inquiries/{placed}/replies", {"kind": "answer", "text": "So."})
        desk.clock.advance(15 * MINUTE)
    await desk.accepted(message(id="open", thread_id="t", text="offen"))
    shown = (await desk.detail(asked_for[1]))["messages"]
    post_id = next(each["id"] for each in shown if each["external_id"] == "p1")
    await desk.post(f"/inquiries/{asked_for[1]}/replies/{post_id}/reclassify", {"kind": "none"})
    first = await desk.detail(asked_for[0])
    path = f"/inquiries/{asked_for[0]}/messages"
    earlier = await desk.get(path, cursor=first["messages_cursor"])
    thread = [*earlier["items"][::-1], *first["messages"]]
    mine = [m["external_id"] for m in thread if m["inquiry_id"] == asked_for[0]]
    assert (first["state"], mine) == ("answered", ["q0", "p0"])

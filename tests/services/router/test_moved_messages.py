"""Messages that leave their ToDo for another: shown once, in whatever order that is told."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

from shared.events.inquiries import InquiryReceived, MessageAdded
from shared.runtime.ids import new_id
from tests.services.router.desk import Desk, Inquiry, history, record_of
from tests.services.router.test_orders import answered, at, closed

HOUR = timedelta(hours=1)


def moved(
    message: MessageAdded | InquiryReceived,
    source: Inquiry,
    to: Inquiry,
    *,
    opens: bool,
) -> MessageAdded | InquiryReceived:
    kind = InquiryReceived if opens else MessageAdded
    return kind.model_validate(
        {
            **message.model_dump(),
            "inquiry_id": to.inquiry_id,
            "conversation_id": to.conversation_id,
            "moved_from": source.inquiry_id,
        }
    )


def ids(todo: dict[str, Any]) -> list[str]:
    return [each["message_id"] for each in todo["messages"]]


async def test_a_message_that_left_does_not_come_back_with_a_replay(desk: Desk) -> None:
    old = Inquiry(desk.clock.now())
    new = Inquiry(desk.clock.now(), conversation_id=old.conversation_id)
    first, second = old.received(), old.added("Zweite", at=at(old, 1))
    away = moved(second, old, new, opens=True)
    await desk.hears(first, second, away, second)
    for todo, messages in ((old, [first]), (new, [second])):
        found = await desk.todo_of(todo)
        assert ids(found) == [str(each.message_id) for each in messages]
        assert found["message_count"] == 1


async def test_every_order_of_a_move_and_its_original_shows_the_message_once(desk: Desk) -> None:
    now, later = desk.clock.now(), desk.clock.now() + HOUR
    seen_ends = set()
    for order in permutations(range(3)):
        for again in (False, True):
            old = Inquiry(now)
            new = Inquiry(now, conversation_id=old.conversation_id)
            first = old.received("Erste")
            second = old.added("Zweite", at=at(old, 1))
            third = old.added("Dritte", at=at(old, 2))
            # Of both messages that left one opens the new inquiry, the other follows it.
            await desk.hears(first)
            away = [
                (second, now),
                (third, now),
                (moved(second, old, new, opens=True), later),
            ]
            told = [away[number] for number in order] * (2 if again else 1)
            for fact, told_at in told:
                await desk.hears_batch([record_of(fact, told_at=told_at)])
            also = moved(third, old, new, opens=False)
            await desk.hears_batch([record_of(also, told_at=later)])
            for fact, told_at in away[:2]:
                await desk.hears_batch([record_of(fact, told_at=told_at)])
            a, b = await desk.todo_of(old), await desk.todo_of(new)
            seen_ends.add(
                (
                    *(tuple(each["text"] for each in todo["messages"]) for todo in (a, b)),
                    *((todo["message_count"], todo["excerpt"]) for todo in (a, b)),
                )
            )
    assert seen_ends == {(("Erste",), ("Zweite", "Dritte"), (1, "Erste"), (2, "Dritte"))}


async def test_a_message_left_before_its_inquiry_was_heard_of(desk: Desk) -> None:
    """Of two conversations that became one the facts have two keys: any order is possible."""
    older, younger = Inquiry(desk.clock.now()), Inquiry(desk.clock.now() + HOUR)
    first, second = older.received("Erste"), younger.received("Zweite")
    end = closed(younger, 1, reason="duplicate", merged_into=older.inquiry_id)
    await desk.hears(first, moved(second, younger, older, opens=False), second, end)
    a, b = await desk.todo_of(older), await desk.todo_of(younger)
    assert [each["text"] for each in a["messages"]] == ["Erste", "Zweite"]
    assert (b["messages"], b["message_count"], b["excerpt"]) == ([], 0, None)
    assert b["latest_message_at"] is None
    assert [line["what"] for line in b["history"]] == ["created", "message_moved", "closed"]


async def test_a_message_that_comes_back_is_there_again(desk: Desk) -> None:
    """An inquiry was parted, reopened, and then took its message back."""
    now = desk.clock.now()
    old = Inquiry(now)
    new = Inquiry(now, conversation_id=old.conversation_id)
    first, second = old.received("Erste"), old.added("Zweite", at=at(old, 1))
    away, back = moved(second, old, new, opens=True), moved(second, new, old, opens=False)
    told = [(second, now), (away, now + HOUR), (back, now + 2 * HOUR)]
    await desk.hears(first)
    for fact, told_at in [*told, *told]:
        await desk.hears_batch([record_of(fact, told_at=told_at)])
    assert [each["text"] for each in (await desk.todo_of(old))["messages"]] == ["Erste", "Zweite"]
    assert (await desk.todo_of(new))["messages"] == []


async def test_a_message_that_moves_twice_in_one_moment(desk: Desk) -> None:
    old = Inquiry(desk.clock.now())
    middle, last = (Inquiry(old.at, conversation_id=old.conversation_id) for _ in range(2))
    first, second = old.received("Erste"), old.added("Zweite", at=at(old, 1))
    for order in permutations(
        [moved(second, old, middle, opens=True), moved(second, middle, last, opens=True)]
    ):
        await desk.hears(first, second, *order)
        for todo, texts in ((old, ["Erste"]), (middle, []), (last, ["Zweite"])):
            assert [each["text"] for each in (await desk.todo_of(todo))["messages"]] == texts


async def test_messages_out_of_the_order_of_receipt(desk: Desk) -> None:
    """Count and latest are the same for every order, also at one moment, where the id decides."""
    base = Inquiry(desk.clock.now())
    texts = {number: f"Nachricht {number}" for number in range(3)}
    ends = set()
    ids_ = sorted(new_id() for _ in range(3))
    for order in permutations(range(3)):
        inquiry = Inquiry(base.at)
        added = [
            inquiry.added(texts[number], at=base.at + HOUR).model_copy(
                update={"message_id": ids_[number]}
            )
            for number in range(3)
        ]
        await desk.hears(inquiry.received(), *(added[number] for number in order))
        todo = await desk.todo_of(inquiry)
        ends.add((todo["message_count"], todo["excerpt"]))
        answer = await desk.post(f"/todos/{todo['id']}/complete", {"read_until": str(ids_[2])})
        assert answer.status_code == 200, answer.text
    assert ends == {(4, "Nachricht 2")}


async def test_a_message_that_moved_in_is_not_one_after_the_end(desk: Desk) -> None:
    old = Inquiry(desk.clock.now())
    other = Inquiry(desk.clock.now(), conversation_id=old.conversation_id)
    second = old.added("Zweite", at=at(old, 1))
    await desk.hears(old.received(), second, other.received(), answered(other, 2))
    await desk.hears(moved(second, old, other, opens=False))
    assert "message_after_end" not in [what for _, what, _ in history(await desk.todo_of(other))]

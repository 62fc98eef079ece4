"""A message is edited or withdrawn: late, twice, in any order, before it comes, after its end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.store.versions import MOST_KEPT
from services.intake.inquiries.usecases import conversations
from services.intake.inquiries.usecases.terms import remove_words
from services.intake.inquiries.usecases.withdrawals import forget_awaited
from services.intake.inquiries.worker import bring_together
from services.intake.tables import message_versions, withdrawn_messages
from shared.db import Write
from shared.events.inquiries import InquiryClosed, InquiryReceived, MessageEdited, MessageWithdrawn
from shared.policy import known_hashtags, load_policy
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import OWN_ID, STAFF_ID, Desk, message
from tests.services.intake.test_retention import AGE, DAY, removed
from tests.services.intake.test_taking_back import complete, reopen

MINUTE = timedelta(minutes=1)
ASKED = "Wann öffnet die Anmeldung zur Konferenz in Berlin?"
TYPED = "Wann öffnet die Anmeldung zur Konferenz in Berlin??"
OTHER = "Danke, das hat sich erledigt. Aber was kostet die Teilnahme für Studierende?"


def at(minutes: float) -> str:
    return (NOON + minutes * MINUTE).isoformat()


async def says(desk: Desk, text: str, *, id_: str = "m", **fields: Any) -> dict[str, Any]:
    """A message of the thread; the answer's body."""
    said = message(**{"id": id_, "thread_id": "t", "author": "u", "text": text, **fields})
    return await _sent(desk, said, "message.created")


async def edits(desk: Desk, text: str, *, id_: str = "m", **fields: Any) -> dict[str, Any]:
    said = message(**{"id": id_, "thread_id": "t", "author": "u", "text": text, **fields})
    return await _sent(desk, said, "message.edited")


async def withdraws(desk: Desk, id_: str = "m", **fields: Any) -> dict[str, Any]:
    return await _sent(desk, {"id": id_, **fields}, "message.deleted")


async def _sent(desk: Desk, data: Any, type_: str) -> dict[str, Any]:
    answer = await desk.deliver(data, channel="email", type_=type_)
    assert answer.status_code in {200, 202}, answer.text
    desk.clock.advance(MINUTE)
    body: dict[str, Any] = answer.json()
    return body


async def answered(desk: Desk, inquiry_id: str) -> None:
    reply = {"kind": "answer", "text": "Ab Montag."}
    assert (await desk.post(f"/inquiries/{inquiry_id}/replies", reply)).status_code == 201
    desk.clock.advance(MINUTE)


def reasons(body: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in body["ignored_items"]]


async def first(desk: Desk, inquiry_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await desk.detail(inquiry_id))["messages"][0]
    return found


def versions(shown: dict[str, Any]) -> list[str]:
    return [each["text"] for each in shown["earlier_versions"]]


async def facts(desk: Desk, kind: type[Any]) -> list[Any]:
    return [each.data for each in await desk.told() if isinstance(each.data, kind)]


async def test_an_edit_updates_the_message_and_keeps_what_it_said(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    body = await edits(desk, f"{OTHER} #iico2026", subject="Preise", edited_at=at(0.5))
    assert (body["accepted"], body["ignored"], reasons(body)) == (0, 1, ["edited"])
    shown = await desk.detail(inquiry_id)
    (said,) = shown["messages"]
    assert (said["text"], said["subject"]) == (f"{OTHER} #iico2026", "Preise")
    assert datetime.fromisoformat(said["edited_at"]) == NOON + MINUTE / 2
    assert said["earlier_versions"] == [
        {"since": at(0).replace("+00:00", "Z"), "text": ASKED, "subject": None}
    ]
    assert (shown["subject"], shown["excerpt"]) == ("Preise", said["text"])
    assert shown["hashtags"] == [{"tag": "iico", "year": 2026}]
    assert datetime.fromisoformat(shown["received_at"]) == NOON
    (edited,) = await facts(desk, MessageEdited)
    assert (str(edited.inquiry_id), edited.text, edited.subject) == (
        inquiry_id,
        said["text"],
        "Preise",
    )
    assert [use.tag for use in edited.hashtags] == ["iico"]
    assert edited.edited_at == NOON + MINUTE / 2


async def test_the_same_edit_twice_is_one(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    for text in (TYPED, OTHER, TYPED, OTHER):
        body = await edits(desk, text, edited_at=at({TYPED: 1, OTHER: 2}[text]))
        assert reasons(body) == ["edited"]
    shown = await first(desk, inquiry_id)
    assert (shown["text"], versions(shown)) == (OTHER, [TYPED, ASKED])
    assert [each.text for each in await facts(desk, MessageEdited)] == [TYPED, OTHER]


async def test_without_a_time_what_came_before_is_a_repeat(desk: Desk) -> None:
    """And the words that it had at first are no edit, so it may have them again."""
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    for text in (TYPED, OTHER, TYPED, ASKED):
        data = message(id="m", thread_id="t", author="u", text=text)
        body = {"type": "message.edited", "data": data}
        await desk.deliver_raw(json.dumps(body).encode(), channel="email")
        desk.clock.advance(MINUTE)
    shown = await first(desk, inquiry_id)
    assert (shown["text"], versions(shown)) == (ASKED, [OTHER, TYPED, ASKED])


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_of_all_edits_the_latest_counts_in_any_order(
    desk: Desk, order: tuple[int, ...]
) -> None:
    texts = (TYPED, OTHER, f"{OTHER} Bitte!")
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    desk.clock.advance(5 * MINUTE)
    for number in order:
        await edits(desk, texts[number], edited_at=at(1 + number))
    shown = await first(desk, inquiry_id)
    assert (shown["text"], versions(shown)) == (texts[2], [OTHER, TYPED, ASKED])


async def test_an_edit_that_comes_first_is_the_message(desk: Desk) -> None:
    body = await edits(desk, OTHER, sent_at=at(-2), edited_at=at(-1))
    (inquiry_id,) = body["inquiries"]
    assert (body["accepted"], body["ignored"]) == (1, 0)
    later = await says(desk, ASKED, sent_at=at(-2))
    assert (later["accepted"], later["duplicate"], later["inquiries"]) == (0, 1, [inquiry_id])
    older = await edits(desk, TYPED, edited_at=at(-1.5))
    assert reasons(older) == ["edited"]
    shown = await first(desk, inquiry_id)
    assert (shown["text"], versions(shown)) == (OTHER, [TYPED])
    assert await desk.types() == ["inquiry.received"]
    assert await desk.stored() == 1


async def test_an_edit_of_nothing_known_is_never_lost(desk: Desk) -> None:
    data = {"id": "bare", "text": OTHER}
    (inquiry_id,) = (await _sent(desk, data, "message.edited"))["inquiries"]
    assert (await first(desk, inquiry_id))["text"] == OTHER


async def test_an_edit_without_content_changes_nothing(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    assert reasons(await _sent(desk, {"id": "m"}, "message.edited")) == ["empty"]
    assert (await first(desk, inquiry_id))["text"] == ASKED


async def test_only_so_many_versions_are_kept(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    for number in range(MOST_KEPT + 3):
        await edits(desk, f"Frage Nummer {number}")
    kept = versions(await first(desk, inquiry_id))
    assert (len(kept), kept[0], kept[-1]) == (MOST_KEPT, f"Frage Nummer {MOST_KEPT + 1}", ASKED)


# After the end


async def test_typing_after_the_end_is_history(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await answered(desk, inquiry_id)
    assert reasons(await edits(desk, TYPED)) == ["edited"]
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["messages"][0]["text"]) == ("answered", TYPED)
    assert len(await facts(desk, InquiryReceived)) == 1


async def test_other_words_after_the_end_open_an_inquiry(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await answered(desk, inquiry_id)
    body = await edits(desk, OTHER, edited_at=at(1.5))
    (opened,) = body["inquiries"]
    assert (body["accepted"], opened != inquiry_id) == (1, True)
    old, new = await desk.detail(inquiry_id), await desk.detail(opened)
    assert (old["state"], new["state"]) == ("answered", "open")
    assert old["conversation_id"] == new["conversation_id"]
    assert old["contact_id"] == new["contact_id"]
    assert datetime.fromisoformat(new["received_at"]) == NOON + 1.5 * MINUTE
    root, reply, later = new["messages"]
    assert (root["text"], versions(root), later["text"]) == (OTHER, [ASKED], OTHER)
    assert (later["edit_of"], later["inquiry_id"]) == (root["id"], opened)
    assert (root["inquiry_id"], reply["kind"]) == (inquiry_id, "answer")
    received = await facts(desk, InquiryReceived)
    assert [str(each.inquiry_id) for each in received] == [inquiry_id, opened]
    assert received[1].moved_from is None
    # Again, and once more while that one waits: it reads so, and nothing else opens.
    for text, when in ((OTHER, 1.5), (f"{OTHER} Bitte!", 3)):
        assert reasons(await edits(desk, text, edited_at=at(when))) == ["edited"]
    assert (await desk.detail(opened))["excerpt"] == f"{OTHER} Bitte!"
    assert await desk.stored() == 3
    # And after its end the next one.
    await answered(desk, opened)
    (third,) = (await edits(desk, ASKED))["inquiries"]
    assert len({inquiry_id, opened, third}) == 3


async def test_little_by_little_is_more_than_typing_as_well(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await answered(desk, inquiry_id)
    words, opened = ASKED, []
    for number in range(5):
        words = words[: 4 * number] + "xxxx" + words[4 * number + 4 :]
        opened += (await edits(desk, words))["inquiries"]
    assert len(opened) == 1


async def test_an_edit_from_before_the_answer_was_answered(desk: Desk) -> None:
    """Heard late; who answered had these words."""
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    desk.clock.advance(MINUTE)
    await answered(desk, inquiry_id)
    assert reasons(await edits(desk, OTHER, edited_at=at(0.5))) == ["edited"]
    assert (await desk.detail(inquiry_id))["state"] == "answered"
    assert len(await facts(desk, InquiryReceived)) == 1


async def test_an_answer_of_before_the_edit_that_is_heard_after_it(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED, sent_at=at(0)))["inquiries"]
    await edits(desk, OTHER, edited_at=at(0.5))
    post = message(id="p", thread_id="t", author=OWN_ID, text="Ab Montag.", sent_at=at(0.2))
    await _sent(desk, post, "message.created")
    assert (await desk.detail(inquiry_id))["state"] == "answered"
    _, opened = await facts(desk, InquiryReceived)
    assert (opened.text, opened.received_at) == (OTHER, NOON + MINUTE / 2)
    assert (await desk.detail(str(opened.inquiry_id)))["state"] == "open"
    # The same post once more changes nothing.
    await _sent(desk, post, "message.created")
    assert len(await facts(desk, InquiryReceived)) == 2


@pytest.mark.parametrize("order", list(permutations(("message", "edit", "answer"))))
async def test_in_any_order_the_answer_is_to_the_words_of_before(
    desk: Desk, order: tuple[str, ...]
) -> None:
    """Whoever answered at 1 cannot have seen what was written at 2."""
    desk.clock.advance(5 * MINUTE)
    for each in order:
        match each:
            case "message":
                await says(desk, ASKED, sent_at=at(0))
            case "edit":
                await edits(desk, OTHER, sent_at=at(0), edited_at=at(2))
            case _:
                post = message(id="p", thread_id="t", author=OWN_ID, text="Ja.", sent_at=at(1))
                await _sent(desk, post, "message.created")
    listed = (await desk.get("/inquiries", channel="email"))["items"]
    found = sorted((each["state"], each["excerpt"]) for each in listed)
    assert found == [("answered", OTHER), ("open", OTHER)]


async def test_what_joins_an_open_inquiry_opens_none(desk: Desk) -> None:
    (first_one,) = (await says(desk, ASKED))["inquiries"]
    await answered(desk, first_one)
    (second,) = (await says(desk, "Und wo?", id_="n"))["inquiries"]
    assert (await edits(desk, OTHER))["inquiries"] == [second]
    texts = [each["text"] for each in (await desk.detail(second))["messages"]]
    assert texts.count(OTHER) == 2


@pytest.mark.parametrize("heard", ["before", "after"])
@pytest.mark.parametrize("shown", [False, True])
async def test_a_desk_covers_the_edits_that_its_todo_showed(
    desk: Desk, heard: str, shown: bool
) -> None:
    """The edit was there when the ToDo was completed, but the router may not have heard of it."""
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    if heard == "before":
        await edits(desk, OTHER, edited_at=at(0.5))
    until = NOON + MINUTE / 2 if shown else NOON
    await complete(desk, inquiry_id, edits_until=until)
    if heard == "after":
        await edits(desk, OTHER, edited_at=at(0.5))
    received = await facts(desk, InquiryReceived)
    assert [each.text for each in received] == ([ASKED] if shown else [ASKED, OTHER])
    assert (await desk.detail(inquiry_id))["state"] == "answered"


async def test_where_the_end_is_taken_back_both_wait(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await complete(desk, inquiry_id)
    (opened,) = (await edits(desk, OTHER))["inquiries"]
    await reopen(desk, inquiry_id)
    for each in (inquiry_id, opened):
        assert (await desk.detail(each))["state"] == "open"


# Withdrawals


async def test_a_withdrawn_message_ends_its_inquiry(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    for _ in range(2):
        assert reasons(await withdraws(desk, deleted_at=at(0.5))) == ["withdrawn"]
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["reason"]) == ("closed", "withdrawn")
    assert datetime.fromisoformat(shown["closed_at"]) == NOON + MINUTE / 2
    assert (shown["messages"][0]["text"], shown["excerpt"]) == (ASKED, ASKED)
    assert datetime.fromisoformat(shown["messages"][0]["withdrawn_at"]) == NOON + MINUTE / 2
    assert await desk.types() == [
        "inquiry.received", "inquiry.message_withdrawn", "inquiry.closed",
    ]  # fmt: skip
    (closed,) = await facts(desk, InquiryClosed)
    assert (closed.reason, closed.closed_by, closed.merged_into) == ("withdrawn", "intake", None)
    # The customer's next message is a new one.
    assert (await says(desk, OTHER, id_="n"))["inquiries"] != [inquiry_id]


async def test_the_clock_keeps_its_start_while_another_message_waits(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await says(desk, OTHER, id_="n")
    await withdraws(desk)
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], datetime.fromisoformat(shown["received_at"])) == ("open", NOON)
    (gone,) = await facts(desk, MessageWithdrawn)
    assert str(gone.message_id) == shown["messages"][0]["id"]
    await withdraws(desk, "n")
    assert (await desk.detail(inquiry_id))["reason"] == "withdrawn"


@pytest.mark.parametrize("first_of_all", ["answer", "withdrawal"])
async def test_the_earlier_of_answer_and_withdrawal_decides(desk: Desk, first_of_all: str) -> None:
    """Whichever is heard first."""
    (inquiry_id,) = (await says(desk, ASKED, sent_at=at(0)))["inquiries"]
    desk.clock.advance(10 * MINUTE)
    post = message(id="p", thread_id="t", author=OWN_ID, text="Ab Montag.", sent_at=at(2))
    if first_of_all == "answer":
        await _sent(desk, post, "message.created")
        await withdraws(desk, deleted_at=at(1))
    else:
        await withdraws(desk, deleted_at=at(1))
        await _sent(desk, post, "message.created")
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["reason"]) == ("closed", "withdrawn")
    assert datetime.fromisoformat(shown["closed_at"]) == NOON + MINUTE


async def test_what_was_answered_before_stays_answered(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await answered(desk, inquiry_id)
    await withdraws(desk)
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["messages"][0]["withdrawn_at"] is None) == ("answered", False)


async def test_a_reopened_one_goes_on(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await withdraws(desk)
    await reopen(desk, inquiry_id)
    await withdraws(desk)
    assert (await desk.detail(inquiry_id))["state"] == "open"


@pytest.mark.parametrize("channel", ["email", "facebook"])
async def test_one_that_is_withdrawn_before_it_comes_makes_no_inquiry(
    desk: Desk, channel: str
) -> None:
    gone = await desk.deliver({"id": "m"}, channel=channel, type_="message.deleted")
    assert reasons(gone.json()) == ["withdrawn"]
    desk.clock.advance(MINUTE)
    said = message(id="m", thread_id="t", author="u", text=ASKED)
    for again in (False, True):
        body = (await desk.deliver(said, channel=channel)).json()
        assert (body["accepted"], body["duplicate"], body["inquiries"]) == (0, int(again), [])
        assert again or reasons(body) == ["withdrawn"]
    assert await desk.types() == []
    other = message(id="n", thread_id="t", author="u", text=OTHER)
    (inquiry_id,) = await desk.accepted(other, channel=channel)
    shown = (await desk.detail(inquiry_id))["messages"]
    assert [(each["external_id"], each["inquiry_id"]) for each in shown] == [
        ("m", None), ("n", inquiry_id),
    ]  # fmt: skip
    assert shown[0]["withdrawn_at"] is not None


async def test_so_it_is_with_an_edit_and_a_post_of_ours(desk: Desk) -> None:
    await withdraws(desk)
    await withdraws(desk, "p")
    assert reasons(await edits(desk, ASKED)) == ["withdrawn"]
    (inquiry_id,) = (await says(desk, OTHER, id_="n"))["inquiries"]
    await _sent(desk, message(id="p", thread_id="t", author=OWN_ID), "message.created")
    assert (await desk.detail(inquiry_id))["state"] == "open"


async def test_a_withdrawal_is_awaited_for_a_time_only(desk: Desk) -> None:
    await withdraws(desk)
    await desk.service.database.write(forget_awaited, before=desk.clock.now())
    assert (await says(desk, ASKED))["accepted"] == 1


async def test_both_committed_side_by_side_are_brought_together(desk: Desk) -> None:
    await withdraws(desk, "other")
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    changed = withdrawn_messages.update().values(external_id="m")
    await desk.service.database.write(lambda tx: tx.execute(changed))
    await desk.service.database.write(_wait_for_it)
    desk.clock.advance(MINUTE)
    context = WriteContext(known_hashtags(load_policy(None).hashtags), desk.clock.now())
    assert await bring_together(desk.service.database, context) == 1
    assert (await desk.detail(inquiry_id))["reason"] == "withdrawn"


def _wait_for_it(tx: Write) -> None:
    conversations.wait_for(tx, channel="email", external_id="m", now=NOON)


# Staff


async def test_what_staff_write_is_a_personal_view(desk: Desk) -> None:
    """Before, between and after what customers write; it asks nothing and answers nothing."""
    view = message(id="s-1", thread_id="t", author={"id": STAFF_ID, "name": "Ben"}, text="Super!")
    for again in (view, view):
        body = await _sent(desk, again, "message.created")
        assert (body["accepted"], body["duplicate"], reasons(body)) == (0, 0, ["staff"])
    assert await desk.types() == []
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    below = message(id="s-2", parent_id="m", author=STAFF_ID, text="Ich freue mich auch.")
    del below["thread_id"]
    await _sent(desk, below, "message.created")
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["end_count"]) == ("open", 0)
    assert [(each["kind"], each["inquiry_id"]) for each in shown["messages"]] == [
        ("staff", None), ("inbound", inquiry_id), ("staff", None),
    ]  # fmt: skip
    assert shown["messages"][0]["author_name"] == "Ben"
    assert len(await facts(desk, InquiryReceived)) == 1


async def test_a_customer_may_write_under_a_view(desk: Desk) -> None:
    under = message(id="m", parent_id="s-1", author="u", text=ASKED)
    del under["thread_id"]
    (inquiry_id,) = (await _sent(desk, under, "message.created"))["inquiries"]
    view = message(id="s-1", thread_id="t", author=STAFF_ID, text="Super!")
    await _sent(desk, view, "message.created")
    post = message(id="p", parent_id="s-1", author=OWN_ID, text="Danke, Ben.")
    del post["thread_id"]
    await _sent(desk, post, "message.created")
    kinds = [each["kind"] for each in (await desk.detail(inquiry_id))["messages"]]
    assert kinds[:2] == ["inbound", "staff"]


async def test_views_are_edited_and_withdrawn(desk: Desk) -> None:
    view = message(id="s-1", thread_id="t", author=STAFF_ID, text="Super!")
    assert reasons(await _sent(desk, view, "message.edited")) == ["staff"]
    assert reasons(await _sent(desk, {**view, "text": "Na ja."}, "message.edited")) == ["staff"]
    assert reasons(await withdraws(desk, "s-1")) == ["withdrawn"]
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    shown = await first(desk, inquiry_id)
    assert (shown["kind"], shown["text"], versions(shown)) == ("staff", "Na ja.", ["Super!"])
    assert shown["withdrawn_at"] is not None
    assert await desk.types() == ["inquiry.received"]


async def test_a_post_of_ours_is_edited_and_withdrawn(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    post = message(id="p", thread_id="t", author=OWN_ID, text="Ab Montag.")
    for text in ("Ab Montag.", "Ab Dienstag.", "Ab Dienstag."):
        assert reasons(await _sent(desk, {**post, "text": text}, "message.edited")) == ["edited"]
    await withdraws(desk, "p")
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["end_count"]) == ("answered", 1)
    _, ours = shown["messages"]
    assert (ours["kind"], ours["text"], versions(ours)) == (
        "answer", "Ab Dienstag.", ["Ab Montag."],
    )  # fmt: skip
    assert ours["withdrawn_at"] is not None
    assert await facts(desk, MessageEdited) == []


# Removal


async def test_words_that_the_terms_took_come_back_by_a_newer_edit_only(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await edits(desk, TYPED, edited_at=at(1))
    await answered(desk, inquiry_id)
    place = await desk.detail(inquiry_id)
    now = desk.clock.now()
    conversation = UUID(place["conversation_id"])
    write = desk.service.database.write
    assert await write(remove_words, conversation, channel="email", before=now, now=now) == 1
    for text in (ASKED, TYPED):
        assert reasons(await edits(desk, text, edited_at=at(1))) == ["edited"]
    shown = await first(desk, inquiry_id)
    assert (shown["text"], versions(shown)) == ("", [])
    (opened,) = (await edits(desk, OTHER, edited_at=at(5)))["inquiries"]
    shown = await desk.detail(opened)
    assert (shown["excerpt"], shown["words_removed_at"]) == (OTHER, None)
    assert (await desk.detail(inquiry_id))["excerpt"] == ""


async def test_all_of_it_goes_with_its_conversation(desk: Desk) -> None:
    (inquiry_id,) = (await says(desk, ASKED))["inquiries"]
    await edits(desk, TYPED)
    await answered(desk, inquiry_id)
    alone = message(id="s-1", thread_id="other", author=STAFF_ID, text="Super!")
    await _sent(desk, alone, "message.created")
    await withdraws(desk, "gone")
    await says(desk, OTHER, id_="gone", thread_id="third")
    desk.clock.advance(AGE + DAY)
    await removed(desk)
    assert await desk.stored() == 0
    count = select(func.count()).select_from(message_versions)
    assert await desk.service.database.read(lambda tx: tx.execute(count).scalar_one()) == 0
    for told in (await edits(desk, OTHER), await withdraws(desk)):
        assert told["ignored"] == 1
    assert (await says(desk, OTHER, id_="gone", thread_id="third"))["duplicate"] == 1
    assert await desk.stored() == 0

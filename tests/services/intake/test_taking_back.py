"""An end is taken back: as if it had never been, for every inquiry that it had ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from services.intake.inquiries.store import loading
from services.intake.inquiries.usecases.posts import forget
from services.intake.tables import ends, own_posts
from shared.events.inquiries import OwnPostSeen, ReplyWithdrawn
from shared.events.todos import TodoCompleted, TodoDismissed, TodoReopened
from shared.runtime.ids import new_id
from tests.services.intake.desk import Desk, message
from tests.services.intake.test_long_threads import MINUTE, OURS, rounds

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The rules are the same on both databases, and the stories are told to both."""


def _ids(inquiry: dict[str, Any]) -> dict[str, Any]:
    return {
        "todo_id": new_id(),
        "inquiry_id": UUID(inquiry["id"]),
        "conversation_id": UUID(inquiry["conversation_id"]),
    }


async def complete(desk: Desk, inquiry_id: str, **fields: Any) -> None:
    ids = _ids(await desk.detail(inquiry_id))
    ended = TodoCompleted(**ids, completed_at=desk.clock.now(), completed_by="Anna", **fields)
    await desk.hears(ended)
    desk.clock.advance(MINUTE)


async def reopen(desk: Desk, inquiry_id: str) -> None:
    ids = _ids(await desk.detail(inquiry_id))
    now = desk.clock.now()
    await desk.hears(
        TodoReopened(**ids, desk="inbound", reason="x", reopened_at=now, reopened_by="Anna")
    )
    desk.clock.advance(MINUTE)


async def post_id(desk: Desk, external_id: str) -> UUID:
    query = select(own_posts.c.id).where(own_posts.c.external_id == external_id)
    found: UUID = await desk.service.database.read(lambda tx: tx.execute(query).scalar_one())
    return found


async def classify(desk: Desk, inquiry_id: str, post: str, kind: str) -> httpx.Response:
    path = f"/inquiries/{inquiry_id}/replies/{await post_id(desk, post)}/reclassify"
    answer = await desk.post(path, {"kind": kind})
    desk.clock.advance(MINUTE)
    return answer


async def two_open(desk: Desk, channel: str) -> tuple[str, str]:
    """Two inquiries of one person in one private thread."""
    (first,) = await said(desk, "a", channel=channel)
    await complete(desk, first)
    (second,) = await said(desk, "b", channel=channel)
    await reopen(desk, first)
    assert await states(desk, first, second) == ["open", "open"]
    return first, second


async def said(desk: Desk, name: str, *, author: str = "u", channel: str = "email") -> list[str]:
    private = message(id=name, thread_id="t", author=author, text=name, visibility="private")
    found = await desk.accepted(private, channel=channel)
    desk.clock.advance(MINUTE)
    return found


async def posted(desk: Desk, name: str, *, channel: str = "email", **fields: Any) -> None:
    item = message(id=name, thread_id="t", author=OURS, text=name, **fields)
    await desk.deliver(item, channel=channel)
    desk.clock.advance(MINUTE)


async def states(desk: Desk, *inquiry_ids: str) -> list[str]:
    return [(await desk.detail(each))["state"] for each in inquiry_ids]


async def answered_at(desk: Desk, inquiry_id: str) -> str:
    return str((await desk.detail(inquiry_id))["answered_at"])


@pytest.mark.parametrize("how", ["classified", "recorded"])
async def test_what_a_person_said_of_one_inquiry_ends_no_other(desk: Desk, how: str) -> None:
    first, second = await two_open(desk, "mastodon")
    await posted(desk, "p", parent_id="b", channel="mastodon")
    if how == "classified":
        await classify(desk, second, "p", "answer")
    else:
        reply = {"kind": "answer", "text": "p", "external_id": "p"}
        await desk.post(f"/inquiries/{second}/replies", reply)
    await complete(desk, first)
    await reopen(desk, first)
    assert await states(desk, first, second) == ["open", "answered"]
    # And nothing that is said of the first changes the second.
    await classify(desk, first, "p", "none")
    assert await states(desk, first, second) == ["open", "answered"]
    await classify(desk, first, "p", "answer")
    assert await states(desk, first, second) == ["answered", "answered"]


async def test_none_is_told_wherever_a_person_was_asked(desk: Desk) -> None:
    both = await two_open(desk, "mastodon")
    await posted(desk, "p", parent_id="b", channel="mastodon")
    for each in both:
        assert (await classify(desk, each, "p", "none")).status_code == 200
    told = [envelope.data for envelope in await desk.told()]
    settled = {str(each.inquiry_id) for each in told if isinstance(each, ReplyWithdrawn)}
    assert settled == set(both)


async def test_what_was_none_may_be_an_answer_of_each(desk: Desk) -> None:
    first, second = await two_open(desk, "email")
    await posted(desk, "p", parent_id="b")
    assert await states(desk, first, second) == ["answered", "answered"]
    await classify(desk, second, "p", "none")
    assert await states(desk, first, second) == ["open", "open"]
    for each in (second, first):
        await classify(desk, each, "p", "answer")
    assert await states(desk, first, second) == ["answered", "answered"]


async def test_none_said_at_somebody_elses_inquiry_takes_the_answer_back(desk: Desk) -> None:
    (yours,) = await desk.accepted(message(id="y", thread_id="t", author="yvonne"))
    await desk.deliver(message(id="p", thread_id="t", author=OURS))
    assert await states(desk, yours) == ["answered"]
    (other,) = await desk.accepted(message(id="x", thread_id="t", author="xaver"))
    await classify(desk, other, "p", "none")
    assert await states(desk, yours, other) == ["open", "open"]


async def test_a_message_that_two_ends_uncover_is_told_as_moved_once(desk: Desk) -> None:
    await two_open(desk, "email")
    noon = desk.clock.now()
    desk.clock.advance(10 * MINUTE)
    late = message(id="c", thread_id="t", author="u", sent_at=(noon + 5 * MINUTE).isoformat())
    await desk.accepted(late, channel="email")
    before = len(await desk.told())
    desk.clock.advance(MINUTE)
    await posted(desk, "p", parent_id="b", sent_at=(noon + 2 * MINUTE).isoformat())
    told = [each.data.TYPE for each in (await desk.told())[before:]]
    assert sorted(told) == ["inquiry.answered", "inquiry.answered", "inquiry.received"]


async def test_what_is_split_off_keeps_its_earlier_answer(desk: Desk) -> None:
    (inquiry_id,) = await said(desk, "b1", author="bert")
    await said(desk, "a1", author="anna")
    await posted(desk, "unnamed")
    early = desk.clock.now()
    await posted(desk, "early", parent_id="a1")
    await classify(desk, inquiry_id, "unnamed", "none")
    await said(desk, "a2", author="anna")
    await posted(desk, "late", parent_id="a2")
    shown = (await desk.detail(inquiry_id))["messages"]
    (other,) = {each["inquiry_id"] for each in shown if each["external_id"] == "a1"}
    assert other != inquiry_id
    assert datetime.fromisoformat(await answered_at(desk, other)) == early


async def test_a_long_conversation_loses_an_end_everywhere(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MOST", 5)
    monkeypatch.setattr(loading, "MOST_BEFORE", 2)
    asked_for = await rounds(desk, 10)
    for number in (0, 1, 4):
        await classify(desk, asked_for[number], f"p{number}", "none")
    taken_back = await post_id(desk, "p4")
    query = select(ends).where(ends.c.id == taken_back, ends.c.taken_back.is_(False))
    assert await desk.service.database.read(lambda tx: tx.rows(query)) == []


async def test_the_next_answer_is_found_behind_those_of_earlier_questions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MOST", 4)
    monkeypatch.setattr(loading, "MOST_BEFORE", 2)
    for number in range(2):
        await said(desk, f"e{number}")
        for again in range(4):
            await posted(desk, f"e{number}-{again}", parent_id=f"e{number}")
    first, second, *_ = await rounds(desk, 8)
    told = len(await desk.told())
    await classify(desk, first, "p0", "none")
    assert await answered_at(desk, first) == await answered_at(desk, second)
    # One end is taken back, one decides now: not all that came after it.
    assert len(await desk.told()) == told + 2


async def test_a_post_under_an_old_question_is_shown_with_it(desk: Desk) -> None:
    (oldest,) = await said(desk, "a", author="anna")
    await complete(desk, oldest)
    asked_for = await rounds(desk, 22)
    for parent, inquiry_id in (("a", oldest), ("q0", asked_for[0])):
        await posted(desk, f"late-{parent}", parent_id=parent)
        shown = (await desk.detail(inquiry_id))["ends"]
        assert str(await post_id(desk, f"late-{parent}")) in [each["id"] for each in shown]
        assert len(shown) == 2


async def test_a_second_post_under_a_question_that_came_late_is_kept(desk: Desk) -> None:
    noon = desk.clock.now()
    desk.clock.advance(timedelta(minutes=4, seconds=30))
    await posted(desk, "p1", parent_id="q", sent_at=(noon + 4 * MINUTE).isoformat())
    desk.clock.advance(5 * MINUTE)
    asked = message(id="q", thread_id="t", author="u", sent_at=noon.isoformat())
    (inquiry_id,) = await desk.accepted(asked, channel="email")
    desk.clock.advance(10 * MINUTE)
    await posted(desk, "p2", parent_id="q", sent_at=(noon + 5 * MINUTE).isoformat())
    shown = await desk.detail(inquiry_id)
    assert shown["answered_at"] == "2026-11-24T12:04:00Z"
    assert [each["external_id"] for each in shown["messages"]][-1] == "p2"
    assert len(shown["ends"]) == 2
    assert await desk.service.database.write(forget, before=desk.clock.now()) == 0


async def test_a_post_that_nobody_classified_asks_again_after_a_reopening(desk: Desk) -> None:
    (inquiry_id,) = await said(desk, "a", channel="mastodon")
    await complete(desk, inquiry_id)
    await posted(desk, "p", parent_id="a", channel="mastodon")
    assert "inquiry.own_post_seen" not in await desk.types()
    await reopen(desk, inquiry_id)
    shown = await desk.detail(inquiry_id)
    assert (shown["state"], shown["messages"][-1]["external_id"]) == ("open", "p")
    assert (await desk.types())[-1] == "inquiry.own_post_seen"


async def test_a_merge_keeps_the_question(desk: Desk) -> None:
    (older,) = await said(desk, "a", channel="mastodon")
    early = message(
        id="c", thread_id=..., parent_id="b", author="u", text="c", visibility="private"
    )
    (younger,) = await desk.accepted(early, channel="mastodon")
    desk.clock.advance(MINUTE)
    under = message(id="p", parent_id="c", thread_id=..., author=OURS)
    await desk.deliver(under, channel="mastodon")
    await said(desk, "b", channel="mastodon")
    assert (await desk.detail(younger))["merged_into"] == older
    told = [envelope.data for envelope in await desk.told()]
    asked = [str(each.inquiry_id) for each in told if isinstance(each, OwnPostSeen)]
    assert asked == [younger, older]


async def test_at_one_moment_an_answer_comes_before_a_dismissal(desk: Desk) -> None:
    (first,) = await said(desk, "a")
    moment = desk.clock.now()
    dismissed = TodoDismissed(
        **_ids(await desk.detail(first)), dismissed_at=moment, dismissed_by="Anna", reason="spam"
    )
    await desk.hears(dismissed)
    desk.clock.advance(MINUTE)
    sent_at = (moment - timedelta(seconds=20)).isoformat()
    await desk.accepted(
        message(id="b", thread_id="t", author="u", sent_at=sent_at), channel="email"
    )
    await posted(desk, "p", parent_id="b", sent_at=moment.isoformat())
    assert await states(desk, first) == ["answered"]

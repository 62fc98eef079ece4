"""What happens to an inquiry, and what the desk is told about its clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.runtime.ids import new_id
from tests.services.sla.desk import Inquiry, SlaBench, berlin, utc


async def test_a_promised_inquiry_gets_a_clock(bench: SlaBench) -> None:
    inquiry = Inquiry(received_at=berlin("2026-03-02 10:00"))
    await bench.hears(inquiry.received())
    (started,) = await bench.published(inquiry.id)
    assert started["type"] == "deadline.started"
    assert started["due_at"] == utc(berlin("2026-03-03 10:00"))
    assert started["at"] == utc(berlin("2026-03-02 10:00"))
    assert (started["state"], started["target"]) == ("running", "first_answer")
    assert (started["channel"], started["promise"]) == ("email", "answer")
    assert started["conversation_id"] == str(inquiry.conversation_id)
    row = await bench.row(inquiry.id)
    assert row["received_week"] == "2026-W10"
    # 75 % of eight opening hours: Monday 16:00.
    assert row["next_action_at"] == berlin("2026-03-02 16:00")


async def test_a_repeated_inquiry_starts_nothing_again(bench: SlaBench) -> None:
    inquiry = Inquiry()
    received = inquiry.received()
    await bench.hears(received, received)
    assert await bench.story(inquiry.id) == ["started"]
    assert await bench.fact_kinds(inquiry.id) == ["started"]


async def test_an_answer_in_time_meets_the_promise(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.answered(berlin("2026-03-02 12:00")))
    met = (await bench.published(inquiry.id))[-1]
    assert (met["type"], met["state"]) == ("deadline.met", "met")
    assert met["at"] == utc(berlin("2026-03-02 12:00"))
    row = await bench.row(inquiry.id)
    assert (row["state"], row["next_action_at"]) == ("met", None)
    assert (row["answer_business_seconds"], row["answer_wall_seconds"]) == (7200, 7200)


async def test_an_answer_that_is_published_again_with_its_words_changes_nothing(
    bench: SlaBench,
) -> None:
    inquiry, at = Inquiry(), berlin("2026-03-02 12:00")
    answer = inquiry.answered(at)
    await bench.hears(inquiry.received(), answer)
    before = await bench.row(inquiry.id), await bench.published(inquiry.id)
    bench.clock.set(berlin("2026-03-04 12:00"))
    shown = await bench.get(f"/deadlines/{inquiry.id}")
    await bench.hears(answer.model_copy(update={"text": "Ab Montag."}))
    assert (await bench.row(inquiry.id), await bench.published(inquiry.id)) == before
    assert await bench.get(f"/deadlines/{inquiry.id}") == shown


async def test_a_late_answer_is_a_breach_although_no_job_ran(bench: SlaBench) -> None:
    inquiry = Inquiry()
    bench.clock.set(berlin("2026-03-03 12:00"))
    await bench.hears(inquiry.received(), inquiry.answered(berlin("2026-03-03 11:00")))
    # An earlier answer may be on its way: the timers tell it, once it cannot come any more.
    assert await bench.story(inquiry.id) == ["started"]
    assert (await bench.row(inquiry.id))["state"] == "met_late"
    assert await bench.tick() > 0
    started, breached, met = await bench.published(inquiry.id)
    assert started["type"] == "deadline.started"
    assert (breached["type"], breached["state"]) == ("deadline.breached", "breached")
    assert (met["type"], met["state"]) == ("deadline.met", "met_late")
    assert await bench.tick() == 0


async def test_an_answer_in_time_is_kept_although_the_job_ran_late(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-04 12:00"))
    await bench.hears(inquiry.answered(berlin("2026-03-03 10:00")))
    await bench.tick()
    assert await bench.story(inquiry.id) == ["started", "met"]
    assert (await bench.row(inquiry.id))["breached_at"] is None


async def test_an_overdue_clock_is_told_by_the_timers_only(bench: SlaBench) -> None:
    """The answer may still wait on the bus when the inquiry is handled."""
    inquiry = Inquiry()
    bench.clock.set(berlin("2026-03-05 12:00"))
    await bench.hears(inquiry.received())
    assert await bench.story(inquiry.id) == ["started"]
    await bench.hears(inquiry.answered(berlin("2026-03-03 09:00")))
    assert await bench.tick() == 0
    assert await bench.story(inquiry.id) == ["started", "met"]


async def test_a_holding_reply_opens_the_follow_up(bench: SlaBench) -> None:
    inquiry = Inquiry()
    follow_up = berlin("2026-03-05 12:00")
    await bench.hears(inquiry.received(), inquiry.held(berlin("2026-03-02 11:00"), follow_up))
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["type"], moved["cause"]) == ("deadline.moved", "held")
    assert (moved["target"], moved["state"]) == ("follow_up", "running")
    assert moved["due_at"] == utc(follow_up)
    bench.clock.set(berlin("2026-03-05 11:59"))
    await bench.hears(inquiry.answered(berlin("2026-03-05 11:58")))
    assert (await bench.published(inquiry.id))[-1]["state"] == "met"


async def test_a_holding_reply_that_names_no_moment_is_followed_up_as_promised(
    bench: SlaBench,
) -> None:
    inquiry, silent, unknown = Inquiry(), Inquiry(channel="youtube"), Inquiry()
    at = berlin("2026-03-06 16:00")
    await bench.hears(inquiry.received(), silent.received())
    bench.clock.set(at)
    await bench.hears(inquiry.held(at, None), silent.held(at, None))
    # One that is heard before its inquiry is kept until that comes.
    await bench.hears(unknown.held(at, None), unknown.received())
    for each in (inquiry, unknown):
        row = await bench.row(each.id)
        # The shipped promise: 24 hours on working days, from the holding reply.
        assert (row["target"], row["due_at"]) == ("follow_up", berlin("2026-03-09 16:00"))
    assert await bench.published(silent.id) == []


async def test_a_late_holding_reply_is_a_breach(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-03 12:00"))
    await bench.hears(inquiry.held(berlin("2026-03-03 11:00"), berlin("2026-03-05 12:00")))
    assert await bench.story(inquiry.id) == ["started"]
    await bench.tick()
    story = ["started", "breached", "moved"]
    assert [each for each in await bench.story(inquiry.id) if each != "warning"] == story
    assert (await bench.published(inquiry.id))[-1]["cause"] == "held"
    breached = (await bench.published(inquiry.id))[1]
    assert (breached["target"], breached["due_at"]) == (
        "first_answer",
        utc(berlin("2026-03-03 10:00")),
    )


async def test_closing_and_dismissing_cancel_with_their_reason(bench: SlaBench) -> None:
    closed, dismissed = Inquiry(), Inquiry()
    at = berlin("2026-03-02 11:00")
    await bench.hears(closed.received(), closed.closed(at, "withdrawn"))
    await bench.hears(dismissed.received(), dismissed.dismissed(at, "netiquette"))
    for inquiry, reason in ((closed, "withdrawn"), (dismissed, "netiquette")):
        cancelled = (await bench.published(inquiry.id))[-1]
        assert (cancelled["type"], cancelled["reason"]) == ("deadline.cancelled", reason)
        row = await bench.row(inquiry.id)
        assert (row["state"], row["cancel_reason"]) == ("cancelled", reason)
        assert row["next_action_at"] is None


async def test_the_customer_resumes_a_paused_clock(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 12:00"))
    answer = await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "needs a log file"})
    assert answer.status_code == 200
    bench.clock.set(berlin("2026-03-04 12:00"))
    await bench.hears(inquiry.message_added(berlin("2026-03-04 11:00")))
    story = await bench.published(inquiry.id)
    assert [each.get("cause") for each in story] == [None, "paused", "resumed"]
    # 22 of 24 working-day hours were left on Monday at noon.
    assert story[-1]["due_at"] == utc(berlin("2026-03-05 09:00"))
    assert (await bench.row(inquiry.id))["state"] == "running"


async def test_a_message_to_a_running_clock_changes_nothing(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received(), inquiry.message_added(berlin("2026-03-02 11:00")))
    assert await bench.story(inquiry.id) == ["started"]
    assert await bench.fact_kinds(inquiry.id) == ["started"]


async def test_a_pause_ends_at_its_bound(bench: SlaBench) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 12:00"))
    await bench.post(
        f"deadlines/{inquiry.id}/pause",
        {"reason": "asked back", "until": berlin("2026-03-03 12:00").isoformat()},
    )
    bench.clock.set(berlin("2026-03-03 12:00"))
    await bench.tick()
    moved = (await bench.published(inquiry.id))[-1]
    assert (moved["cause"], moved["state"]) == ("resumed", "running")
    assert moved["at"] == utc(berlin("2026-03-03 12:00"))
    await bench.tick()
    assert await bench.story(inquiry.id) == ["started", "moved", "moved"]


async def test_best_effort_has_no_clock_but_its_end_is_known(bench: SlaBench) -> None:
    answered, closed, open_ = (Inquiry(channel="youtube") for _ in range(3))
    await bench.hears_together(*[each.received() for each in (answered, closed, open_)])
    await bench.hears(
        answered.answered(berlin("2026-03-02 12:00")),
        closed.closed(berlin("2026-03-02 13:00"), "spam"),
    )
    assert await bench.published() == []
    assert (await bench.row(answered.id))["answered_at"] == berlin("2026-03-02 12:00")
    assert (await bench.row(closed.id))["cancel_reason"] == "spam"
    assert {(await bench.row(each.id))["state"] for each in (answered, open_)} == {"best_effort"}
    bench.clock.advance(timedelta(days=30))
    assert await bench.tick() == 0


async def test_a_batch_of_inquiries_starts_every_clock(bench: SlaBench) -> None:
    inquiries = [Inquiry(channel=("email", "youtube", "x")[n % 3]) for n in range(200)]
    await bench.hears_together(*[each.received() for each in inquiries])
    started = [each for each in inquiries if each.channel != "youtube"]
    assert {each["inquiry_id"] for each in await bench.published()} == {
        str(each.id) for each in started
    }


async def test_a_breach_that_was_told_is_not_paused_away_by_a_clock_that_is_behind(
    bench: SlaBench,
) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-03 10:00:01"))
    await bench.tick()
    bench.clock.set(berlin("2026-03-03 09:59:59"))
    answer = await bench.post(f"deadlines/{inquiry.id}/pause", {"reason": "asked"})
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:inbound-desk:problem:clock-not-running",
    )
    assert await bench.story(inquiry.id) == ["started", "breached"]


async def test_what_is_overdue_after_a_pause_shows_so_before_the_timers_look(
    bench: SlaBench,
) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-02 12:00"))
    until = {"reason": "asked", "until": "2026-03-02T13:00:00+01:00"}
    await bench.post(f"deadlines/{inquiry.id}/pause", until)
    bench.clock.set(berlin("2026-03-03 11:00:01"))
    for state, count in (("breached", 1), ("paused", 0), ("running", 0)):
        assert len((await bench.get("deadlines", state=state))["items"]) == count
    (shown,) = (await bench.get("deadlines"))["items"]
    detail = await bench.get(f"deadlines/{inquiry.id}")
    assert shown["state"] == detail["state"] == "breached"
    assert shown["breached_at"] == detail["breached_at"] == utc(berlin("2026-03-03 11:00"))
    span = {"from": "2026-03-01T00:00:00+01:00", "to": "2026-04-01T00:00:00+02:00"}
    (line,) = (await bench.get("reports/promise", **span))["lines"]
    assert (line["breached"], line["open"], line["missed"]) == (1, 0, 1)


async def test_a_todo_completed_by_hand_is_an_answer(bench: SlaBench) -> None:
    called, late, silent = Inquiry(), Inquiry(), Inquiry(channel="youtube")
    at = berlin("2026-03-03 09:00")
    await bench.hears_together(*[each.received() for each in (called, late, silent)])
    await bench.hears(called.completed(at), silent.completed(at))
    bench.clock.set(berlin("2026-03-03 11:00"))
    await bench.tick()
    await bench.hears(late.completed(bench.clock.now()))
    assert await bench.story(called.id) == ["started", "met"]
    assert await bench.story(late.id) == ["started", "breached", "met"]
    assert (await bench.row(called.id))["answered_at"] == at
    assert (await bench.row(late.id))["state"] == "met_late"
    assert (await bench.row(silent.id))["answered_at"] == at


@pytest.mark.parametrize("answered_first", [True, False])
async def test_a_completion_by_hand_before_the_answer_counts_whichever_is_heard_first(
    bench: SlaBench, *, answered_first: bool
) -> None:
    inquiry = Inquiry()
    await bench.hears(inquiry.received())
    bench.clock.set(berlin("2026-03-03 10:06"))
    told = [
        inquiry.answered(berlin("2026-03-03 10:05")),
        inquiry.completed(berlin("2026-03-03 09:59")),
    ]
    await bench.hears(*(told if answered_first else reversed(told)))
    row = await bench.row(inquiry.id)
    assert (row["state"], row["answered_at"]) == ("met", berlin("2026-03-03 09:59"))


async def test_the_completion_by_an_answer_changes_nothing(bench: SlaBench) -> None:
    """It says nothing that the answer has not said, and must not outlive it."""
    one, other, spam = Inquiry(), Inquiry(), Inquiry()
    at, reply = berlin("2026-03-02 11:00"), new_id()
    await bench.hears_together(*[each.received() for each in (one, other, spam)])
    await bench.hears(
        *(one.answered(at, reply), one.completed(at, reply)),
        *(other.completed(at, reply), other.answered(at, reply)),
        *(spam.dismissed(at), spam.completed(at + timedelta(minutes=1))),
    )
    assert await bench.story(one.id) == await bench.story(other.id) == ["started", "met"]
    for each in (one, other):
        assert await bench.fact_kinds(each.id) == ["started", "answered"]
    assert await bench.story(spam.id) == ["started", "cancelled"]
    shown = await bench.get(f"deadlines/{other.id}")
    assert [each["fact"] for each in shown["history"]] == ["started", "answered", "met"]

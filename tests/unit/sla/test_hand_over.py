"""The hand-over to the technical desk, beside the answer."""

from datetime import datetime, timedelta

import pytest

from services.sla.businesstime.counting import Counting
from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Paused,
    ResumeCause,
    Resumed,
    TakenOver,
)
from services.sla.clocks.notices import NoticeKind
from services.sla.clocks.target import Phase, Target
from services.sla.promises.promise import BeforeEnd, Promise, SpentShare
from tests.unit.sla.builders import (
    DAY,
    HOUR,
    at,
    berlin,
    clock_explanations,
    evolve,
    local,
    move,
    pending_notices,
    start,
)

MONDAY = "2026-03-02"
PROMISE = Promise("public", DAY, Counting.OPENING_HOURS, hand_over=2 * HOUR)
BEGUN = start(PROMISE, berlin(), at(f"{MONDAY} 10:00"))


def to(desk: str, when: str) -> Assigned:
    return Assigned(at(when), desk)


def _whole(events: list[ClockEvent]) -> list[ClockEvent]:
    return [BEGUN, *events]


def hand_over(events: list[ClockEvent], when: str) -> Target:
    target = evolve([BEGUN, *events], at(when)).hand_over
    assert target is not None
    return target


def test_it_is_owed_when_the_technical_desk_has_the_inquiry_and_counts_from_the_receipt() -> None:
    events: list[ClockEvent] = [to("technical", f"{MONDAY} 11:30")]
    assert hand_over(events, f"{MONDAY} 11:00").phase is Phase.NOT_STARTED
    target = hand_over(events, f"{MONDAY} 11:30")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 12:00")
    assert target.remaining == timedelta(minutes=30)
    assert (
        hand_over([to("inbound", f"{MONDAY} 11:30")], f"{MONDAY} 18:00").phase is Phase.NOT_STARTED
    )


def test_a_promise_without_it_has_none() -> None:
    begun = start(Promise("public", DAY), berlin(), at(f"{MONDAY} 10:00"))
    clock = evolve([begun, to("technical", f"{MONDAY} 10:01")], at(f"{MONDAY} 18:00"))
    assert clock.hand_over is None
    assert clock.shown == clock.targets


@pytest.mark.parametrize(
    ("taken", "phase"),
    [("11:59", Phase.MET), ("12:00", Phase.MET), ("12:01", Phase.MET_LATE)],
)
def test_who_takes_it_over_meets_it(taken: str, phase: Phase) -> None:
    events: list[ClockEvent] = [
        to("technical", f"{MONDAY} 10:01"),
        TakenOver(at(f"{MONDAY} {taken}")),
    ]
    assert hand_over(events, f"{MONDAY} 18:00").phase is phase
    events += [to("inbound", f"{MONDAY} 13:00"), to("technical", f"{MONDAY} 14:00")]
    assert hand_over(events, f"{MONDAY} 18:00").phase is phase


def test_the_answer_is_untouched_by_it_and_ends_it() -> None:
    events: list[ClockEvent] = [to("technical", f"{MONDAY} 10:01")]
    clock = evolve([BEGUN, *events], at(f"{MONDAY} 13:00"))
    assert (clock.phase, clock.breached_at) == (Phase.RUNNING, None)
    assert [each.phase for each in clock.shown] == [Phase.RUNNING, Phase.BREACHED]
    events.append(Answered(at(f"{MONDAY} 14:00")))
    clock = evolve([BEGUN, *events], at(f"{MONDAY} 15:00"))
    assert [each.phase for each in clock.shown] == [Phase.MET, Phase.MET_LATE]
    cancelled = Cancelled(at(f"{MONDAY} 11:00"), CancelReason.SPAM)
    assert hand_over([to("technical", f"{MONDAY} 10:01"), cancelled], f"{MONDAY} 15:00").phase is (
        Phase.CANCELLED
    )


def test_a_holding_reply_hands_nothing_over() -> None:
    held = Held(at(f"{MONDAY} 10:30"), at("2026-03-05 12:00"))
    target = hand_over([to("technical", f"{MONDAY} 10:01"), held], f"{MONDAY} 11:00")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 12:00")


def test_it_stands_still_with_the_clock_also_before_it_is_owed() -> None:
    paused = Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00"))
    resumed = Resumed(at(f"{MONDAY} 15:00"), ResumeCause.PERSON)
    events: list[ClockEvent] = [paused, to("technical", f"{MONDAY} 12:30")]
    assert hand_over(events, f"{MONDAY} 13:00").phase is Phase.PAUSED
    target = hand_over([*events, resumed], f"{MONDAY} 15:30")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 16:00")


def test_a_holding_reply_during_a_pause_lets_both_run_again() -> None:
    events: list[ClockEvent] = [
        to("technical", f"{MONDAY} 10:01"),
        Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00")),
        Held(at(f"{MONDAY} 13:00"), at("2026-03-05 12:00")),
    ]
    target = hand_over(events, f"{MONDAY} 13:30")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 14:00")


def test_what_comes_late_is_breached_when_it_comes_and_once() -> None:
    events: list[ClockEvent] = [to("technical", f"{MONDAY} 14:00")]
    target = hand_over(events, f"{MONDAY} 14:00")
    assert (target.phase, target.breached_at) == (Phase.BREACHED, at(f"{MONDAY} 14:00"))
    events.append(to("inbound", f"{MONDAY} 15:00"))
    left = hand_over(events, f"{MONDAY} 15:30")
    assert (left.phase, left.ended_at) == (Phase.CANCELLED, at(f"{MONDAY} 15:00"))
    assert left.breached_at == target.breached_at
    events.append(to("technical", f"{MONDAY} 16:00"))
    back = hand_over(events, f"{MONDAY} 16:30")
    assert (back.phase, back.breached_at) == (Phase.BREACHED, target.breached_at)
    breaches = [
        notice
        for notice in pending_notices(_whole(events), at(f"{MONDAY} 16:30")).due
        if notice.key.kind is NoticeKind.BREACH
    ]
    assert [(each.key.target, each.at) for each in breaches] == [("0", at(f"{MONDAY} 14:00"))]


def test_what_leaves_in_time_is_no_breach() -> None:
    events: list[ClockEvent] = [
        to("technical", f"{MONDAY} 10:30"),
        to("inbound", f"{MONDAY} 11:00"),
    ]
    left = hand_over(events, "2026-03-03 12:00")
    assert (left.phase, left.breached_at, left.remaining) == (Phase.CANCELLED, None, timedelta(0))
    assert not pending_notices(_whole(events), at(f"{MONDAY} 12:30")).due


def test_its_warnings_are_those_of_the_promise_that_fit() -> None:
    hour = Promise("public", DAY, Counting.OPENING_HOURS, hand_over=HOUR)
    assert hour.warnings == (SpentShare(0.75), BeforeEnd(HOUR))
    begun = start(hour, berlin(), at(f"{MONDAY} 10:00"))
    events: list[ClockEvent] = [begun, to("technical", f"{MONDAY} 10:05")]
    owed = pending_notices(events, at(f"{MONDAY} 10:06"))
    assert (owed.due, owed.next_action_at) == ((), at(f"{MONDAY} 10:45"))
    (notice,) = pending_notices(events, at(f"{MONDAY} 10:45")).due
    assert (notice.key.level, notice.key.target, notice.due_at) == (
        "75%",
        "0",
        at(f"{MONDAY} 11:00"),
    )


def moved(events: list[ClockEvent], promise: Promise | None, when: str) -> list[ClockEvent]:
    event = move([BEGUN, *events], promise or PROMISE, calendar=berlin(), at=at(when))
    assert event is not None
    return [*events, event]


def test_a_new_policy_moves_drops_and_brings_it() -> None:
    events = moved(
        [to("technical", f"{MONDAY} 10:01")],
        Promise("public", DAY, Counting.OPENING_HOURS, hand_over=4 * HOUR),
        f"{MONDAY} 11:00",
    )
    assert local(hand_over(events, f"{MONDAY} 13:00").due_at) == "Mon 2026-03-02 14:00"
    assert hand_over(events, f"{MONDAY} 13:00").phase is Phase.RUNNING
    events = moved(events, Promise("public", DAY, Counting.OPENING_HOURS), f"{MONDAY} 13:30")
    assert hand_over(events, f"{MONDAY} 15:00").phase is Phase.CANCELLED
    events = moved(events, PROMISE, f"{MONDAY} 15:30")
    back = hand_over(events, f"{MONDAY} 16:00")
    assert (back.phase, back.breached_at) == (Phase.BREACHED, at(f"{MONDAY} 15:30"))


def test_a_policy_that_brings_it_finds_what_was_taken_over_before() -> None:
    plain = start(Promise("public", DAY), berlin(), at(f"{MONDAY} 10:00"))
    events: list[ClockEvent] = [plain, TakenOver(at(f"{MONDAY} 11:00"))]
    event = move(events, PROMISE, calendar=berlin(), at=at(f"{MONDAY} 13:00"))
    assert event is not None
    events += [event, to("technical", f"{MONDAY} 13:00")]
    clock = evolve(events, at(f"{MONDAY} 18:00"))
    assert clock.hand_over is not None
    assert clock.hand_over.phase is Phase.NOT_STARTED


def test_a_policy_that_brings_it_during_a_pause_lets_it_stand_still() -> None:
    plain = start(Promise("public", DAY), berlin(), at(f"{MONDAY} 10:00"))
    paused = Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00"))
    events: list[ClockEvent] = [plain, to("technical", f"{MONDAY} 10:01"), paused]
    event = move(events, PROMISE, calendar=berlin(), at=at(f"{MONDAY} 13:00"))
    assert event is not None
    events.append(event)
    stood = evolve(events, at(f"{MONDAY} 14:00")).hand_over
    assert stood is not None
    assert (stood.phase, stood.remaining) == (Phase.PAUSED, HOUR)
    events.append(Resumed(at(f"{MONDAY} 15:00"), ResumeCause.PERSON))
    after = evolve(events, at(f"{MONDAY} 15:30")).hand_over
    assert after is not None
    assert (after.phase, local(after.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 16:00")


def test_nothing_moves_when_only_a_hand_over_that_is_over_would() -> None:
    taken: list[ClockEvent] = [
        BEGUN,
        to("technical", f"{MONDAY} 10:01"),
        TakenOver(at(f"{MONDAY} 11:00")),
    ]
    assert move(taken, PROMISE, calendar=berlin(), at=at(f"{MONDAY} 13:00")) is None


def test_its_explanation_adds_up() -> None:
    events: list[ClockEvent] = [
        BEGUN,
        to("technical", f"{MONDAY} 10:01"),
        Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00")),
        Resumed(at(f"{MONDAY} 15:00"), ResumeCause.PERSON),
    ]
    _, why = clock_explanations(events, at(f"{MONDAY} 15:30"))
    assert (why.target, why.counted, local(why.due_at)) == (
        2 * HOUR,
        2 * HOUR,
        "Mon 2026-03-02 16:00",
    )


def test_the_order_in_which_facts_arrive_does_not_matter() -> None:
    events: list[ClockEvent] = [
        to("inbound", f"{MONDAY} 10:01"),
        to("technical", f"{MONDAY} 10:30"),
        TakenOver(at(f"{MONDAY} 11:30")),
    ]
    sent: set[datetime | None] = set()
    for order in (events, events[::-1], [events[1], events[2], events[0]]):
        target = hand_over(order, f"{MONDAY} 12:30")
        assert target.phase is Phase.MET
        sent.add(target.ended_at)
    assert sent == {at(f"{MONDAY} 11:30")}

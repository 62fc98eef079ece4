"""The hand-over to the technical desk, beside the answer."""

from datetime import datetime, timedelta

import pytest

from services.sla.businesstime.counting import Counting
from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    Fact,
    Held,
    Paused,
    ResumeCause,
    Resumed,
    TakenOver,
)
from services.sla.clocks.evolve import move, start, state
from services.sla.clocks.explanation import clock_explanations
from services.sla.clocks.notices import NoticeKind, pending_notices
from services.sla.clocks.target import Phase, Target
from services.sla.promises.promise import BeforeEnd, Promise, SpentShare
from tests.unit.sla.builders import DAY, HOUR, at, berlin, local

MONDAY = "2026-03-02"
PROMISE = Promise("public", DAY, Counting.OPENING_HOURS, hand_over=2 * HOUR)
BEGUN = start(PROMISE, berlin(), at(f"{MONDAY} 10:00"))


def to(desk: str, when: str) -> Assigned:
    return Assigned(at(when), desk)


def _whole(facts: list[Fact]) -> list[Fact]:
    return [BEGUN, *facts]


def beside(facts: list[Fact], when: str) -> Target:
    target = state([BEGUN, *facts], berlin(), at(when)).hand_over
    assert target is not None
    return target


def test_it_is_owed_when_the_technical_desk_has_the_inquiry_and_counts_from_the_receipt() -> None:
    facts: list[Fact] = [to("technical", f"{MONDAY} 11:30")]
    assert beside(facts, f"{MONDAY} 11:00").phase is Phase.NOT_STARTED
    target = beside(facts, f"{MONDAY} 11:30")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 12:00")
    assert target.remaining == timedelta(minutes=30)
    assert beside([to("inbound", f"{MONDAY} 11:30")], f"{MONDAY} 18:00").phase is Phase.NOT_STARTED


def test_a_promise_without_it_has_none() -> None:
    begun = start(Promise("public", DAY), berlin(), at(f"{MONDAY} 10:00"))
    clock = state([begun, to("technical", f"{MONDAY} 10:01")], berlin(), at(f"{MONDAY} 18:00"))
    assert clock.hand_over is None
    assert clock.shown == clock.targets


@pytest.mark.parametrize(
    ("taken", "phase"),
    [("11:59", Phase.MET), ("12:00", Phase.MET), ("12:01", Phase.MET_LATE)],
)
def test_who_takes_it_over_meets_it(taken: str, phase: Phase) -> None:
    facts: list[Fact] = [to("technical", f"{MONDAY} 10:01"), TakenOver(at(f"{MONDAY} {taken}"))]
    assert beside(facts, f"{MONDAY} 18:00").phase is phase
    facts += [to("inbound", f"{MONDAY} 13:00"), to("technical", f"{MONDAY} 14:00")]
    assert beside(facts, f"{MONDAY} 18:00").phase is phase


def test_the_answer_is_untouched_by_it_and_ends_it() -> None:
    facts: list[Fact] = [to("technical", f"{MONDAY} 10:01")]
    clock = state([BEGUN, *facts], berlin(), at(f"{MONDAY} 13:00"))
    assert (clock.phase, clock.breached_at) == (Phase.RUNNING, None)
    assert [each.phase for each in clock.shown] == [Phase.RUNNING, Phase.BREACHED]
    facts.append(Answered(at(f"{MONDAY} 14:00")))
    clock = state([BEGUN, *facts], berlin(), at(f"{MONDAY} 15:00"))
    assert [each.phase for each in clock.shown] == [Phase.MET, Phase.MET_LATE]
    cancelled = Cancelled(at(f"{MONDAY} 11:00"), CancelReason.SPAM)
    assert beside([to("technical", f"{MONDAY} 10:01"), cancelled], f"{MONDAY} 15:00").phase is (
        Phase.CANCELLED
    )


def test_a_holding_reply_hands_nothing_over() -> None:
    held = Held(at(f"{MONDAY} 10:30"), at("2026-03-05 12:00"))
    target = beside([to("technical", f"{MONDAY} 10:01"), held], f"{MONDAY} 11:00")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 12:00")


def test_it_stands_still_with_the_clock_also_before_it_is_owed() -> None:
    paused = Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00"))
    resumed = Resumed(at(f"{MONDAY} 15:00"), ResumeCause.PERSON)
    facts: list[Fact] = [paused, to("technical", f"{MONDAY} 12:30")]
    assert beside(facts, f"{MONDAY} 13:00").phase is Phase.PAUSED
    target = beside([*facts, resumed], f"{MONDAY} 15:30")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 16:00")


def test_a_holding_reply_during_a_pause_lets_both_run_again() -> None:
    facts: list[Fact] = [
        to("technical", f"{MONDAY} 10:01"),
        Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00")),
        Held(at(f"{MONDAY} 13:00"), at("2026-03-05 12:00")),
    ]
    target = beside(facts, f"{MONDAY} 13:30")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 14:00")


def test_what_comes_late_is_breached_when_it_comes_and_once() -> None:
    facts: list[Fact] = [to("technical", f"{MONDAY} 14:00")]
    target = beside(facts, f"{MONDAY} 14:00")
    assert (target.phase, target.breached_at) == (Phase.BREACHED, at(f"{MONDAY} 14:00"))
    facts.append(to("inbound", f"{MONDAY} 15:00"))
    left = beside(facts, f"{MONDAY} 15:30")
    assert (left.phase, left.ended_at) == (Phase.CANCELLED, at(f"{MONDAY} 15:00"))
    assert left.breached_at == target.breached_at
    facts.append(to("technical", f"{MONDAY} 16:00"))
    back = beside(facts, f"{MONDAY} 16:30")
    assert (back.phase, back.breached_at) == (Phase.BREACHED, target.breached_at)
    breaches = [
        notice
        for notice in pending_notices(_whole(facts), berlin(), at(f"{MONDAY} 16:30")).due
        if notice.key.kind is NoticeKind.BREACH
    ]
    assert [(each.key.target, each.at) for each in breaches] == [("0", at(f"{MONDAY} 14:00"))]


def test_what_leaves_in_time_is_no_breach() -> None:
    facts: list[Fact] = [to("technical", f"{MONDAY} 10:30"), to("inbound", f"{MONDAY} 11:00")]
    left = beside(facts, "2026-03-03 12:00")
    assert (left.phase, left.breached_at, left.remaining) == (Phase.CANCELLED, None, timedelta(0))
    assert not pending_notices(_whole(facts), berlin(), at(f"{MONDAY} 12:30")).due


def test_its_warnings_are_those_of_the_promise_that_fit() -> None:
    hour = Promise("public", DAY, Counting.OPENING_HOURS, hand_over=HOUR)
    assert hour.warnings == (SpentShare(0.75), BeforeEnd(HOUR))
    begun = start(hour, berlin(), at(f"{MONDAY} 10:00"))
    facts: list[Fact] = [begun, to("technical", f"{MONDAY} 10:05")]
    agenda = pending_notices(facts, berlin(), at(f"{MONDAY} 10:06"))
    assert (agenda.due, agenda.next_action_at) == ((), at(f"{MONDAY} 10:45"))
    (notice,) = pending_notices(facts, berlin(), at(f"{MONDAY} 10:45")).due
    assert (notice.key.level, notice.key.target, notice.due_at) == (
        "75%",
        "0",
        at(f"{MONDAY} 11:00"),
    )


def moved(facts: list[Fact], promise: Promise | None, when: str) -> list[Fact]:
    fact = move([BEGUN, *facts], promise or PROMISE, began=berlin(), calendar=berlin(), at=at(when))
    assert fact is not None
    return [*facts, fact]


def test_a_new_policy_moves_drops_and_brings_it() -> None:
    facts = moved(
        [to("technical", f"{MONDAY} 10:01")],
        Promise("public", DAY, Counting.OPENING_HOURS, hand_over=4 * HOUR),
        f"{MONDAY} 11:00",
    )
    assert local(beside(facts, f"{MONDAY} 13:00").due_at) == "Mon 2026-03-02 14:00"
    assert beside(facts, f"{MONDAY} 13:00").phase is Phase.RUNNING
    facts = moved(facts, Promise("public", DAY, Counting.OPENING_HOURS), f"{MONDAY} 13:30")
    assert beside(facts, f"{MONDAY} 15:00").phase is Phase.CANCELLED
    facts = moved(facts, PROMISE, f"{MONDAY} 15:30")
    back = beside(facts, f"{MONDAY} 16:00")
    assert (back.phase, back.breached_at) == (Phase.BREACHED, at(f"{MONDAY} 15:30"))


def test_a_policy_that_brings_it_finds_what_was_taken_over_before() -> None:
    plain = start(Promise("public", DAY), berlin(), at(f"{MONDAY} 10:00"))
    facts: list[Fact] = [plain, TakenOver(at(f"{MONDAY} 11:00"))]
    fact = move(facts, PROMISE, began=berlin(), calendar=berlin(), at=at(f"{MONDAY} 13:00"))
    assert fact is not None
    facts += [fact, to("technical", f"{MONDAY} 13:00")]
    clock = state(facts, berlin(), at(f"{MONDAY} 18:00"))
    assert clock.hand_over is not None
    assert clock.hand_over.phase is Phase.NOT_STARTED


def test_a_policy_that_brings_it_during_a_pause_lets_it_stand_still() -> None:
    plain = start(Promise("public", DAY), berlin(), at(f"{MONDAY} 10:00"))
    paused = Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00"))
    facts: list[Fact] = [plain, to("technical", f"{MONDAY} 10:01"), paused]
    fact = move(facts, PROMISE, began=berlin(), calendar=berlin(), at=at(f"{MONDAY} 13:00"))
    assert fact is not None
    facts.append(fact)
    stood = state(facts, berlin(), at(f"{MONDAY} 14:00")).hand_over
    assert stood is not None
    assert (stood.phase, stood.remaining) == (Phase.PAUSED, HOUR)
    facts.append(Resumed(at(f"{MONDAY} 15:00"), ResumeCause.PERSON))
    after = state(facts, berlin(), at(f"{MONDAY} 15:30")).hand_over
    assert after is not None
    assert (after.phase, local(after.due_at)) == (Phase.RUNNING, "Mon 2026-03-02 16:00")


def test_nothing_moves_when_only_a_hand_over_that_is_over_would() -> None:
    taken: list[Fact] = [
        BEGUN,
        to("technical", f"{MONDAY} 10:01"),
        TakenOver(at(f"{MONDAY} 11:00")),
    ]
    assert move(taken, PROMISE, began=berlin(), calendar=berlin(), at=at(f"{MONDAY} 13:00")) is None


def test_its_explanation_adds_up() -> None:
    facts: list[Fact] = [
        BEGUN,
        to("technical", f"{MONDAY} 10:01"),
        Paused(at(f"{MONDAY} 11:00"), at("2026-03-04 11:00")),
        Resumed(at(f"{MONDAY} 15:00"), ResumeCause.PERSON),
    ]
    _, why = clock_explanations(facts, berlin(), at(f"{MONDAY} 15:30"))
    assert (why.target, why.counted, local(why.due_at)) == (
        2 * HOUR,
        2 * HOUR,
        "Mon 2026-03-02 16:00",
    )


def test_the_order_in_which_facts_arrive_does_not_matter() -> None:
    facts: list[Fact] = [
        to("inbound", f"{MONDAY} 10:01"),
        to("technical", f"{MONDAY} 10:30"),
        TakenOver(at(f"{MONDAY} 11:30")),
    ]
    seen: set[datetime | None] = set()
    for order in (facts, facts[::-1], [facts[1], facts[2], facts[0]]):
        target = beside(order, f"{MONDAY} 12:30")
        assert target.phase is Phase.MET
        seen.add(target.ended_at)
    assert seen == {at(f"{MONDAY} 11:30")}

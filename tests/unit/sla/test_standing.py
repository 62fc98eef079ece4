"""What was taken back is as if it had never been, in whatever order it is heard."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from random import Random
from uuid import UUID

import pytest

from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Left,
    Paused,
    Reopened,
    ResumeCause,
    Resumed,
    WindowSet,
    Withdrawn,
)
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.notices import NoticeKind
from services.sla.clocks.standing import standing
from services.sla.clocks.target import Phase
from services.sla.promises.promise import Promise, TargetKind
from tests.unit.sla.builders import (
    DAY,
    HOUR,
    at,
    berlin,
    clock_explanations,
    evolve,
    pending_notices,
    promise,
    start,
)

MON, TUE, WED, THU, FRI = (f"2026-03-0{day}" for day in range(2, 7))
REPLY, OTHER, MESSAGE, OLDER = (UUID(int=n) for n in range(1, 5))
BEGUN = start(promise(), berlin(), at(f"{MON} 10:00"))
"""Due on Tuesday at 10:00."""
NOON = at(f"{MON} 12:00")
SPAM = CancelReason.SPAM


def clock(events: Sequence[ClockEvent], as_of: str = f"{FRI} 12:00") -> ClockState:
    """The same from every order of arrival, or from many of them."""
    stands = evolve([BEGUN, *events], at(as_of))
    for order in _orders([BEGUN, *events]):
        assert evolve(order, at(as_of)) == stands
    return stands


def _orders(events: list[ClockEvent]) -> Iterator[Sequence[ClockEvent]]:
    if len(events) < 6:
        yield from permutations(events)
        return
    dice = Random(9)
    for _ in range(200):
        yield dice.sample(events, len(events))


def test_of_one_reply_the_highest_revision_counts() -> None:
    answered, held = Answered(NOON, REPLY), Held(NOON, at(f"{THU} 12:00"), REPLY, 2)
    withdrawn = Withdrawn(at(f"{MON} 15:00"), REPLY, 1)
    assert clock([answered]).phase is Phase.MET
    assert clock([answered, withdrawn]).phase is Phase.BREACHED
    waiting = clock([answered, withdrawn, held], f"{WED} 12:00")
    assert [(each.kind, each.phase) for each in waiting.targets] == [
        (TargetKind.FIRST_ANSWER, Phase.MET),
        (TargetKind.FOLLOW_UP, Phase.RUNNING),
    ]
    again = Answered(NOON, REPLY, 4)
    assert clock([answered, withdrawn, held, again]).phase is Phase.MET
    none = Withdrawn(at(f"{MON} 16:00"), REPLY, 5)
    assert clock([answered, withdrawn, held, again, none]).phase is Phase.BREACHED


def test_the_earliest_answer_decides_and_the_next_when_that_is_withdrawn() -> None:
    early, late = Answered(NOON, REPLY), Answered(at(f"{WED} 12:00"), OTHER)
    assert clock([late]).phase is Phase.MET_LATE
    met = clock([late, early])
    assert (met.phase, met.answered_at, met.breached_at) == (Phase.MET, NOON, None)
    alone = clock([late, early, Withdrawn(at(f"{THU} 09:00"), REPLY, 1)])
    assert (alone.phase, alone.answered_at) == (Phase.MET_LATE, at(f"{WED} 12:00"))
    assert alone.breached_at == at(f"{TUE} 10:00")


def test_a_withdrawn_reply_takes_no_other_with_it() -> None:
    by_hand, withdrawn = Answered(NOON, by_hand=True), Withdrawn(at(f"{MON} 15:00"), REPLY, 1)
    assert clock([by_hand, withdrawn]).phase is Phase.MET
    assert clock([by_hand, Answered(at(f"{MON} 11:00"), REPLY), withdrawn]).answered_at == NOON


@pytest.mark.parametrize("revision", [0, 2])
def test_an_answer_of_before_that_is_told_again_by_its_name_is_one(revision: int) -> None:
    before, named = Answered(NOON), Answered(NOON, REPLY, revision)
    assert clock([before, named]).answered_at == NOON
    withdrawn = Withdrawn(at(f"{MON} 15:00"), REPLY, revision + 1)
    assert clock([before, named, withdrawn], f"{MON} 16:00").phase is Phase.RUNNING
    other = Answered(at(f"{MON} 14:00"))
    assert clock([before, other, named, withdrawn]).answered_at == other.at
    held = Held(NOON, at(f"{THU} 12:00"), REPLY, revision + 1)
    assert clock([before, named, held], f"{MON} 16:00").phase is Phase.RUNNING


@pytest.mark.parametrize(
    "end",
    [Answered(NOON, by_hand=True), Cancelled(NOON, SPAM), Cancelled(NOON, CancelReason.WITHDRAWN)],
    ids=["completed", "dismissed", "closed"],
)
def test_a_reopening_takes_back_what_a_desk_decided(end: ClockEvent) -> None:
    reopened = Reopened(at(f"{MON} 15:00"))
    before = clock([end, reopened], f"{MON} 16:00")
    assert (before.phase, before.due_at) == (Phase.RUNNING, at(f"{TUE} 10:00"))
    assert before == evolve([BEGUN], at(f"{MON} 16:00"))
    assert clock([end, reopened]).breached_at == at(f"{TUE} 10:00")
    later = Cancelled(at(f"{MON} 17:00"), CancelReason.NO_ANSWER_NEEDED)
    assert clock([end, reopened, later]).cancelled is CancelReason.NO_ANSWER_NEEDED
    at_once = Reopened(NOON)
    assert clock([end, at_once]).phase is Phase.BREACHED


def test_a_reopening_leaves_an_answer_and_what_is_part_of_another() -> None:
    reopened, dismissed = Reopened(at(f"{MON} 15:00")), Cancelled(at(f"{MON} 11:00"), SPAM)
    assert clock([dismissed, Answered(NOON, REPLY), reopened]).answered_at == NOON
    merged = Cancelled(NOON, CancelReason.DUPLICATE, OTHER)
    part = clock([merged, reopened])
    assert (part.phase, part.cancelled) == (Phase.CANCELLED, CancelReason.DUPLICATE)
    assert part.merged_into == OTHER
    twice = clock([dismissed, merged, reopened])
    assert (twice.cancelled, twice.current and twice.current.ended_at) == (
        CancelReason.DUPLICATE,
        NOON,
    )


def test_an_end_that_was_taken_back_is_shown_until_then() -> None:
    events: list[ClockEvent] = [Cancelled(NOON, SPAM), Reopened(at(f"{MON} 15:00"))]
    assert clock(events, f"{MON} 14:59").phase is Phase.CANCELLED
    assert clock(events, f"{MON} 15:00").phase is Phase.RUNNING


def test_a_breach_that_an_end_had_covered_is_told_at_its_own_moment_and_once() -> None:
    events: list[ClockEvent] = [BEGUN, Answered(NOON, by_hand=True), Reopened(at(f"{THU} 12:00"))]
    ended = pending_notices(events[:2], at(f"{FRI} 12:00"))
    assert (ended.due, ended.next_action_at) == ((), None)
    (breach,) = pending_notices(events, at(f"{FRI} 12:00")).due
    assert (breach.key.kind, breach.at) == (NoticeKind.BREACH, at(f"{TUE} 10:00"))
    assert pending_notices(events, at(f"{FRI} 12:00"), sent={breach.key}).due == ()


def test_a_follow_up_keeps_its_breach_whatever_replies_come_and_go() -> None:
    """Its number changes with a holding reply of before; the same breach is not told again."""
    held = Held(at(f"{MON} 13:00"), at(f"{WED} 12:00"), REPLY)
    (first,) = pending_notices([BEGUN, held], at(f"{FRI} 12:00")).due
    earlier = Held(at(f"{MON} 11:00"), at(f"{MON} 16:00"), OTHER)
    events: list[ClockEvent] = [BEGUN, held, earlier]
    assert pending_notices(events, at(f"{FRI} 12:00"), sent={first.key}).due == ()
    replaced: list[ClockEvent] = [
        *events,
        Withdrawn(at(f"{THU} 09:00"), REPLY, 1),
    ]
    (second,) = pending_notices(replaced, at(f"{FRI} 12:00"), sent={first.key}).due
    assert (second.at, second.target) == (at(f"{MON} 16:00"), 2)


def test_an_inquiry_that_is_part_of_another_tells_no_breach() -> None:
    merged = Cancelled(at(f"{WED} 12:00"), CancelReason.DUPLICATE, OTHER)
    owed = pending_notices([BEGUN, merged], at(f"{FRI} 12:00"))
    assert (owed.due, owed.next_action_at) == ((), None)


def test_a_message_that_left_did_nothing_here() -> None:
    paused = Paused(at(f"{MON} 11:00"), until=at(f"{THU} 11:00"))
    wrote = Resumed(NOON, ResumeCause.CUSTOMER_WROTE, MESSAGE)
    window = WindowSet(NOON, NOON + DAY, MESSAGE)
    assert clock([paused, wrote, window], f"{TUE} 09:00").phase is Phase.RUNNING
    gone = clock([paused, wrote, window, Left(NOON, MESSAGE)], f"{TUE} 09:00")
    assert (gone.phase, gone.window_ends_at) == (Phase.PAUSED, None)
    other = Resumed(at(f"{MON} 14:00"), ResumeCause.CUSTOMER_WROTE, OLDER)
    assert clock([paused, wrote, other, Left(NOON, MESSAGE)], f"{TUE} 09:00").due_at == at(
        f"{TUE} 13:00"
    )
    person = Resumed(NOON, ResumeCause.PERSON)
    assert clock([paused, person, Left(NOON, MESSAGE)], f"{TUE} 09:00").phase is Phase.RUNNING


def test_a_holding_reply_without_a_moment_is_followed_up_by_the_promise_of_its_time() -> None:
    kept = Promise("p", DAY, follow_up=2 * DAY)
    begun = start(kept, berlin(), at(f"{MON} 10:00"))
    held = Held(NOON, None, REPLY)
    assert evolve([begun, held], at(f"{TUE} 12:00")).due_at == at(f"{WED} 12:00")
    plain = evolve([BEGUN, held], at(f"{MON} 13:00"))
    assert plain.due_at == at(f"{TUE} 12:00")
    (_, follow_up) = clock_explanations([BEGUN, held], at(f"{MON} 13:00"))
    assert follow_up.counted == follow_up.target
    # Dated before the question, it counts from the receipt.
    early = Held(at(f"{MON} 08:00"), None, REPLY)
    assert evolve([BEGUN, early], at(f"{MON} 13:00")).due_at == at(f"{TUE} 10:00")


def test_the_hand_over_is_owed_again_when_an_end_is_taken_back() -> None:
    hand_over = Promise("p", DAY, hand_over=4 * HOUR)
    begun = start(hand_over, berlin(), at(f"{MON} 10:00"))
    events: list[ClockEvent] = [
        begun,
        Assigned(at(f"{MON} 10:01"), "technical"),
        Cancelled(at(f"{MON} 11:00"), SPAM),
    ]
    ended = evolve(events, NOON).hand_over
    assert ended is not None
    assert ended.phase is Phase.CANCELLED
    again = evolve([*events, Reopened(at(f"{MON} 11:30"))], NOON).hand_over
    assert again is not None
    assert (again.phase, again.owed_since) == (Phase.RUNNING, at(f"{MON} 10:01"))


def test_after_an_appeal_the_clock_goes_on_with_what_was_left() -> None:
    """Of 24 hours 22 were left on Monday at noon, and are left on Wednesday at 15:00."""
    dismissed = Cancelled(NOON, CancelReason.NETIQUETTE)
    appealed = Reopened(at(f"{WED} 15:00"), time_left=True)
    events: list[ClockEvent] = [dismissed, appealed]
    assert clock(events, f"{WED} 14:59").phase is Phase.CANCELLED
    running = clock(events, f"{WED} 16:00")
    assert (running.phase, running.due_at) == (Phase.RUNNING, at(f"{THU} 13:00"))
    assert clock(events).breached_at == at(f"{THU} 13:00")
    (told,) = clock_explanations([BEGUN, *events], at(f"{WED} 16:00"))
    assert told.counted == told.target
    names = [span.name for span in told.spans if span.name]
    assert names == ["dismissed (netiquette) until the appeal"]
    # As if the end had never been, it would have been late on Tuesday.
    assert clock([dismissed, Reopened(at(f"{WED} 15:00"))]).breached_at == at(f"{TUE} 10:00")


def test_each_appeal_takes_back_the_dismissal_of_before() -> None:
    events: list[ClockEvent] = [
        Cancelled(NOON, CancelReason.NETIQUETTE),
        Reopened(at(f"{MON} 15:00"), time_left=True),
        Cancelled(at(f"{MON} 16:00"), SPAM),
    ]
    assert clock(events).cancelled is SPAM
    appealed: list[ClockEvent] = [*events, Reopened(at(f"{TUE} 14:00"), time_left=True)]
    # 3 of the 24 hours were spent by Monday at 16:00, since the clock stood still in between.
    assert clock(appealed, f"{TUE} 14:00").due_at == at(f"{WED} 11:00")
    again = [*appealed, Reopened(at(f"{TUE} 14:00"), time_left=True)]
    assert clock(again, f"{TUE} 14:00") == clock(appealed, f"{TUE} 14:00")
    # A desk that takes back the second dismissal takes back that one only.
    other = [*events, Reopened(at(f"{TUE} 14:00"))]
    assert clock(other).breached_at == at(f"{TUE} 13:00")


def test_an_appeal_gives_no_time_that_had_been_spent() -> None:
    late = clock(
        [
            Cancelled(at(f"{TUE} 15:00"), SPAM),
            Reopened(at(f"{WED} 15:00"), time_left=True),
        ]
    )
    assert (late.phase, late.breached_at) == (Phase.BREACHED, at(f"{TUE} 10:00"))


def test_what_stops_a_dismissed_clock_counts_for_nothing_after_the_appeal() -> None:
    events: list[ClockEvent] = [
        Paused(at(f"{MON} 11:00"), until=at(f"{MON} 11:30")),
        Cancelled(NOON, SPAM),
        Paused(at(f"{MON} 13:00"), until=at(f"{FRI} 13:00")),
        Resumed(at(f"{MON} 14:00"), ResumeCause.CUSTOMER_WROTE, MESSAGE),
        Reopened(at(f"{MON} 15:00"), time_left=True),
    ]
    assert clock(events, f"{MON} 16:00").due_at == at(f"{TUE} 13:30")
    held = Held(at(f"{MON} 13:30"), at(f"{MON} 17:00"), REPLY)
    waits = clock([*events, held], f"{MON} 16:00")
    assert [each.phase for each in waits.targets] == [Phase.MET, Phase.RUNNING]
    # 3.5 hours of the follow-up were left, until 18:30: the last open moment before that.
    assert waits.due_at == at(f"{MON} 17:00")
    answered = clock([*events, held, Answered(at(f"{MON} 14:30"), OTHER)])
    assert (answered.phase, answered.answered_at) == (Phase.MET, at(f"{MON} 14:30"))


def test_the_hand_over_stands_still_until_an_appeal() -> None:
    begun = start(Promise("p", DAY, hand_over=4 * HOUR), berlin(), at(f"{MON} 10:00"))
    events: list[ClockEvent] = [
        begun,
        Assigned(at(f"{MON} 10:01"), "technical"),
        Cancelled(NOON, SPAM),
        Reopened(at(f"{MON} 15:00"), time_left=True),
    ]
    again = evolve(events, at(f"{MON} 15:30")).hand_over
    assert again is not None
    assert (again.phase, again.due_at) == (Phase.RUNNING, at(f"{MON} 17:00"))


def test_facts_of_before_replies_had_names() -> None:
    """A later revision, or a reopening, still finds the reply that it is about."""
    answered = Answered(NOON)
    assert clock([answered, answered]).phase is Phase.MET
    assert clock([answered, Reopened(at(f"{MON} 15:00"))]).phase is Phase.BREACHED
    assert clock([answered, Withdrawn(at(f"{MON} 15:00"), REPLY, 1)]).phase is Phase.BREACHED
    # Where a desk's decision is known, the reopening meant that, and the answer was a reply.
    dismissed, reopened = Cancelled(at(f"{MON} 11:00"), SPAM), Reopened(at(f"{MON} 15:00"))
    assert clock([answered, dismissed, reopened]).answered_at == NOON
    later: list[ClockEvent] = [Cancelled(at(f"{MON} 16:00"), SPAM), Reopened(at(f"{MON} 17:00"))]
    assert clock([answered, reopened, *later]).phase is Phase.BREACHED
    held = Held(NOON, at(f"{THU} 12:00"), REPLY, 2)
    assert clock([answered, held], f"{WED} 12:00").phase is Phase.RUNNING
    # Which of two replies is meant, nobody can say: both stand.
    earlier = Held(at(f"{MON} 11:00"), at(f"{WED} 12:00"))
    both = clock([earlier, answered, Withdrawn(at(f"{MON} 15:00"), REPLY, 1)])
    assert both.phase is Phase.MET
    # A reply with a name has nothing to do with them.
    named = Answered(at(f"{MON} 13:00"), REPLY)
    assert clock([answered, named, Withdrawn(at(f"{MON} 15:00"), REPLY, 1)]).answered_at == NOON
    left: list[ClockEvent] = [
        Paused(at(f"{MON} 11:00"), until=at(f"{THU} 11:00")),
        Resumed(NOON, ResumeCause.CUSTOMER_WROTE),
        Left(NOON, MESSAGE),
    ]
    assert clock(left, f"{TUE} 09:00").phase is Phase.PAUSED


def test_of_many_words_every_order_ends_the_same() -> None:
    events: list[ClockEvent] = [
        Held(at(f"{MON} 11:00"), at(f"{WED} 12:00"), OTHER),
        Withdrawn(at(f"{MON} 11:30"), OTHER, 1),
        Answered(NOON, REPLY),
        Withdrawn(at(f"{MON} 15:00"), REPLY, 1),
        Answered(NOON, by_hand=True),
        Cancelled(at(f"{MON} 14:00"), SPAM),
        Reopened(at(f"{MON} 16:00")),
        Cancelled(at(f"{THU} 12:00"), CancelReason.NO_ANSWER_NEEDED),
        Paused(at(f"{MON} 16:30"), until=at(f"{WED} 16:30")),
        Resumed(at(f"{TUE} 09:00"), ResumeCause.CUSTOMER_WROTE, MESSAGE),
        Left(at(f"{TUE} 09:00"), MESSAGE),
    ]
    ended = clock(events)
    assert (ended.phase, ended.cancelled) == (Phase.CANCELLED, CancelReason.NO_ANSWER_NEEDED)
    # 17.5 of the 24 hours were left at the pause, until Wednesday 16:30.
    assert ended.due_at == at(f"{THU} 10:00")
    assert ended.breached_at == at(f"{THU} 10:00")


def test_a_fact_that_was_told_twice_counts_once() -> None:
    held = Held(NOON, at(f"{WED} 12:00"), REPLY)
    assert len(clock([held, Held(NOON, at(f"{WED} 12:00"), REPLY)]).targets) == 2
    assert len(standing([held, Held(NOON, at(f"{WED} 12:00"), REPLY)])) == 1
    assert clock([held], f"{FRI} 12:00").breached_at == at(f"{WED} 12:00")

"""The life of a clock, told by facts."""

from datetime import date, datetime, timedelta
from itertools import permutations

import pytest

from services.sla.businesstime.counting import Counting
from services.sla.businesstime.errors import CalendarError
from services.sla.businesstime.instants import TICK
from services.sla.businesstime.rules import Closure
from services.sla.clocks.events import (
    Answered,
    Cancelled,
    CancelReason,
    ClockEvent,
    ClockEventError,
    Held,
    Moved,
    Paused,
    ResumeCause,
    Resumed,
    Started,
    WindowSet,
)
from services.sla.clocks.evolve import recounted
from services.sla.clocks.target import Phase
from services.sla.promises.promise import Promise, TargetKind
from tests.unit.sla.builders import (
    DAY,
    HOUR,
    at,
    berlin,
    clock_explanations,
    evolve,
    local,
    move,
    promise,
    start,
    terms,
)

MONDAY = "2026-03-02"
TUESDAY = "2026-03-03"


def started(received: str = f"{MONDAY} 10:00", kept: Promise | None = None) -> Started:
    return start(kept or promise(), berlin(), at(received))


def phase(events: list[ClockEvent], as_of: str) -> Phase:
    return evolve(events, at(as_of)).phase


def test_from_start_to_answer() -> None:
    events: list[ClockEvent] = [started(), Answered(at(f"{TUESDAY} 09:30"))]
    assert phase(events, "2026-03-02 09:59") is Phase.NOT_STARTED
    assert phase(events, "2026-03-02 10:00") is Phase.RUNNING
    assert phase(events, "2026-03-03 09:29") is Phase.RUNNING
    assert phase(events, "2026-03-03 09:30") is Phase.MET
    assert phase(events, "2027-03-03 09:30") is Phase.MET
    clock = evolve(events, at("2026-03-04 10:00"))
    assert clock.answered_at == at(f"{TUESDAY} 09:30")
    assert clock.breached_at is None
    assert not clock.is_open


def test_the_deadline_itself_is_in_time_and_one_tick_later_is_not() -> None:
    end, tick = at(f"{TUESDAY} 10:00"), timedelta(microseconds=1)
    assert evolve([started(), Answered(end)], end + DAY).phase is Phase.MET
    late = evolve([started(), Answered(end + tick)], end + DAY)
    assert late.phase is Phase.MET_LATE
    assert late.breached_at == end
    assert evolve([started()], end).phase is Phase.RUNNING
    assert evolve([started()], end + tick).phase is Phase.BREACHED


def test_remaining_is_the_counted_time() -> None:
    kept = promise(Counting.OPENING_HOURS, 8 * HOUR)
    clock = evolve([started(kept=kept)], at(f"{MONDAY} 15:00"))
    assert clock.remaining == 3 * HOUR
    assert clock.due_at == at(f"{TUESDAY} 10:00")


def test_a_pause_moves_the_deadline_by_the_counted_time() -> None:
    kept = promise(Counting.OPENING_HOURS, 8 * HOUR)
    events: list[ClockEvent] = [
        started(kept=kept),
        Paused(at(f"{MONDAY} 11:00"), until=at("2026-03-09 11:00")),
        Resumed(at("2026-03-04 20:00"), ResumeCause.CUSTOMER_WROTE),
    ]
    paused = evolve(events, at(f"{TUESDAY} 23:00"))
    assert paused.phase is Phase.PAUSED
    assert paused.remaining == 7 * HOUR
    assert local(paused.due_at or at(MONDAY)) == "Tue 2026-03-10 10:00"
    again = evolve(events, at("2026-03-05 09:00"))
    assert again.phase is Phase.RUNNING
    assert local(again.due_at or at(MONDAY)) == "Thu 2026-03-05 16:00"


def test_the_bound_ends_a_pause() -> None:
    events: list[ClockEvent] = [
        started(),
        Paused(at(f"{MONDAY} 12:00"), until=at(f"{TUESDAY} 12:00")),
        Resumed(at("2026-03-04 16:00"), ResumeCause.PERSON),
    ]
    clock = evolve(events, at("2026-03-04 09:00"))
    assert clock.phase is Phase.RUNNING
    assert local(clock.due_at or at(MONDAY)) == "Wed 2026-03-04 10:00"
    assert phase(events, "2026-03-04 17:00") is Phase.BREACHED


def test_a_second_pause_word_sets_the_bound_anew() -> None:
    events: list[ClockEvent] = [
        started(),
        Paused(at(f"{MONDAY} 12:00"), until=at(f"{TUESDAY} 12:00")),
        Paused(at(f"{MONDAY} 15:00"), until=at("2026-03-05 12:00")),
    ]
    assert phase(events, "2026-03-05 11:59") is Phase.PAUSED
    clock = evolve(events, at("2026-03-05 12:00"))
    assert local(clock.due_at or at(MONDAY)) == "Fri 2026-03-06 10:00"


def test_a_breach_is_never_unstated_by_a_later_pause() -> None:
    events: list[ClockEvent] = [
        started(),
        Paused(at(f"{TUESDAY} 10:00:01"), until=at("2026-03-09 11:00")),
        Answered(at("2026-03-05 11:00")),
    ]
    assert phase(events, "2026-03-04 10:00") is Phase.BREACHED
    assert phase(events, "2026-03-05 11:00") is Phase.MET_LATE
    explained = clock_explanations(events, at("2026-03-06 10:00"))[0]
    assert explained.counted == DAY


def test_a_holding_reply_meets_the_first_target_and_opens_the_next() -> None:
    events: list[ClockEvent] = [
        started(),
        Held(at(f"{MONDAY} 12:00"), follow_up_at=at("2026-03-06 12:00")),
        Answered(at("2026-03-06 12:01")),
    ]
    waiting = evolve(events, at("2026-03-05 12:00"))
    assert waiting.phase is Phase.RUNNING
    assert waiting.answered_at is None
    assert [(each.kind, each.phase) for each in waiting.targets] == [
        (TargetKind.FIRST_ANSWER, Phase.MET),
        (TargetKind.FOLLOW_UP, Phase.RUNNING),
    ]
    assert waiting.due_at == at("2026-03-06 12:00")
    done = evolve(events, at("2026-03-07 12:00"))
    assert [each.phase for each in done.targets] == [Phase.MET, Phase.MET_LATE]
    assert done.breached_at == at("2026-03-06 12:00")


def test_a_late_holding_reply_is_late() -> None:
    events: list[ClockEvent] = [started(), Held(at("2026-03-04 12:00"), at("2026-03-06 12:00"))]
    clock = evolve(events, at("2026-03-05 12:00"))
    assert [each.phase for each in clock.targets] == [Phase.MET_LATE, Phase.RUNNING]
    assert clock.breached_at == at(f"{TUESDAY} 10:00")


def test_a_follow_up_can_be_paused() -> None:
    events: list[ClockEvent] = [
        started(kept=promise(Counting.OPENING_HOURS, 8 * HOUR)),
        Held(at(f"{MONDAY} 12:00"), follow_up_at=at(f"{TUESDAY} 12:00")),
        Paused(at(f"{MONDAY} 13:00"), until=at(f"{TUESDAY} 13:00")),
    ]
    clock = evolve(events, at(f"{TUESDAY} 14:00"))
    assert local(clock.due_at or at(MONDAY)) == "Wed 2026-03-04 12:00"


@pytest.mark.parametrize("reason", list(CancelReason))
def test_cancelled(reason: CancelReason) -> None:
    events: list[ClockEvent] = [started(), Cancelled(at(f"{MONDAY} 11:00"), reason)]
    clock = evolve(events, at("2026-03-09 11:00"))
    assert (clock.phase, clock.cancelled, clock.breached_at) == (Phase.CANCELLED, reason, None)


def test_a_dismissal_after_the_breach_leaves_the_breach() -> None:
    events: list[ClockEvent] = [started(), Cancelled(at("2026-03-04 11:00"), CancelReason.SPAM)]
    assert evolve(events, at("2026-03-09 11:00")).breached_at == at(f"{TUESDAY} 10:00")


def test_the_first_ending_wins() -> None:
    answered, dismissed = at(f"{MONDAY} 11:00"), at(f"{MONDAY} 12:00")
    events: list[ClockEvent] = [
        Cancelled(dismissed, CancelReason.CLOSED),
        Answered(answered),
        started(),
        Answered(dismissed + HOUR),
    ]
    assert phase(events, "2026-03-09 11:00") is Phase.MET


def test_at_the_same_instant_an_answer_comes_before_a_dismissal_and_a_pause() -> None:
    moment = at(f"{TUESDAY} 10:00")
    answer, dismissal = Answered(moment), Cancelled(moment, CancelReason.CLOSED)
    pause = Paused(moment, until=moment + DAY)
    every: list[ClockEvent] = [started(), answer, dismissal, pause]
    for events in permutations(every):
        assert phase(list(events), "2026-03-09 11:00") is Phase.MET
    assert phase([started(), pause, dismissal], "2026-03-03 11:00") is Phase.CANCELLED


def test_facts_may_arrive_before_the_start() -> None:
    assert phase([Answered(at(f"{MONDAY} 11:00"))], f"{MONDAY} 12:00") is Phase.NOT_STARTED
    events: list[ClockEvent] = [Cancelled(at(f"{MONDAY} 11:00"), CancelReason.SPAM), started()]
    assert phase(events, f"{MONDAY} 12:00") is Phase.CANCELLED


def test_what_is_dated_before_the_start_happens_at_the_start() -> None:
    assert phase([started(), Answered(at(f"{MONDAY} 09:59"))], f"{MONDAY} 10:00") is Phase.MET
    early = Paused(at(f"{MONDAY} 08:00"), until=at(f"{MONDAY} 09:00"))
    assert phase([started(), early], f"{MONDAY} 10:00") is Phase.RUNNING
    held = Held(at(f"{MONDAY} 08:00"), follow_up_at=at(f"{MONDAY} 09:00"))
    assert phase([started(), held], f"{MONDAY} 10:01") is Phase.BREACHED


def test_every_order_of_arrival_gives_the_same_clock() -> None:
    events: list[ClockEvent] = [
        started(),
        Paused(at(f"{MONDAY} 11:00"), until=at("2026-03-05 11:00")),
        Resumed(at(f"{TUESDAY} 11:00"), ResumeCause.PERSON),
        Held(at(f"{TUESDAY} 12:00"), follow_up_at=at("2026-03-06 12:00")),
        WindowSet(at(f"{TUESDAY} 11:00"), ends_at=at("2026-03-04 11:00")),
        Answered(at("2026-03-06 11:00")),
    ]
    clocks = [evolve(order, at("2026-03-09 10:00")) for order in permutations(events)]
    assert all(clock == clocks[0] for clock in clocks)
    assert clocks[0].window_ends_at == at("2026-03-04 11:00")


def test_a_policy_moves_an_open_clock_and_only_from_then_on() -> None:
    strict = promise(Counting.OPENING_HOURS, 4 * HOUR)
    event = move([started()], strict, calendar=berlin(), at=at(f"{MONDAY} 11:00"))
    assert event is not None
    assert local(event.due_at) == "Mon 2026-03-02 14:00"
    assert event.left == 3 * HOUR
    events: list[ClockEvent] = [started(), event]
    assert evolve(events, at(f"{MONDAY} 10:30")).due_at == at(f"{TUESDAY} 10:00")
    assert evolve(events, at(f"{MONDAY} 11:00")).due_at == at(f"{MONDAY} 14:00")
    paused = [*events, Paused(at(f"{MONDAY} 13:00"), until=at(f"{TUESDAY} 13:00"))]
    clock = evolve(paused, at(f"{TUESDAY} 13:30"))
    assert clock.due_at == at(f"{TUESDAY} 14:00")
    explained = clock_explanations(paused, at(f"{TUESDAY} 13:30"))[0]
    assert explained.counted == explained.target == 4 * HOUR


def test_a_paused_clock_can_be_moved() -> None:
    events: list[ClockEvent] = [
        started(),
        Paused(at(f"{MONDAY} 11:00"), until=at("2026-03-05 11:00")),
    ]
    strict = promise(Counting.OPENING_HOURS, 4 * HOUR)
    event = move(events, strict, calendar=berlin(), at=at(f"{TUESDAY} 11:00"))
    assert event is not None
    after = [*events, event, Resumed(at("2026-03-04 11:00"), ResumeCause.PERSON)]
    clock = evolve(after, at("2026-03-04 12:00"))
    assert (clock.remaining, clock.due_at) == (2 * HOUR, at("2026-03-04 14:00"))


def test_a_new_closure_moves_the_deadline() -> None:
    closed = berlin(closures=(Closure(date(2026, 3, 3), date(2026, 3, 3), "Sturm"),))
    event = move([started()], promise(), calendar=closed, at=at(f"{MONDAY} 11:00"))
    assert event is not None
    assert local(event.due_at) == "Wed 2026-03-04 10:00"


def test_a_calendar_counts_from_its_move_on_and_not_before() -> None:
    """The pause before the move was counted by the old one, and stays so."""
    tuesday = Closure(date(2026, 3, 3), date(2026, 3, 3), "Sturm")
    closed, open_ = berlin(closures=(tuesday,)), berlin()
    history: list[ClockEvent] = [
        start(promise(), closed, at(f"{MONDAY} 10:00")),
        Paused(at(f"{MONDAY} 11:00"), until=at(f"{MONDAY} 16:00")),
        Resumed(at(f"{MONDAY} 12:00"), ResumeCause.PERSON),
    ]
    assert evolve(history, at(f"{MONDAY} 13:00")).due_at == at("2026-03-04 11:00")
    event = move(history, promise(), calendar=open_, at=at(f"{MONDAY} 13:00"))
    assert event is not None
    clock = evolve([*history, event], at(f"{MONDAY} 13:00"))
    assert clock.due_at == at(f"{TUESDAY} 11:00")
    # What was due by the old calendar and answered in time stays so, whatever comes later.
    answered = [*history, Answered(at("2026-03-04 09:20"))]
    later = at("2026-03-04 09:30")
    assert move(answered, promise(), calendar=open_, at=later) is None
    assert evolve(answered, later).phase is Phase.MET


def test_a_calendar_that_moves_nothing_counts_when_a_pause_ends() -> None:
    closed = berlin(closures=(Closure(date(2026, 3, 5), date(2026, 3, 5), "Sturm"),))
    history: list[ClockEvent] = [started()]
    event = move(history, promise(), calendar=closed, at=at(f"{MONDAY} 11:00"))
    assert event is not None
    assert event.due_at == at(f"{TUESDAY} 10:00")
    history += [
        event,
        Paused(at(f"{MONDAY} 12:00"), until=at("2026-03-09 12:00")),
        Resumed(at("2026-03-04 14:00"), ResumeCause.PERSON),
    ]
    assert evolve(history, at("2026-03-04 15:00")).due_at == at("2026-03-06 12:00")


def test_moves_at_one_moment_hold_in_the_order_in_which_they_were_decided() -> None:
    moment, strict = at(f"{MONDAY} 11:00"), promise(Counting.OPENING_HOURS, 4 * HOUR)
    history: list[ClockEvent] = [started()]
    for kept in (strict, promise(), strict):
        event = move(history, kept, calendar=berlin(), at=moment)
        assert event is not None
        history.append(event)
        target = evolve(history, at(f"{MONDAY} 11:01")).current
        assert target is not None
        assert target.promise == kept


def test_a_deadline_moved_into_the_past_is_breached_by_the_move() -> None:
    strict = promise(Counting.OPENING_HOURS, HOUR)
    moment = at(f"{MONDAY} 15:00")
    event = move([started()], strict, calendar=berlin(), at=moment)
    assert event is not None
    clock = evolve([started(), event], moment + HOUR)
    assert (clock.phase, clock.breached_at) == (Phase.BREACHED, moment)
    assert evolve([started(), event], moment - HOUR).breached_at is None


@pytest.mark.parametrize(
    "events",
    [
        [Answered(at(f"{MONDAY} 10:30"))],
        [Cancelled(at(f"{MONDAY} 10:30"), CancelReason.SPAM)],
        [Held(at(f"{MONDAY} 10:30"), follow_up_at=at("2026-03-06 12:00"))],
    ],
)
def test_what_is_not_open_or_was_told_to_the_customer_is_not_moved(
    events: list[ClockEvent],
) -> None:
    strict = promise(Counting.OPENING_HOURS, 4 * HOUR)
    history: list[ClockEvent] = [started(), *events]
    assert move(history, strict, calendar=berlin(), at=at(f"{MONDAY} 11:00")) is None


def test_no_move_without_a_difference_and_none_after_a_breach() -> None:
    assert move([started()], promise(), calendar=berlin(), at=at(f"{MONDAY} 11:00")) is None
    later = at("2026-03-04 11:00")
    assert move([started()], promise(target=9 * DAY), calendar=berlin(), at=later) is None
    other = terms(promise(target=9 * DAY), berlin())
    event = Moved(later, other.policy_version, other.promise.name, later + DAY, DAY // TICK)
    clock = evolve([started(), event], later + HOUR)
    assert (clock.phase, clock.due_at) == (Phase.BREACHED, at(f"{TUESDAY} 10:00"))


def test_recounted_history_shows_what_another_policy_would_have_done() -> None:
    events: list[ClockEvent] = [started(), Answered(at(f"{TUESDAY} 09:30"))]
    strict = promise(Counting.OPENING_HOURS, 4 * HOUR)
    clock = evolve(recounted(events, terms(strict, berlin())), at("2026-03-09 10:00"))
    assert clock.phase is Phase.MET_LATE


def test_explanation_of_a_paused_clock_adds_up() -> None:
    events: list[ClockEvent] = [
        started("2026-03-06 15:00", promise(Counting.OPENING_HOURS, 8 * HOUR)),
        Paused(at("2026-03-06 16:00"), until=at("2026-03-13 16:00")),
        Resumed(at("2026-03-09 10:00"), ResumeCause.CUSTOMER_WROTE),
    ]
    told = clock_explanations(events, at("2026-03-09 12:00"))[0]
    assert [(local(s.start), s.counted, s.because) for s in told.spans] == [
        ("Fri 2026-03-06 15:00", True, "open"),
        ("Fri 2026-03-06 16:00", False, "waiting for the customer"),
        ("Mon 2026-03-09 10:00", True, "open"),
    ]
    assert told.counted == told.target == 8 * HOUR
    assert told.due_at == told.runs_out_at == at("2026-03-09 17:00")


def test_facts_that_contradict_themselves() -> None:
    moment = at(f"{MONDAY} 11:00")
    with pytest.raises(ClockEventError, match=r"a pause ends at .* which is not after"):
        Paused(moment, until=moment)
    with pytest.raises(ClockEventError, match="follow-up"):
        Held(moment, follow_up_at=moment - HOUR)
    with pytest.raises(CalendarError, match="has no time zone"):
        Answered(datetime(2026, 3, 2, 10))  # noqa: DTZ001
    with pytest.raises(CalendarError, match="has no time zone"):
        evolve([started()], datetime(2026, 3, 2, 10))  # noqa: DTZ001

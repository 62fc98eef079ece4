"""Histories that nobody plans and that somebody will have: each was once counted wrongly."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest

from services.sla.businesstime.counting import Counting
from services.sla.businesstime.errors import BeyondHorizonError
from services.sla.clocks.events import (
    Answered,
    Assigned,
    ClockEvent,
    Held,
    Moved,
    Paused,
    ResumeCause,
    Resumed,
    Started,
    WindowSet,
)
from services.sla.clocks.notices import NoticeKey, NoticeKind
from services.sla.clocks.target import Phase, Target
from services.sla.promises.promise import Promise, due
from tests.unit.sla.builders import (
    BERLIN,
    DAY,
    HOUR,
    at,
    berlin,
    clock_explanations,
    evolve,
    local,
    move,
    pending_notices,
    promise,
    start,
)

MON, TUE, WED = "2026-03-02", "2026-03-03", "2026-03-04"
FRI, SAT = "2026-03-06", "2026-03-07"
OPENING = Counting.OPENING_HOURS
MINUTE = timedelta(minutes=1)


def hours(first_answer: int, hand_over: int | None = None) -> Promise:
    """Counted in opening hours; the name tells promises apart."""
    limit = None if hand_over is None else hand_over * HOUR
    return Promise(f"{first_answer}/{hand_over}", first_answer * HOUR, OPENING, hand_over=limit)


def begun(kept: Promise, when: str = f"{MON} 09:00") -> Started:
    return start(kept, berlin(), at(when))


def moved(history: list[ClockEvent], kept: Promise, when: str) -> Moved:
    event = move(history, kept, calendar=berlin(), at=at(when))
    assert event is not None
    return event


def current(history: list[ClockEvent], when: str) -> Target:
    target = evolve(history, at(when)).current
    assert target is not None
    return target


def hand_over(history: list[ClockEvent], when: str) -> Target:
    target = evolve(history, at(when)).hand_over
    assert target is not None
    return target


@pytest.mark.parametrize(
    ("counting", "held", "told", "paused"),
    [
        (OPENING, f"{MON} 16:00", f"{SAT} 12:00", (f"{FRI} 18:00", f"{FRI} 19:00")),
        (OPENING, f"{MON} 10:00", "2026-03-09 08:00", (f"{FRI} 18:00", f"{FRI} 19:00")),
        (Counting.WORKING_DAYS, f"{MON} 10:00", f"{WED} 20:00", (f"{TUE} 11:00", f"{TUE} 11:05")),
    ],
)
def test_a_pause_never_brings_forward_what_the_customer_was_told(
    counting: Counting, held: str, told: str, paused: tuple[str, str]
) -> None:
    history: list[ClockEvent] = [
        begun(promise(counting, DAY)),
        Held(at(held), at(told)),
        Paused(at(paused[0]), until=at(paused[1])),
    ]
    for when in (paused[0], paused[1], told):
        target = current(history, when)
        assert target.due_at >= at(told)
        assert target.breached_at is None


@pytest.mark.parametrize("resumed", [True, False])
def test_a_move_into_the_past_is_a_breach_of_a_paused_clock_too(*, resumed: bool) -> None:
    history: list[ClockEvent] = [
        begun(hours(8)),
        Paused(at(f"{MON} 12:00"), until=at(f"{WED} 09:00")),
    ]
    history.append(moved(history, hours(2), f"{MON} 14:00"))
    if resumed:
        history.append(Resumed(at(f"{TUE} 12:00"), ResumeCause.PERSON))
    for when in (f"{MON} 14:01", f"{TUE} 12:00", f"{WED} 12:00"):
        target = current(history, when)
        assert (target.phase, target.due_at) == (Phase.BREACHED, at(f"{MON} 11:00"))
        assert target.breached_at == at(f"{MON} 14:00")
    late = current([*history, Answered(at(f"{WED} 10:00"))], f"{WED} 10:00")
    assert late.phase is Phase.MET_LATE
    (explained,) = clock_explanations(history, at(f"{TUE} 12:00"))
    assert explained.due_at == at(f"{MON} 11:00")


def test_a_move_within_a_pause_lets_it_last() -> None:
    history: list[ClockEvent] = [
        begun(hours(8)),
        Paused(at(f"{MON} 12:00"), until=at(f"{WED} 09:00")),
    ]
    history.append(moved(history, hours(4), f"{MON} 14:00"))
    target = current(history, f"{TUE} 12:00")
    assert (target.phase, local(target.due_at)) == (Phase.PAUSED, "Wed 2026-03-04 10:00")


@pytest.mark.parametrize(
    ("kept", "received", "paused", "expected"),
    [
        # A quarter of the eight opening hours from nine to five; before the pause there were two.
        (
            promise(Counting.WALL_CLOCK, 8 * HOUR),
            f"{MON} 15:00", (f"{MON} 15:00", f"{TUE} 09:00"),
            {"75%": f"{TUE} 15:00", "1h before end": f"{TUE} 16:00"},
        ),
        # Nobody was open before the pause.
        (
            promise(Counting.WALL_CLOCK, 6 * HOUR),
            f"{MON} 20:00", (f"{MON} 20:30", f"{TUE} 09:00"),
            {"75%": f"{TUE} 13:07:30", "1h before end": f"{TUE} 13:30"},
        ),
    ],
)  # fmt: skip
def test_the_levels_are_those_of_the_deadline_after_the_pause(
    kept: Promise, received: str, paused: tuple[str, str], expected: dict[str, str]
) -> None:
    history: list[ClockEvent] = [begun(kept, received), Paused(at(paused[0]), until=at(paused[1]))]
    now, told = at(paused[1]), dict[str, datetime]()
    sent = set[NoticeKey]()
    while (owed := pending_notices(history, now, sent=sent)).next_action_at is not None:
        told |= {each.key.level: each.at for each in owed.due}
        sent |= {each.key for each in owed.due}
        now = owed.next_action_at
    assert told == {level: at(when) for level, when in expected.items()}


def test_a_reply_window_is_announced_once_whatever_is_awaited() -> None:
    history: list[ClockEvent] = [
        start(promise(), berlin(), at(f"{MON} 11:00"), window_ends_at=at(f"{MON} 16:30"))
    ]
    (first,) = pending_notices(history, at(f"{MON} 15:30")).due
    assert first.key.kind is NoticeKind.WINDOW_CLOSING
    history.append(Held(at(f"{MON} 15:45"), at(f"{TUE} 16:00")))
    again = pending_notices(history, at(f"{MON} 15:45"), sent={first.key})
    assert again.due == ()
    (unseen,) = pending_notices(history, at(f"{MON} 15:45")).due
    assert (unseen.key, unseen.target) == (first.key, 2)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_what_is_dated_before_the_start_keeps_its_order(order: tuple[int, ...]) -> None:
    early: list[ClockEvent] = [
        Paused(at(f"{MON} 10:50"), until=at(f"{TUE} 10:00")),
        Resumed(at(f"{MON} 10:55"), ResumeCause.PERSON),
        WindowSet(at(f"{MON} 10:51"), at("2026-03-05 12:00")),
        WindowSet(at(f"{MON} 10:56"), at(f"{WED} 12:00")),
    ]
    history = [begun(hours(8), f"{MON} 11:00"), *(early[n] for n in order)]
    clock = evolve(history, at(f"{MON} 11:30"))
    assert (clock.phase, clock.window_ends_at) == (Phase.RUNNING, at(f"{WED} 12:00"))


def test_desks_dated_before_the_start_keep_their_order() -> None:
    history: list[ClockEvent] = [
        begun(hours(16, 4), f"{MON} 11:00"),
        Assigned(at(f"{MON} 10:50"), "technical"),
        Assigned(at(f"{MON} 10:55"), "billing"),
    ]
    assert hand_over(history, f"{MON} 11:30").phase is Phase.CANCELLED


def test_moments_of_one_zone_are_compared_as_instants() -> None:
    """In the repeated hour of autumn the faces go back."""
    first = datetime(2026, 10, 25, 2, 50, tzinfo=BERLIN)
    second = datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    kept = promise(Counting.WALL_CLOCK, 10 * MINUTE)
    assert Paused(first, until=second).until == second
    history: list[ClockEvent] = [start(kept, berlin(), first), Answered(second)]
    later = datetime(2026, 10, 25, 12, tzinfo=UTC)
    assert evolve(history, later).phase is Phase.MET_LATE


@pytest.mark.parametrize("assigned", [f"{MON} 09:30", f"{TUE} 18:00"])
def test_a_hand_over_keeps_its_time_through_a_pause_whether_owed_or_not(assigned: str) -> None:
    history: list[ClockEvent] = [
        begun(hours(16, 4)),
        Paused(at(f"{MON} 10:00"), until=at(f"{WED} 09:00")),
        Assigned(at(assigned), "technical"),
    ]
    event = moved([each for each in history if each.at < at(f"{TUE} 17:00")], hours(16, 6),
                 f"{TUE} 17:00")  # fmt: skip
    assert event.hand_over_left == 5 * HOUR
    target = hand_over([*history, event], f"{WED} 10:00")
    assert (target.phase, local(target.due_at)) == (Phase.RUNNING, "Wed 2026-03-04 14:00")


def test_a_pause_after_the_time_of_a_hand_over_that_nobody_owed_changes_nothing() -> None:
    history: list[ClockEvent] = [
        begun(hours(16, 1)),
        Paused(at(f"{MON} 15:00"), until=at(f"{MON} 16:00")),
        Assigned(at(f"{TUE} 09:00"), "technical"),
    ]
    target = hand_over(history, f"{TUE} 09:01")
    assert (target.phase, target.due_at) == (Phase.BREACHED, at(f"{MON} 10:00"))
    assert target.breached_at == at(f"{TUE} 09:00")
    _, explained = clock_explanations(history, at(f"{TUE} 09:01"))
    assert explained.counted == explained.target == HOUR


def test_a_hand_over_that_leaves_during_a_pause_is_explained_to_its_end() -> None:
    history: list[ClockEvent] = [
        begun(hours(16, 4)),
        Assigned(at(f"{MON} 09:10"), "technical"),
        Paused(at(f"{MON} 10:00"), until=at(f"{TUE} 10:00")),
        Assigned(at(f"{MON} 11:00"), "billing"),
    ]
    _, explained = clock_explanations(history, at(f"{MON} 12:00"))
    assert explained.counted == explained.target == 4 * HOUR


def test_a_breach_of_the_hand_over_stays_one_whatever_policies_come_and_go() -> None:
    history: list[ClockEvent] = [begun(hours(16, 1)), Assigned(at(f"{MON} 09:00"), "technical")]
    history.append(moved(history, hours(16), f"{MON} 12:00"))
    history.append(Assigned(at(f"{MON} 13:00"), "inbound"))
    history.append(moved(history, hours(16, 2), f"{MON} 14:00"))
    history.append(moved(history, hours(16), f"{MON} 15:00"))
    for when in ("11:00", "12:30", "13:30", "14:30", "15:30"):
        clock = evolve(history, at(f"{MON} {when}"))
        assert clock.owed_hand_over is not None
        assert clock.owed_hand_over.breached_at == at(f"{MON} 10:00")


def test_a_hand_over_that_left_before_a_pause_has_none() -> None:
    history: list[ClockEvent] = [
        begun(hours(16, 4)),
        Assigned(at(f"{MON} 10:00"), "technical"),
        Assigned(at(f"{MON} 10:30"), "billing"),
        Paused(at(f"{MON} 12:00"), until=at(f"{TUE} 12:00")),
    ]
    history.append(moved(history, hours(16), f"{MON} 13:00"))
    target = hand_over(history, f"{MON} 14:00")
    assert (target.phase, target.ended_at, target.pauses) == (
        Phase.CANCELLED,
        at(f"{MON} 10:30"),
        (),
    )


@pytest.mark.parametrize("budget", [timedelta.max, timedelta.min, timedelta(days=3_000_000)])
def test_more_time_than_there_is_lies_beyond_the_horizon(budget: timedelta) -> None:
    with pytest.raises(BeyondHorizonError):
        berlin().add(at(f"{MON} 10:00"), budget)


def test_so_does_a_promise_of_it_and_a_question_about_the_last_moment() -> None:
    endless = promise(Counting.WALL_CLOCK, timedelta(days=3_000_000))
    with pytest.raises(BeyondHorizonError):
        due(endless, berlin(), at(f"{MON} 10:00"))
    with pytest.raises(BeyondHorizonError, match="beyond the years 1 to 9999"):
        berlin().is_open(datetime.max.replace(tzinfo=timezone(-12 * HOUR)))

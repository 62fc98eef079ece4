"""Random lives with everything that can happen: policies, desks, windows, the hand-over."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

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
    WindowSet,
)
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.notices import NoticeKey, NoticeKind
from services.sla.clocks.target import Phase
from services.sla.promises.promise import Promise
from tests.unit.sla.builders import clock_explanations, evolve, move, pending_notices, start
from tests.unit.sla.clock_reference import MINUTE, calendar_called, instant

Life = list[ClockEvent]
SPAN = 12 * 1440


@st.composite
def promises(draw: st.DrawFn) -> Promise:
    first_answer = draw(st.integers(30, 3 * 1440) | st.sampled_from([480, 1440]))
    minutes = draw(st.none() | st.integers(15, first_answer))
    counting = draw(st.sampled_from(list(Counting)))
    hand_over = None if minutes is None else minutes * MINUTE
    return Promise(
        f"{first_answer}/{minutes}/{counting}",
        first_answer * MINUTE,
        counting,
        hand_over=hand_over,
    )


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """The events, as they were decided one after the other."""
    received = draw(st.integers(10 * 1440, 30 * 1440))
    began = calendar_called(draw(st.sampled_from(["usual", "odd"])))
    events: list[ClockEvent] = [start(draw(promises()), began, instant(received))]
    for after in sorted(draw(st.lists(st.integers(1, 8 * 1440), max_size=8, unique=True))):
        event = draw(_event(events, received + after))
        if event is not None:
            events.append(event)
    return events


@st.composite
def _event(draw: st.DrawFn, events: list[ClockEvent], moment: int) -> ClockEvent | None:
    at, later = instant(moment), instant(moment + draw(st.integers(1, 3 * 1440)))
    kind = draw(st.sampled_from("pprrhacddmmtw"))
    plain: dict[str, ClockEvent] = {
        "p": Paused(at, until=later),
        "r": Resumed(at, draw(st.sampled_from(ResumeCause))),
        "h": Held(at, follow_up_at=later),
        "a": Answered(at),
        "c": Cancelled(at, draw(st.sampled_from(CancelReason))),
        "d": Assigned(at, draw(st.sampled_from(["technical", "inbound"]))),
        "t": TakenOver(at),
        "w": WindowSet(at, later),
    }
    if kind in plain:
        return plain[kind]
    calendar = calendar_called(draw(st.sampled_from(["usual", "odd"])))
    return move(events, draw(promises()), calendar=calendar, at=at)


def breaches(clock: ClockState) -> set[tuple[str, object]]:
    return {(each.key, each.breached_at) for each in clock.shown if each.breached_at}


@given(lives(), st.integers(0, SPAN), st.integers(0, SPAN))
def test_a_breach_that_was_seen_is_seen_ever_after(events: Life, first: int, more: int) -> None:
    early = events[0].at + first * MINUTE
    sent = breaches(evolve(events, early))
    assert sent <= breaches(evolve(events, early + more * MINUTE))


@given(lives(), st.integers(0, SPAN), st.randoms(use_true_random=False))
def test_a_state_knows_no_order_of_arrival_and_nothing_of_later(
    events: Life, offset: int, dice: Random
) -> None:
    moment = events[0].at + offset * MINUTE
    wanted = evolve(events, moment)
    mixed = dice.sample(events, len(events))
    assert evolve(mixed, moment) == wanted
    assert evolve([each for each in events if each.at <= moment], moment) == wanted


@given(lives(), st.integers(0, SPAN))
def test_every_deadline_of_a_life_is_explained_to_its_last_minute(
    events: Life, offset: int
) -> None:
    moment = events[0].at + offset * MINUTE
    clock = evolve(events, moment)
    told = clock_explanations(events, moment)
    assert len(told) == len(clock.shown)
    for explained in told:
        assert explained.counted == explained.target
    for target in clock.shown:
        assert all(pause.start <= pause.end for pause in target.pauses)
        if target.phase is Phase.PAUSED:
            assert target.due_at >= target.pauses[-1].end


@given(lives())
def test_a_timer_that_sleeps_until_it_must_tells_each_once_and_in_opening_hours(
    events: Life,
) -> None:
    now, end = events[0].at, events[0].at + SPAN * MINUTE
    sent, wakes = set[NoticeKey](), {each.at for each in events}
    while now <= end:
        known = [each for each in events if each.at <= now]
        owed = pending_notices(known, now, sent=sent)
        for notice in owed.due:
            assert notice.key not in sent
            sent.add(notice.key)
            if notice.key.kind is not NoticeKind.BREACH:
                current = evolve(known, now).current
                assert current is not None
                assert current.calendar.is_open(now)
        after = [wake for wake in wakes if wake > now]
        if owed.next_action_at is not None:
            assert owed.next_action_at > now
            after.append(owed.next_action_at)
        if not after:
            break
        now = min(after)
    told = {key.target for key in sent if key.kind is NoticeKind.BREACH}
    assert {key for key, _ in breaches(evolve(events, end))} <= told

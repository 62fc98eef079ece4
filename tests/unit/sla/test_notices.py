"""Which warnings and breaches a clock owes, and when to look again."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.businesstime.counting import Counting
from services.sla.clocks.events import (
    Answered,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Paused,
    ResumeCause,
    Resumed,
    WindowSet,
)
from services.sla.clocks.notices import Notice, NoticeKey, NoticeKind
from services.sla.clocks.target import Phase
from services.sla.promises.promise import BeforeEnd, Promise, SpentShare
from tests.unit.sla.builders import (
    DAY,
    HOUR,
    at,
    berlin,
    evolve,
    local,
    pending_notices,
    promise,
    start,
)
from tests.unit.sla.clock_reference import WATCHED, History, histories, instant

QUARTER_LEFT = NoticeKey(NoticeKind.WARNING, "75%", "1")
LAST_HOUR = NoticeKey(NoticeKind.WARNING, "1h before end", "1")
BREACH = NoticeKey(NoticeKind.BREACH, "", "1")
TICK = timedelta(microseconds=1)


def begun(received: str = "2026-03-02 11:00", kept: Promise | None = None) -> ClockEvent:
    return start(kept or promise(), berlin(), at(received))


def drive(
    events: list[ClockEvent], *, until: datetime, poll: timedelta | None = None
) -> list[tuple[datetime, Notice]]:
    """A timer that sleeps until it must look again (or polls), and tells each notice once."""
    begin = min(event.at for event in events)
    wakes = {event.at for event in events}
    now, told = begin, list[tuple[datetime, Notice]]()
    while now <= until:
        owed = pending_notices(events, now, sent={n.key for _, n in told})
        told += [(now, notice) for notice in owed.due]
        after = [wake for wake in wakes if wake > now]
        if poll is not None:
            after.append(now + poll)
        elif owed.next_action_at is not None:
            assert owed.next_action_at > now
            after.append(owed.next_action_at)
        if not after:
            break
        now = min(after)
    return told


def summary(told: list[tuple[datetime, Notice]]) -> list[tuple[str, str]]:
    return [(local(now), str(notice.key)) for now, notice in told]


def test_both_warnings_and_the_breach_in_their_time() -> None:
    told = drive([begun()], until=at("2026-03-10 10:00"))
    assert summary(told) == [
        ("Tue 2026-03-03 09:00", "warning:75%:1"),
        ("Tue 2026-03-03 10:00", "warning:1h before end:1"),
        ("Tue 2026-03-03 11:00", "breach::1"),
    ]
    assert told[-1][1].due_at == told[-1][1].at == at("2026-03-03 11:00")


@pytest.mark.parametrize(
    ("received", "first", "second"),
    [
        ("2026-03-06 16:00", "Mon 2026-03-09 14:00", "Mon 2026-03-09 15:00"),
        ("2026-03-07 12:00", "Mon 2026-03-09 15:00", "Mon 2026-03-09 16:00"),
        ("2026-03-02 09:30", "Mon 2026-03-02 15:30", "Mon 2026-03-02 16:30"),
    ],
)
def test_warnings_fall_inside_opening_hours(received: str, first: str, second: str) -> None:
    told = drive([begun(received)], until=at("2026-03-20 10:00"))
    assert [local(now) for now, notice in told if notice.key.kind is NoticeKind.WARNING] == [
        first,
        second,
    ]


def test_wall_clock_warnings_come_while_people_can_act() -> None:
    kept = promise(Counting.WALL_CLOCK, 48 * HOUR)  # due on Sunday at noon
    told = drive([begun("2026-03-06 12:00", kept)], until=at("2026-03-20 10:00"))
    assert summary(told) == [
        ("Fri 2026-03-06 15:45", "warning:75%:1"),
        ("Fri 2026-03-06 16:00", "warning:1h before end:1"),
        ("Sun 2026-03-08 12:00", "breach::1"),
    ]


def test_no_open_moment_before_the_deadline_means_no_warning() -> None:
    kept = promise(Counting.WALL_CLOCK, 12 * HOUR)
    told = drive([begun("2026-03-07 10:00", kept)], until=at("2026-03-20 10:00"))
    assert summary(told) == [("Sat 2026-03-07 22:00", "breach::1")]


def test_less_time_than_the_level_warns_at_the_first_open_moment() -> None:
    kept = promise(Counting.OPENING_HOURS, HOUR / 2)
    owed = pending_notices([begun("2026-03-02 20:00", kept)], at("2026-03-03 09:00"))
    assert [notice.key for notice in owed.due] == [LAST_HOUR]


def test_next_action_is_the_next_thing_that_can_happen() -> None:
    events = [begun()]
    now = at("2026-03-02 11:00")
    assert pending_notices(events, now).next_action_at == at("2026-03-03 09:00")
    later = pending_notices(events, at("2026-03-03 10:30"), sent={QUARTER_LEFT, LAST_HOUR})
    assert later.due == ()
    assert later.next_action_at == at("2026-03-03 11:00") + TICK
    done = pending_notices(events, at("2026-03-04 11:00"), sent={BREACH})
    assert (done.due, done.next_action_at) == ((), None)


def test_nothing_is_owed_before_the_start() -> None:
    owed = pending_notices([begun()], at("2026-03-02 10:00"))
    assert (owed.due, owed.next_action_at) == ((), None)


def test_a_job_that_was_down_reports_the_breach_and_leaves_warnings_out() -> None:
    owed = pending_notices([begun()], at("2026-03-05 11:00"))
    assert [notice.key for notice in owed.due] == [BREACH]
    assert owed.due[0].at == at("2026-03-03 11:00")


def test_a_breach_is_owed_although_the_answer_is_recorded() -> None:
    late: list[ClockEvent] = [begun(), Answered(at("2026-03-03 11:01"))]
    in_time: list[ClockEvent] = [begun(), Answered(at("2026-03-03 11:00"))]
    dismissed: list[ClockEvent] = [begun(), Cancelled(at("2026-03-03 12:00"), CancelReason.SPAM)]
    now = at("2026-03-05 11:00")
    assert [n.key for n in pending_notices(late, now).due] == [BREACH]
    assert [n.key for n in pending_notices(dismissed, now).due] == [BREACH]
    assert pending_notices(in_time, now).due == ()


def test_a_warning_is_not_owed_once_the_clock_ended_or_stands() -> None:
    now = at("2026-03-03 09:30")
    answered: list[ClockEvent] = [begun(), Answered(at("2026-03-03 09:10"))]
    paused: list[ClockEvent] = [
        begun(),
        Paused(at("2026-03-03 09:10"), until=at("2026-03-05 09:00")),
    ]
    assert pending_notices(answered, now).due == ()
    standing = pending_notices(paused, now)
    assert standing.due == ()
    assert standing.next_action_at == at("2026-03-05 09:00")


def test_a_missed_warning_waits_for_the_next_open_moment() -> None:
    events = [begun("2026-03-02 16:30", promise(Counting.OPENING_HOURS, HOUR))]
    night = pending_notices(events, at("2026-03-02 22:00"))
    assert night.due == ()
    assert night.next_action_at == at("2026-03-03 09:00")
    morning = pending_notices(events, at("2026-03-03 09:00"))
    assert [notice.key for notice in morning.due] == [LAST_HOUR]
    assert morning.next_action_at == at("2026-03-03 09:15")


def test_a_pause_moves_the_warnings_along() -> None:
    events: list[ClockEvent] = [
        begun(kept=promise(Counting.OPENING_HOURS, 8 * HOUR)),
        Paused(at("2026-03-02 12:00"), until=at("2026-03-09 09:00")),
        Resumed(at("2026-03-04 12:00"), ResumeCause.CUSTOMER_WROTE),
    ]
    assert summary(drive(events, until=at("2026-03-20 10:00"))) == [
        ("Thu 2026-03-05 09:00", "warning:75%:1"),
        ("Thu 2026-03-05 10:00", "warning:1h before end:1"),
        ("Thu 2026-03-05 11:00", "breach::1"),
    ]


def test_each_target_has_notices_of_its_own() -> None:
    events: list[ClockEvent] = [
        begun(),
        Held(at("2026-03-03 10:30"), follow_up_at=at("2026-03-05 12:00")),
    ]
    assert [key for _, key in summary(drive(events, until=at("2026-03-20 10:00")))] == [
        "warning:75%:1",
        "warning:1h before end:1",
        "warning:75%:2",
        "warning:1h before end:2",
        "breach::2",
    ]


def test_the_reply_window_is_announced_when_it_ends_before_the_deadline() -> None:
    received = at("2026-03-06 15:00")
    events: list[ClockEvent] = [
        start(promise(), berlin(), received, window_ends_at=received + DAY),
        WindowSet(at("2026-03-08 18:00"), ends_at=at("2026-03-09 14:00")),
    ]
    told = [pair for pair in drive(events, until=at("2026-03-09 14:30")) if "window" in str(pair)]
    assert [(local(now), notice.due_at) for now, notice in told] == [
        ("Fri 2026-03-06 16:00", received + DAY),
        ("Mon 2026-03-09 13:00", at("2026-03-09 14:00")),
    ]
    assert len({notice.key for _, notice in told}) == 2


def test_a_window_that_outlasts_the_deadline_is_not_announced() -> None:
    received = at("2026-03-02 11:00")
    event = start(promise(), berlin(), received, window_ends_at=received + 3 * DAY)
    assert all("window" not in key for _, key in summary(drive([event], until=received + 9 * DAY)))


def test_levels_are_the_promise_s_own() -> None:
    kept = Promise("p", DAY, warnings=(SpentShare(0.5), BeforeEnd(2 * HOUR)))
    told = drive([begun("2026-03-02 09:30", kept)], until=at("2026-03-09 10:00"))
    assert summary(told)[:2] == [
        ("Mon 2026-03-02 13:30", "warning:50%:1"),
        ("Mon 2026-03-02 15:30", "warning:2h before end:1"),
    ]


@given(histories(), st.integers(60, 700))
def test_a_sleeping_timer_a_poller_and_a_late_job_agree(history: History, poll: int) -> None:
    events, calendar = history.all_facts(), history.calendar
    begin, end = instant(history.received), instant(history.received + WATCHED)
    told: dict[str, dict[NoticeKey, datetime]] = {"sleeper": {}, "poller": {}, "late": {}}
    wakes = sorted(event.at for event in events)
    for who, sent in told.items():
        now = end if who == "late" else begin
        while now <= end:
            owed = pending_notices(events, now, sent=sent.keys())
            for notice in owed.due:
                assert notice.key not in sent
                assert notice.at <= now
                sent[notice.key] = now
                if notice.key.kind is NoticeKind.WARNING:
                    assert calendar.is_open(now)
                    clock = evolve(events, now)
                    assert clock.phase is Phase.RUNNING
                    assert clock.due_at is not None
                    assert now < clock.due_at
            if who == "sleeper":
                upcoming = [wake for wake in wakes if wake > now]
                if owed.next_action_at is not None:
                    assert owed.next_action_at > now
                    upcoming.append(owed.next_action_at)
                now = min(upcoming, default=end + TICK)
            else:
                now += timedelta(minutes=poll)
        final = pending_notices(events, end, sent=sent.keys())
        sent.update({n.key: end for n in final.due if n.key.kind is NoticeKind.BREACH})
    targets = evolve(events, end).targets
    wanted = {each.key for each in targets if each.breached_at is not None}
    for sent in told.values():
        assert {key.target for key in sent if key.kind is NoticeKind.BREACH} == wanted
    assert told["poller"].keys() <= told["sleeper"].keys()
    assert all(told["sleeper"][key] <= when for key, when in told["poller"].items())

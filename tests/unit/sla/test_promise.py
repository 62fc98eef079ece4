"""When a promise is due, why, and which one holds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.businesstime.counting import Counting
from services.sla.businesstime.rules import Closure, Reason
from services.sla.promises.promise import (
    BeforeEnd,
    Match,
    Promise,
    PromiseError,
    SpentShare,
    Subject,
    TargetKind,
    choose,
    due,
    explanation,
)
from tests.unit.sla.builders import BERLIN, DAY, HOUR, at, berlin, local, promise
from tests.unit.sla.strategies import instants


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("2026-03-02 10:00", "Tue 2026-03-03 10:00"),
        ("2026-03-13 16:00", "Mon 2026-03-16 16:00"),
        ("2026-03-14 12:00", "Mon 2026-03-16 17:00"),
        ("2026-03-02 20:00", "Tue 2026-03-03 17:00"),
        ("2026-03-02 07:00", "Mon 2026-03-02 17:00"),
        ("2027-03-05 16:00", "Tue 2027-03-09 16:00"),  # Frauentag is a Monday
        ("2026-03-27 16:00", "Mon 2026-03-30 16:00"),  # the clocks change on Sunday
        ("2026-12-23 12:00", "Thu 2026-12-24 12:00"),
        ("2026-12-24 12:00", "Mon 2026-12-28 12:00"),
        ("2026-03-02 17:00", "Tue 2026-03-03 17:00"),
        ("2026-03-02 09:00", "Tue 2026-03-03 09:00"),
    ],
)
def test_the_published_promise(received: str, expected: str) -> None:
    assert local(due(promise(), berlin(), at(received))) == expected


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        (Counting.WORKING_DAYS, "Mon 2026-03-16 16:00"),
        (Counting.OPENING_HOURS, "Wed 2026-03-18 16:00"),
        (Counting.WALL_CLOCK, "Sat 2026-03-14 16:00"),
    ],
)
def test_each_way_of_counting(counting: Counting, expected: str) -> None:
    assert local(due(promise(counting), berlin(), at("2026-03-13 16:00"))) == expected


@given(instants())
def test_a_working_day_is_eight_opening_hours(received: datetime) -> None:
    """True for every start but one: at the very opening the eight hours end at the closing of the
    same day, the 24 hours at the next opening; no opening time lies between the two."""
    calendar = berlin()
    by_day = due(promise(), calendar, received)
    by_hours = due(promise(Counting.OPENING_HOURS, 8 * HOUR), calendar, received)
    if received.astimezone(BERLIN).strftime("%H%M%S%f") == "090000000000":
        assert calendar.elapsed(by_hours, by_day) == timedelta(0)
    else:
        assert by_day == by_hours


@pytest.mark.parametrize("day", ["2026-03-02", "2026-03-13", "2026-03-30", "2026-10-23"])
def test_at_the_very_opening_both_ends_have_the_same_opening_time(day: str) -> None:
    calendar, opening = berlin(), at(f"{day} 09:00")
    by_day = due(promise(), calendar, opening)
    by_hours = due(promise(Counting.OPENING_HOURS, 8 * HOUR), calendar, opening)
    assert calendar.is_open(by_day)
    assert local(by_hours)[-5:] == "17:00"
    assert calendar.elapsed(opening, by_day) == calendar.elapsed(opening, by_hours) == 8 * HOUR


def test_a_working_day_with_a_clock_change_has_its_real_hours() -> None:
    calendar = berlin({day: ["09:00-17:00"] for day in ("sat", "sun", "mon")})
    assert local(due(promise(), calendar, at("2026-03-28 10:00"))) == "Sun 2026-03-29 11:00"
    assert local(due(promise(), calendar, at("2026-10-24 10:00"))) == "Sun 2026-10-25 09:00"


def test_when_nobody_is_open_in_between_the_next_opening_is_the_deadline() -> None:
    short = promise(target=2 * HOUR)
    assert local(due(short, berlin(), at("2026-03-02 18:00"))) == "Tue 2026-03-03 09:00"
    assert local(due(short, berlin(), at("2026-03-02 16:00"))) == "Mon 2026-03-02 17:00"


@given(
    instants(),
    st.timedeltas(timedelta(0), timedelta(days=4)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=3)),
    st.sampled_from(list(Counting)),
)
def test_a_later_receipt_is_never_due_earlier(
    received: datetime, later: timedelta, target: timedelta, counting: Counting
) -> None:
    kept, calendar, first = promise(counting, target), berlin(), received.astimezone(UTC)
    assert first < due(kept, calendar, first) <= due(kept, calendar, first + later)


@given(
    instants(),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=5)),
    st.sampled_from(list(Counting)),
)
def test_the_explanation_adds_up_to_the_target(
    received: datetime, target: timedelta, counting: Counting
) -> None:
    start = received.astimezone(UTC)
    told = explanation(promise(counting, target), berlin(), start)
    assert told.counted == told.target == target
    assert [span.start for span in told.spans] == [start, *(s.end for s in told.spans[:-1])]
    assert told.spans[-1].end == told.runs_out_at
    assert told.due_at == due(promise(counting, target), berlin(), start)
    assert told.pulled_back == told.runs_out_at - told.due_at
    if counting is not Counting.WORKING_DAYS:
        assert told.pulled_back == timedelta(0)


def test_an_explained_deadline_reads_like_a_calendar() -> None:
    told = explanation(promise(), berlin(), at("2026-03-06 20:00"))
    assert [(local(s.start), local(s.end), s.counted, s.because) for s in told.spans] == [
        ("Fri 2026-03-06 20:00", "Sat 2026-03-07 00:00", True, "working day"),
        ("Sat 2026-03-07 00:00", "Sun 2026-03-08 00:00", False, "weekend"),
        ("Sun 2026-03-08 00:00", "Mon 2026-03-09 00:00", False, "Frauentag"),
        ("Mon 2026-03-09 00:00", "Mon 2026-03-09 20:00", True, "working day"),
    ]
    assert local(told.runs_out_at) == "Mon 2026-03-09 20:00"
    assert local(told.due_at) == "Mon 2026-03-09 17:00"
    assert told.pulled_back == 3 * HOUR


def test_wall_clock_counts_every_hour() -> None:
    told = explanation(promise(Counting.WALL_CLOCK), berlin(), at("2026-03-07 20:00"))
    assert [(span.counted, span.reason) for span in told.spans] == [(True, Reason.EVERY_HOUR)]


def test_the_strictest_promise_wins_and_all_matches_are_told() -> None:
    public = Promise("public", DAY)
    event = Promise(
        "event", 4 * HOUR, Counting.OPENING_HOURS, match=Match(hashtags=frozenset({"iico"}))
    )
    partner = Promise("partner", 3 * HOUR, match=Match(contacts=frozenset({"c-1"})))
    chosen = choose(
        [public, event, partner],
        Subject("x", desk="inbound", hashtags=frozenset({"iico", "other"})),
        calendar=berlin(),
        received_at=at("2026-03-02 10:00"),
    )
    assert chosen is not None
    assert chosen.promise is event
    assert local(chosen.due_at) == "Mon 2026-03-02 14:00"
    assert [(each.name, local(end)) for each, end in chosen.matched] == [
        ("public", "Tue 2026-03-03 10:00"),
        ("event", "Mon 2026-03-02 14:00"),
    ]


@pytest.mark.parametrize(
    ("match", "covered"),
    [
        (Match(), True),
        (Match(channels=frozenset({"x"})), True),
        (Match(channels=frozenset({"email"})), False),
        (Match(desks=frozenset({"technical"})), True),
        (Match(desks=frozenset({"inbound"})), False),
        (Match(contacts=frozenset({"c-1"})), True),
        (Match(contacts=frozenset({"c-2"})), False),
        (Match(channels=frozenset({"x"}), hashtags=frozenset({"none"})), False),
    ],
)
def test_matching(match: Match, covered: bool) -> None:
    assert match.covers(Subject("x", "technical", frozenset({"a"}), "c-1")) is covered


def test_equal_deadlines_keep_the_order_and_no_match_is_no_clock() -> None:
    first, second = Promise("first", DAY), Promise("second", DAY)
    received = at("2026-03-02 10:00")
    subject = Subject("x")
    chosen = choose([first, second], subject, calendar=berlin(), received_at=received)
    assert chosen is not None
    assert chosen.promise is first
    nobody = Promise("nobody", DAY, match=Match(channels=frozenset({"email"})))
    assert choose([nobody], subject, calendar=berlin(), received_at=received) is None


def test_other_targets() -> None:
    both = Promise("p", DAY, follow_up=5 * DAY, hand_over=2 * HOUR)
    received = at("2026-03-02 10:00")
    ends = [local(due(both, berlin(), received, kind=kind)) for kind in TargetKind]
    assert ends == ["Tue 2026-03-03 10:00", "Mon 2026-03-09 10:00", "Mon 2026-03-02 12:00"]
    with pytest.raises(PromiseError, match="'public' has no target for hand_over"):
        due(promise(), berlin(), received, kind=TargetKind.HAND_OVER)


def test_promises_that_make_no_sense() -> None:
    with pytest.raises(PromiseError, match=r"first_answer is .*above zero"):
        Promise("p", timedelta(0))
    with pytest.raises(PromiseError, match=r"follow_up is .*above zero"):
        Promise("p", DAY, follow_up=-DAY)
    with pytest.raises(PromiseError, match=r"use a share like 0\.75"):
        SpentShare(75)
    with pytest.raises(PromiseError, match="time above zero"):
        BeforeEnd(timedelta(0))
    with pytest.raises(PromiseError, match="same warning level twice"):
        Promise("p", DAY, warnings=(SpentShare(0.5), SpentShare(0.5)))


def test_a_closure_moves_the_promise() -> None:
    calendar = berlin(closures=(Closure(date(2026, 3, 3), date(2026, 3, 4), "Messe"),))
    assert local(due(promise(), calendar, at("2026-03-02 10:00"))) == "Thu 2026-03-05 10:00"

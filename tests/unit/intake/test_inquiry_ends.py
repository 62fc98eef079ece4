"""Which of an inquiry's ends decides, and what that makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.intake.inquiries.domain.ends import Cut, End, EndKind, stands, verdict
from services.intake.inquiries.domain.inquiry import InquiryState, NotAllowedError

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def given(kind: EndKind, minutes: int, **more: Any) -> End:
    """An end so many minutes after ten; one of each kind and minute."""
    number = minutes * len(EndKind) + list(EndKind).index(kind)
    return End(UUID(int=number), kind, TEN + minutes * MINUTE, "Anna", **more)


def test_without_an_end_it_is_open() -> None:
    found = verdict([])
    assert (found.state, found.ended_at, found.answered_at) == (InquiryState.OPEN, None, None)
    assert (found.closed_at, found.reason, found.follow_up_at) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EndKind.ANSWER, InquiryState.ANSWERED),
        (EndKind.COMPLETE, InquiryState.ANSWERED),
        (EndKind.CLOSE, InquiryState.CLOSED),
        (EndKind.DISMISS, InquiryState.NO_ANSWER),
        (EndKind.HOLDING, InquiryState.HELD),
    ],
)
def test_each_kind_of_end_makes_its_state(kind: EndKind, state: InquiryState) -> None:
    assert verdict([given(kind, 1)]).state is state


def test_the_moment_is_that_of_an_answer_or_of_a_close() -> None:
    answered, closed = verdict([given(EndKind.ANSWER, 3)]), verdict([given(EndKind.CLOSE, 3)])
    assert (answered.answered_at, answered.closed_at) == (TEN + 3 * MINUTE, None)
    assert (closed.answered_at, closed.closed_at) == (None, TEN + 3 * MINUTE)


def test_the_earliest_decides_in_whatever_order_they_are_heard() -> None:
    ends = [
        given(EndKind.DISMISS, 3, reason="netiquette"),
        given(EndKind.CLOSE, 2, reason="withdrawn"),
        given(EndKind.ANSWER, 4),
    ]
    for order in permutations(ends):
        found = verdict(order)
        assert (found.state, found.reason) == (InquiryState.CLOSED, "withdrawn")


def test_at_one_moment_an_answer_comes_before_any_other() -> None:
    ends = [given(EndKind.CLOSE, 2), given(EndKind.DISMISS, 2), given(EndKind.COMPLETE, 2)]
    assert all(verdict(each).state is InquiryState.ANSWERED for each in permutations(ends))


def test_the_latest_holding_reply_says_until_when() -> None:
    early = given(EndKind.HOLDING, 1, follow_up_at=TEN + 90 * MINUTE)
    late = given(EndKind.HOLDING, 2, follow_up_at=TEN + 60 * MINUTE)
    for ends in permutations([early, late]):
        assert verdict(ends).follow_up_at == TEN + 60 * MINUTE
    assert verdict([early, late, given(EndKind.ANSWER, 5)]).state is InquiryState.ANSWERED


def test_what_was_taken_back_counts_no_more() -> None:
    gone = given(EndKind.ANSWER, 1, taken_back=True)
    assert verdict([gone]).state is InquiryState.OPEN
    assert verdict([gone, given(EndKind.CLOSE, 2)]).state is InquiryState.CLOSED


@pytest.mark.parametrize(
    ("kind", "minutes", "expected"),
    [
        (EndKind.CLOSE, 4, False),
        (EndKind.COMPLETE, 5, False),
        (EndKind.DISMISS, 5, False),
        (EndKind.DISMISS, 6, True),
        (EndKind.ANSWER, 4, True),
        (EndKind.HOLDING, 4, True),
    ],
)
def test_reopening_takes_back_what_a_desk_decided_until_then(
    kind: EndKind, minutes: int, expected: bool
) -> None:
    assert stands(given(kind, minutes), TEN + 5 * MINUTE) is expected
    assert stands(given(kind, minutes), None)


def test_a_cut_covers_up_to_the_last_message_that_could_be_seen() -> None:
    seen, before, after = (UUID(int=number) for number in (5, 4, 6))
    cut = Cut(TEN, seen)
    assert cut.covers(TEN, seen)
    assert cut.covers(TEN, before)
    assert not cut.covers(TEN, after), "received in the same moment, and stored after it"
    assert cut.covers(TEN - MINUTE, after)
    assert not cut.covers(TEN + MINUTE, before)


def test_a_cut_without_a_message_covers_all_of_its_moment() -> None:
    assert Cut(TEN).covers(TEN, UUID(int=9))
    assert not Cut(TEN).covers(TEN + MINUTE, UUID(int=1))


@pytest.mark.parametrize("state", InquiryState)
def test_what_is_not_allowed_says_what_would_be(state: InquiryState) -> None:
    said = str(NotAllowedError.of(state, "answered", "netiquette"))
    assert said.startswith(f"an inquiry that is {state.value} cannot be answered: ")
    told = {InquiryState.NO_ANSWER, InquiryState.CLOSED}
    assert ("netiquette" in said) is (state in told)

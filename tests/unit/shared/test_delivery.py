"""When a delivery is tried again, and who wants to hear of what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.notifications.domain import RETRY_PERIOD, Attempt, Subscription, next_attempt

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
REFUSED = Attempt(delivered=False, status=500)


def pause(attempts: int, *, attempt: Attempt = REFUSED, jitter: float = 0.5) -> timedelta:
    again = next_attempt(
        attempt, attempts=attempts, now=NOW, give_up_at=NOW + RETRY_PERIOD, jitter=jitter
    )
    assert again is not None
    return again - NOW


def test_pauses_grow_to_six_hours() -> None:
    seconds = [pause(number).total_seconds() for number in range(1, 12)]
    assert seconds[:4] == [5, 15, 45, 135]
    assert seconds[-3:] == [21_600] * 3
    assert seconds == sorted(seconds)


def test_nobody_comes_back_at_the_same_moment() -> None:
    assert pause(1, jitter=0.0) == timedelta(seconds=3.75)
    assert pause(1, jitter=1.0) == timedelta(seconds=6.25)


@pytest.mark.parametrize(("asked", "pause_seconds"), [(1, 5), (60, 60), (86_400 * 365, 6 * 3600)])
def test_the_receivers_wish_counts_within_reason(asked: int, pause_seconds: int) -> None:
    wish = Attempt(delivered=False, status=429, wait=timedelta(seconds=asked))
    assert pause(1, attempt=wish) == timedelta(seconds=pause_seconds)


@given(
    st.integers(1, 10**6),
    st.floats(0, 1),
    st.timedeltas(timedelta(0), timedelta(days=4)),
)
def test_it_ends_at_the_given_moment(attempts: int, jitter: float, passed: timedelta) -> None:
    give_up_at, now = NOW + RETRY_PERIOD, NOW + passed
    again = next_attempt(REFUSED, attempts=attempts, now=now, give_up_at=give_up_at, jitter=jitter)
    if now >= give_up_at:
        assert again is None
    else:
        assert again is not None
        assert now < again <= give_up_at


def test_a_receiver_that_is_gone_is_not_tried() -> None:
    gone = Attempt(delivered=False, status=410, gone=True)
    assert next_attempt(gone, attempts=1, now=NOW, give_up_at=NOW + RETRY_PERIOD, jitter=0) is None


def test_who_wants_what() -> None:
    everybody = Subscription("all", frozenset({"breached"}))
    one_desk = Subscription("one", frozenset({"breached"}), frozenset({"technical"}))
    assert everybody.wants("breached", None)
    assert not everybody.wants("warning", "technical")
    assert one_desk.wants("breached", "technical")
    assert not one_desk.wants("breached", "inbound")
    assert not one_desk.wants("breached", None)
    assert one_desk.wants("breached", "inbound", "technical")

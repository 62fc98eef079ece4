"""Of all ends of a ToDo that stand the earliest decides, in whatever order they are heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.todos.domain.ends import (
    DESK_DECISIONS,
    UNCLASSIFIED,
    End,
    EndKind,
    outcome,
    reopenable,
    status_after,
)
from services.router.todos.domain.todo import DismissReason, TodoState, TodoStatus

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODO = TodoStatus("technical")


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def end(kind: EndKind, minutes: int, *, key: int, revision: int = 0, final: bool = False) -> End:
    reason = DismissReason.SPAM if kind in (EndKind.DISMISSED, EndKind.CLOSED) else None
    return End(UUID(int=key), kind, at(minutes), "Anna", reason, None, revision, final)


ANSWER = end(EndKind.ANSWERED, 10, key=1)
DISMISSAL = end(EndKind.DISMISSED, 20, key=2)
COMPLETION = end(EndKind.COMPLETED, 5, key=3)


@pytest.mark.parametrize(
    ("ends", "reopened", "state", "ended"),
    [
        ([], None, TodoState.OPEN, None),
        ([ANSWER, DISMISSAL], None, TodoState.DONE, 10),
        ([DISMISSAL, end(EndKind.ANSWERED, 30, key=1)], None, TodoState.DISMISSED, 20),
        ([DISMISSAL, end(EndKind.ANSWERED, 20, key=1)], None, TodoState.DONE, 20),
        ([COMPLETION, DISMISSAL], 5, TodoState.DISMISSED, 20),
        ([COMPLETION, DISMISSAL], 20, TodoState.OPEN, None),
        ([COMPLETION, ANSWER], 20, TodoState.DONE, 10),
        ([end(EndKind.CLOSED, 5, key=4, final=True)], 20, TodoState.DISMISSED, 5),
        ([ANSWER, end(EndKind.WITHDRAWN, 40, key=1, revision=1)], None, TodoState.OPEN, None),
        (
            [
                ANSWER,
                end(EndKind.WITHDRAWN, 40, key=1, revision=1),
                end(EndKind.ANSWERED, 10, key=1, revision=2),
            ],
            None,
            TodoState.DONE,
            10,
        ),
        ([end(EndKind.HELD, 10, key=1)], None, TodoState.OPEN, None),
    ],
)
def test_the_earliest_that_stands_decides_in_any_order(
    ends: list[End], reopened: int | None, state: TodoState, ended: int | None
) -> None:
    reopened_at = None if reopened is None else at(reopened)
    for order in permutations(ends):
        decided = outcome(order, reopened_at=reopened_at)
        after = status_after(TODO, decided, claimed=False)
        assert after.state is state
        assert (after.dismissal is not None) == (state is TodoState.DISMISSED)
        moment = None if decided.deciding is None else decided.deciding.at
        assert moment == (None if ended is None else at(ended))


KINDS = st.sampled_from(list(EndKind))


@st.composite
def told(draw: st.DrawFn) -> list[End]:
    """Some facts about few replies and decisions at few moments, so that many of them collide."""
    found = {}
    for number in range(draw(st.integers(0, 6))):
        kind = draw(KINDS)
        reply = kind not in DESK_DECISIONS
        key = draw(st.integers(1, 2)) if reply else 10 + number
        revision = draw(st.integers(0, 3)) if reply else 0
        final = kind is EndKind.CLOSED and draw(st.booleans())
        # Two different things are never told of one reply under one revision.
        found[key, revision] = end(
            kind, draw(st.integers(0, 3)), key=key, revision=revision, final=final
        )
    return list(found.values())


@given(told(), st.none() | st.integers(0, 3), st.booleans(), st.randoms())
def test_no_order_and_no_step_between_changes_how_it_stands(
    ends: list[End], reopened: int | None, claimed: bool, chance: Random
) -> None:
    reopened_at = None if reopened is None else at(reopened)
    begun = TodoStatus("technical", TodoState.CLAIMED, "Dora") if claimed else TODO
    expected = status_after(begun, outcome(ends, reopened_at=reopened_at), claimed=claimed)
    shuffled = chance.sample(ends, len(ends))
    status = begun
    for number in range(len(shuffled) + 1):
        decided = outcome(shuffled[:number], reopened_at=reopened_at)
        status = status_after(status, decided, claimed=claimed)
    assert status == expected
    assert outcome(shuffled, reopened_at=reopened_at) == outcome(ends, reopened_at=reopened_at)


def test_what_became_part_of_another_is_a_duplicate_however_it_ended() -> None:
    part = end(EndKind.CLOSED, 50, key=9, final=True)
    for order in permutations([ANSWER, COMPLETION, part]):
        assert outcome(order, reopened_at=None).deciding is part


def test_a_post_counts_until_it_is_classified() -> None:
    post = end(EndKind.OWN_POST, 5, key=1, revision=UNCLASSIFIED)
    assert outcome([post], reopened_at=None).own_post is post
    for order in permutations([post, ANSWER]):
        decided = outcome(order, reopened_at=None)
        assert (decided.own_post, decided.deciding) == (None, ANSWER)


def test_the_hold_that_counts_is_the_last_before_the_end() -> None:
    early, late = end(EndKind.HELD, 5, key=7), end(EndKind.HELD, 15, key=8)
    for order in permutations([early, late, ANSWER]):
        assert outcome(order, reopened_at=None).hold is early
    assert outcome([late, early], reopened_at=None).hold is late


def test_whoever_had_claimed_it_has_it_again() -> None:
    done = TodoStatus("technical", TodoState.DONE, "Anna")
    nothing = outcome([], reopened_at=None)
    assert status_after(done, nothing, claimed=True) == TodoStatus(
        "technical", TodoState.CLAIMED, "Anna"
    )
    assert status_after(done, nothing, claimed=False) == TODO


def test_only_what_a_desk_decided_can_be_reopened() -> None:
    everything = [ANSWER, DISMISSAL, COMPLETION, end(EndKind.CLOSED, 1, key=9, final=True)]
    assert reopenable(everything, reopened_at=None) == [DISMISSAL, COMPLETION]
    assert reopenable(everything, reopened_at=at(5)) == [DISMISSAL]

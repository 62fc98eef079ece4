"""Of all ends of a ToDo that stand the earliest decides, in whatever order they are heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from services.router.domain.ends import End, EndKind, reopenable, status_after, verdict
from services.router.domain.todo import DismissReason, TodoState, TodoStatus

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
        decided = verdict(order, reopened_at=reopened_at)
        after = status_after(TODO, decided, claimed=False)
        assert after.state is state
        assert (after.dismissal is not None) == (state is TodoState.DISMISSED)
        moment = None if decided.deciding is None else decided.deciding.at
        assert moment == (None if ended is None else at(ended))


def test_whoever_had_claimed_it_has_it_again() -> None:
    done = TodoStatus("technical", TodoState.DONE, "Anna")
    nothing = verdict([], reopened_at=None)
    assert status_after(done, nothing, claimed=True) == TodoStatus(
        "technical", TodoState.CLAIMED, "Anna"
    )
    assert status_after(done, nothing, claimed=False) == TODO


def test_only_what_a_desk_decided_can_be_reopened() -> None:
    everything = [ANSWER, DISMISSAL, COMPLETION, end(EndKind.CLOSED, 1, key=9, final=True)]
    assert reopenable(everything, reopened_at=None) == [DISMISSAL, COMPLETION]
    assert reopenable(everything, reopened_at=at(5)) == [DISMISSAL]

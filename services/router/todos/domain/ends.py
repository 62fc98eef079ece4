"""How a ToDo ended: of all ends that stand the earliest decides, in whatever order they arrived.

A desk completes or dismisses it, a person at intake closes the inquiry, or a reply answers it. A
reply may be classified again, so of all reports about one reply the highest revision counts.
What was decided until the ToDo was reopened is taken back, whenever it arrives; an answer stands.
An inquiry that became part of another is a duplicate, however else it had ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.router.todos.domain.todo import GOING_ON, DismissReason, TodoState, TodoStatus


class EndKind(StrEnum):
    """What a reply was reported to be, or a desk decided.

    `held`, `withdrawn` and `own_post` (a post of ours that nobody has classified) end nothing.
    """

    ANSWERED = "answered"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    OWN_POST = "own_post"
    COMPLETED = "completed"
    DISMISSED = "dismissed"
    CLOSED = "closed"


DESK_DECISIONS = frozenset({EndKind.COMPLETED, EndKind.DISMISSED, EndKind.CLOSED})
_ENDS = DESK_DECISIONS | {EndKind.ANSWERED}
_ANSWERS = frozenset({EndKind.ANSWERED, EndKind.COMPLETED})
UNCLASSIFIED = -1
"""The revision of a post that nobody has classified: whatever it is classified as comes later."""


@dataclass(frozen=True, slots=True)
class End:
    """`key` is the reply's message, or the event that reported it; `key_name` the API key through
    which it was decided. Moments in UTC.

    `final` is set for an inquiry that became part of another: nobody can take that back.
    """

    key: UUID
    kind: EndKind
    at: datetime
    by: str
    reason: DismissReason | None = None
    follow_up_at: datetime | None = None
    revision: int = 0
    final: bool = False
    key_name: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the ends make of a ToDo: the one that decides, the last holding reply before it, and the
    last post of ours that nobody has classified.
    """

    deciding: End | None = None
    hold: End | None = None
    own_post: End | None = None


def known(ends: Iterable[End]) -> list[End]:
    """One for each key: the highest revision, and of equal ones the first."""
    newest: dict[UUID, End] = {}
    for end in ends:
        if end.key not in newest or newest[end.key].revision < end.revision:
            newest[end.key] = end
    return list(newest.values())


def outcome(ends: Iterable[End], *, reopened_at: datetime | None) -> Outcome:
    """By when everything happened. At one moment an answer comes before a dismissal."""
    standing = [end for end in known(ends) if not taken_back(end, reopened_at)]
    deciding = min((end for end in standing if end.kind in _ENDS), key=_order, default=None)
    holds = [
        end
        for end in standing
        if end.kind is EndKind.HELD and (deciding is None or end.at < deciding.at)
    ]
    posts = [end for end in standing if end.kind is EndKind.OWN_POST]
    return Outcome(deciding, _last(holds), _last(posts))


def taken_back(end: End, reopened_at: datetime | None) -> bool:
    """Whether the reopening took it back."""
    if reopened_at is None or end.final or end.kind not in DESK_DECISIONS:
        return False
    return end.at <= reopened_at


def reopenable(ends: Iterable[End], *, reopened_at: datetime | None) -> list[End]:
    """The desk's decisions that stand and that a person may take back."""
    return [
        end
        for end in known(ends)
        if end.kind in DESK_DECISIONS and not end.final and not taken_back(end, reopened_at)
    ]


def status_after(todo: TodoStatus, decided: Outcome, *, claimed: bool) -> TodoStatus:
    """How the ToDo stands now. `claimed`: its assignee had taken it, and has it again without an
    end; another assignee is only whoever ended it.
    """
    end = decided.deciding
    if end is None and todo.state in GOING_ON:
        return todo
    holder = todo.assignee if claimed else None
    if end is None:
        state = TodoState.OPEN if holder is None else TodoState.CLAIMED
        return replace(todo, state=state, assignee=holder, dismissal=None)
    if end.kind is EndKind.ANSWERED:
        return replace(todo, state=TodoState.DONE, assignee=holder, dismissal=None)
    if end.kind is EndKind.COMPLETED:
        return replace(todo, state=TodoState.DONE, assignee=holder or end.by, dismissal=None)
    return replace(todo, state=TodoState.DISMISSED, assignee=holder or end.by, dismissal=end.reason)


def _order(end: End) -> tuple[bool, datetime, bool, UUID]:
    return not end.final, end.at, end.kind not in _ANSWERS, end.key


def _last(ends: list[End]) -> End | None:
    return max(ends, key=lambda end: (end.at, end.key), default=None)

"""Whose an inquiry was: what people did with its ToDo is a label, the latest of what they did.

=========  =======================================================================  ======
source     what was done                                                            weight
=========  =======================================================================  ======
verdict    a person at the review desk said what it is, or moved it away from there  1.0
moved      a person moved it to another desk                                         1.0
ended      it was answered or completed at a desk to which nobody had moved it       0.5
=========  =======================================================================  ======

Silence is weaker than a correction: many an inquiry is answered by whoever happened to get it. What
was taken back (reopened, moved back, answer withdrawn) is no label any more, since a label follows
from how the ToDo stands. None of these is one: a duplicate, a part of another inquiry, one at the
review desk, and one that nobody moved from the desk that the customer had addressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.router.deciding.decision import (
    INBOUND_DESK,
    REVIEW_DESK,
    TECHNICAL_DESK,
    Kind,
    Rule,
)

ROUTER = "router"
_NO_ANSWER = frozenset({Kind.NETIQUETTE, Kind.SPAM, Kind.NO_ANSWER_NEEDED})


class Source(StrEnum):
    VERDICT = "verdict"
    MOVED = "moved"
    ENDED = "ended"


WEIGHTS = {Source.VERDICT: 1.0, Source.MOVED: 1.0, Source.ENDED: 0.5}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history by which a ToDo was moved: `what` as it is stored there."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A ToDo as it stands. `desk` has it now; `first_desk` had it first."""

    desk: str
    first_desk: str
    state: str
    dismissal: str | None
    ended_at: datetime | None
    ended_by: str | None
    decided_by: str | None
    merged: bool
    history: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Label:
    """`desk` is None for a kind that gets no answer."""

    kind: str
    desk: str | None
    source: Source
    at: datetime

    @property
    def weight(self) -> float:
        return WEIGHTS[self.source]


def label_of(todo: Standing) -> Label | None:
    """What the ToDo teaches now; None for nothing."""
    if todo.merged:
        return None
    if todo.state == "dismissed":
        return _of_dismissal(todo)
    if todo.desk == REVIEW_DESK:
        return None
    moved = _last_move(todo)
    if moved is not None:
        from_review = todo.first_desk == REVIEW_DESK or moved.what == "verdict"
        source = Source.VERDICT if from_review else Source.MOVED
        return Label(kind_of_desk(todo.desk), todo.desk, source, moved.at)
    if todo.decided_by == Rule.ADDRESSED_DESK or todo.state != "done" or todo.ended_at is None:
        return None
    return Label(kind_of_desk(todo.desk), todo.desk, Source.ENDED, todo.ended_at)


def kind_of_desk(desk: str) -> str:
    return (Kind.TECHNICAL if desk == TECHNICAL_DESK else Kind.GENERAL).value


def decided_desk(kind: str, first_desk: str) -> str:
    """To which desk a decision of that kind gave it."""
    if kind == Kind.TECHNICAL:
        return TECHNICAL_DESK
    if kind != Kind.GENERAL:
        return REVIEW_DESK
    return first_desk if first_desk not in (TECHNICAL_DESK, REVIEW_DESK) else INBOUND_DESK


def _of_dismissal(todo: Standing) -> Label | None:
    """What the policy dismissed by itself taught nobody anything."""
    if todo.dismissal not in _NO_ANSWER or todo.ended_at is None or todo.ended_by == "policy":
        return None
    return Label(todo.dismissal, None, Source.VERDICT, todo.ended_at)


def _last_move(todo: Standing) -> Line | None:
    moves = [line for line in todo.history if line.who != ROUTER]
    return max(moves, key=lambda line: line.at, default=None)

"""What sla tells about deadlines."""

from __future__ import annotations

from collections.abc import Sequence

from services.router.store.deadlines import Deadline, ToldDeadline, keep_deadlines
from shared.db import Write
from shared.events.facts import (
    DeadlineFact,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)


def learn_deadlines(tx: Write, facts: Sequence[DeadlineFact]) -> None:
    """Take over how the clocks stand, for facts of one type; a ToDo that comes later finds it.

    What is older than what is known changes nothing: a fact that was replayed cannot turn the
    clock back. A deadline that starts or moves has no warning yet, every other end keeps its last.
    A ToDo shows when the answer is due; the hand-over is the technical desk's own target.
    """
    facts = [fact for fact in facts if fact.target != "hand_over"]
    if facts:
        speaks_of_warning = isinstance(facts[0], DeadlineStarted | DeadlineMoved | DeadlineWarning)
        keep_deadlines(tx, [_told(fact) for fact in facts], keep_warning=not speaks_of_warning)


def _told(fact: DeadlineFact) -> ToldDeadline:
    level = fact.level if isinstance(fact, DeadlineWarning) else None
    return ToldDeadline(
        fact.inquiry_id, fact.at, Deadline(fact.state, fact.target, fact.due_at, level)
    )

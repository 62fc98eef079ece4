"""What sla tells about deadlines."""

from __future__ import annotations

from collections.abc import Sequence

from services.router.deadlines.store import Deadline, ToldDeadline, keep_deadlines
from shared.db import Write
from shared.events.deadlines import DeadlineFact, DeadlineMoved, DeadlineStarted, DeadlineWarning
from shared.messaging.envelope import Envelope


def learn_deadlines(tx: Write, heard: Sequence[tuple[Envelope, DeadlineFact]]) -> None:
    """Take over how the clocks stand, for facts of one type; a ToDo that comes later finds it.

    What was told before what is known changes nothing: a fact that was replayed cannot turn the
    clock back. When it was told counts, not what it is about: sla may hear after the breach of an
    answer that was in time, and then the clock is met. A deadline that starts or moves has no
    warning yet, every other end keeps its last. A ToDo shows when the answer is due; the hand-over
    is the technical desk's own target.
    """
    heard = [(envelope, fact) for envelope, fact in heard if fact.target != "hand_over"]
    if heard:
        speaks_of_warning = isinstance(
            heard[0][1], DeadlineStarted | DeadlineMoved | DeadlineWarning
        )
        keep_deadlines(tx, [_told(*each) for each in heard], keep_warning=not speaks_of_warning)


def _told(envelope: Envelope, fact: DeadlineFact) -> ToldDeadline:
    level = fact.level if isinstance(fact, DeadlineWarning) else None
    return ToldDeadline(
        fact.inquiry_id, envelope.time, Deadline(fact.state, fact.target, fact.due_at, level)
    )

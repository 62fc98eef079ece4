"""What sla publishes about deadlines."""

from __future__ import annotations

from collections.abc import Sequence

from services.router.deadlines.store import Deadline, ReportedDeadline, keep_deadlines
from shared.db import Write
from shared.events.deadlines import DeadlineFact, DeadlineMoved, DeadlineStarted, DeadlineWarning
from shared.messaging.envelope import Envelope


def take_over_deadlines(tx: Write, arrived: Sequence[tuple[Envelope, DeadlineFact]]) -> None:
    """Take over how the clocks stand, for facts of one type; a ToDo that comes later finds it.

    What was published before what is known changes nothing: a fact that is replayed cannot turn the
    clock back. When it was published counts, not what it is about: an answer that was in time may
    reach sla after the breach, and then the clock is met. A deadline that starts or moves has no
    warning yet, every other end keeps its last. A ToDo shows when the answer is due; the hand-over
    is the technical desk's own target.
    """
    arrived = [(envelope, fact) for envelope, fact in arrived if fact.target != "hand_over"]
    if arrived:
        speaks_of_warning = isinstance(
            arrived[0][1], DeadlineStarted | DeadlineMoved | DeadlineWarning
        )
        keep_deadlines(
            tx, [_reported(*each) for each in arrived], keep_warning=not speaks_of_warning
        )


def _reported(envelope: Envelope, fact: DeadlineFact) -> ReportedDeadline:
    level = fact.level if isinstance(fact, DeadlineWarning) else None
    return ReportedDeadline(
        fact.inquiry_id, envelope.time, Deadline(fact.state, fact.target, fact.due_at, level)
    )

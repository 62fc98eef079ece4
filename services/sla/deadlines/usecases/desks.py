"""The desk of an inquiry became known or changed: another promise may hold now, and a hand-over to
the technical desk may be owed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.clocks.events import Assigned, Moved
from services.sla.clocks.evolve import move
from services.sla.clocks.hand_over import TECHNICAL_DESK
from services.sla.deadlines.move_cause import Change
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.deadlines.store.events import Recorded
from services.sla.deadlines.usecases.append import Arrival, Histories, earliest, record
from services.sla.promises.policy_version import Edition
from services.sla.promises.promise import Subject
from services.sla.promises.versions import Library
from shared.db import Write
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Assignment:
    """An inquiry and the desk it has from `at` on."""

    fact_id: UUID
    inquiry_id: UUID
    conversation_id: UUID
    desk: str
    at: datetime
    traceparent: str = ""


def assign(
    tx: Write, assignments: Sequence[Assignment], *, library: Library, now: datetime
) -> datetime | None:
    """Note the desks; where a promise asks for the desk, choose again and move the deadline.

    Returns when the first of the clocks that changed needs a look.
    """
    edition = library.follow(tx, now=now)
    if not (edition.asks_for_desks or edition.hands_over):
        deadlines.set_desks(
            tx, {each.inquiry_id: (each.conversation_id, each.desk) for each in assignments}
        )
        return None
    rows = deadlines.ensure(tx, {each.inquiry_id: each.conversation_id for each in assignments})
    changed = [each for each in assignments if rows[each.inquiry_id].desk != each.desk]
    deadlines.change(tx, {each.inquiry_id: {"desk": each.desk} for each in changed})
    looks = []
    if edition.asks_for_desks:
        # Ended clocks, too: the end may have come earlier than this, and later than the desk.
        clocks = [each for each in changed if rows[each.inquiry_id].due_at is not None]
        looks.append(_choose_again(tx, clocks, rows, edition, library=library, now=now))
    if edition.hands_over:
        arrivals = [_assigned(each) for each in assignments if _hands_over(each, rows)]
        looks.append(record(tx, arrivals, library=library, now=now))
    return earliest(looks)


def _hands_over(assignment: Assignment, rows: Mapping[UUID, DeadlineRow]) -> bool:
    """Whether the inquiry comes to the technical desk, or leaves it."""
    # A channel may name the technical desk itself: then the row has it before the ToDo says so.
    return TECHNICAL_DESK in (assignment.desk, rows[assignment.inquiry_id].desk)


def _assigned(assignment: Assignment) -> Arrival:
    fact = Assigned(assignment.at, assignment.desk)
    # The event's id may be that of the move already.
    recorded = Recorded(assignment.inquiry_id, new_id(), fact)
    return Arrival(
        assignment.conversation_id,
        recorded,
        Change("desk", assignment.at),
        assignment.traceparent,
    )


def subject_of(row: DeadlineRow, *, desk: str | None) -> Subject:
    """What promises are chosen by, from a started row."""
    return Subject(
        channel=row.channel or "",
        desk=desk,
        hashtags=frozenset((row.hashtags or "").split()),
        contact=None if row.contact_id is None else str(row.contact_id),
    )


def moved_for(
    row: DeadlineRow,
    histories: Histories,
    *,
    edition: Edition,
    desk: str | None,
    at: datetime,
    reason: str,
) -> Moved | None:
    """The fact that puts the clock under what this edition says; None: nothing changes."""
    if row.received_at is None:
        return None
    choice = edition.choose(subject_of(row, desk=desk), row.received_at)
    if choice is None:
        return None  # a promise that was given is kept, even if it would not be given today
    return move(
        histories.of(row.inquiry_id),
        choice.promise,
        began=histories.began(row.inquiry_id),
        calendar=edition.calendar,
        at=max(at, row.received_at),
        reason=reason,
    )


def _choose_again(
    tx: Write,
    assignments: Sequence[Assignment],
    rows: dict[UUID, DeadlineRow],
    edition: Edition,
    *,
    library: Library,
    now: datetime,
) -> datetime | None:
    ids = [each.inquiry_id for each in assignments]
    histories = Histories.read(tx, ids, library=library, now=now)
    arrivals = []
    for each in assignments:
        row = rows[each.inquiry_id]
        moved = moved_for(
            row, histories, edition=edition, desk=each.desk, at=each.at, reason="desk"
        )
        if moved is not None:
            recorded = Recorded(each.inquiry_id, each.fact_id, moved, edition=edition.key)
            change = Change("desk", moved.at)
            arrivals.append(Arrival(each.conversation_id, recorded, change, each.traceparent))
    return record(tx, arrivals, library=library, now=now) if arrivals else None

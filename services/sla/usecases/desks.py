"""The desk of an inquiry became known or changed: another promise may hold now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.domain import Moved, Subject, move
from services.sla.store import deadlines
from services.sla.store.deadlines import DeadlineRow
from services.sla.store.facts import Recorded
from services.sla.usecases.fold import Change
from services.sla.usecases.library import Library
from services.sla.usecases.record import Arrival, Histories, record
from shared.db import Write


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

    Returns when the first of the clocks that moved needs a look.
    """
    if not library.current.asks_for_desks:
        deadlines.set_desks(
            tx, {each.inquiry_id: (each.conversation_id, each.desk) for each in assignments}
        )
        return None
    library.keep_current(tx, now=now)
    rows = deadlines.ensure(tx, {each.inquiry_id: each.conversation_id for each in assignments})
    changed = [each for each in assignments if rows[each.inquiry_id].desk != each.desk]
    deadlines.change(tx, {each.inquiry_id: {"desk": each.desk} for each in changed})
    # Ended clocks, too: the end may have come earlier than this, and later than the desk.
    clocks = [each for each in changed if rows[each.inquiry_id].due_at is not None]
    return _choose_again(tx, clocks, rows, library=library, now=now)


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
    library: Library,
    desk: str | None,
    at: datetime,
    reason: str,
) -> Moved | None:
    """The fact that puts the clock under what the present policy says; None: nothing changes."""
    edition = library.current
    if row.received_at is None:
        return None
    choice = edition.choose(subject_of(row, desk=desk), row.received_at)
    if choice is None:
        return None  # a promise that was given is kept, even if it would not be given today
    return move(
        histories.of(row.inquiry_id),
        choice.promise,
        calendar=edition.calendar,
        at=max(at, row.received_at),
        reason=reason,
    )


def _choose_again(
    tx: Write,
    assignments: Sequence[Assignment],
    rows: dict[UUID, DeadlineRow],
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
            row, histories, library=library, desk=each.desk, at=each.at, reason="desk"
        )
        if moved is not None:
            recorded = Recorded(each.inquiry_id, each.fact_id, moved, edition=library.current.key)
            change = Change("desk", moved.at)
            arrivals.append(Arrival(each.conversation_id, recorded, change, each.traceparent))
    return record(tx, arrivals, library=library, now=now) if arrivals else None

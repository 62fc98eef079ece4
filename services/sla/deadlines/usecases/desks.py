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
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.append import NewEvent, append_events
from services.sla.deadlines.usecases.unit_of_work import Histories
from services.sla.promises.policy_version import PolicyVersion
from services.sla.promises.promise import Subject
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Assignment:
    """An inquiry and the desk it has from `at` on."""

    event_id: UUID
    inquiry_id: UUID
    conversation_id: UUID
    desk: str
    at: datetime
    traceparent: str = ""


def assign(
    tx: Write, assignments: Sequence[Assignment], *, policy_versions: PolicyVersions, now: datetime
) -> None:
    """Note the desks; where a promise asks for the desk, choose again and move the deadline."""
    policy_version = policy_versions.active(tx, now=now)
    if not (policy_version.asks_for_desks or policy_version.has_hand_over):
        deadlines.set_desks(
            tx, {each.inquiry_id: (each.conversation_id, each.desk) for each in assignments}
        )
        return
    rows = deadlines.ensure(tx, {each.inquiry_id: each.conversation_id for each in assignments})
    changed = [each for each in assignments if rows[each.inquiry_id].desk != each.desk]
    deadlines.change(tx, {each.inquiry_id: {"desk": each.desk} for each in changed})
    if policy_version.asks_for_desks:
        # Ended clocks, too: the end may have come earlier than this, and later than the desk.
        clocks = [each for each in changed if rows[each.inquiry_id].due_at is not None]
        _choose_again(tx, clocks, rows, policy_version, policy_versions=policy_versions, now=now)
    if policy_version.has_hand_over:
        new_events = [_assigned(each) for each in assignments if _hands_over(each, rows)]
        append_events(tx, new_events, policy_versions=policy_versions, now=now)


def _hands_over(assignment: Assignment, rows: Mapping[UUID, DeadlineRow]) -> bool:
    """Whether the inquiry comes to the technical desk, or leaves it."""
    # A channel may name the technical desk itself: then the row has it before the ToDo says so.
    return TECHNICAL_DESK in (assignment.desk, rows[assignment.inquiry_id].desk)


def _assigned(assignment: Assignment) -> NewEvent:
    event = Assigned(assignment.at, assignment.desk)
    # The event's id may be that of the move already.
    stored = StoredEvent(assignment.inquiry_id, new_id(), event)
    return NewEvent(
        assignment.conversation_id,
        stored,
        Cause("desk", assignment.at),
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
    policy_version: PolicyVersion,
    desk: str | None,
    at: datetime,
    reason: str,
) -> Moved | None:
    """The event that puts the clock under what this policy version says; None: nothing changes."""
    if row.received_at is None:
        return None
    choice = policy_version.choose(subject_of(row, desk=desk), row.received_at)
    if choice is None:
        return None  # a promise that was given is kept, even if it would not be given today
    return move(
        histories.of(row.inquiry_id),
        policy_version.terms(choice.promise.name),
        terms_of=histories.terms_of,
        at=max(at, row.received_at),
        reason=reason,
    )


def _choose_again(
    tx: Write,
    assignments: Sequence[Assignment],
    rows: dict[UUID, DeadlineRow],
    policy_version: PolicyVersion,
    *,
    policy_versions: PolicyVersions,
    now: datetime,
) -> None:
    ids = [each.inquiry_id for each in assignments]
    histories = Histories.read(tx, ids, policy_versions=policy_versions, now=now)
    new_events = []
    for each in assignments:
        row = rows[each.inquiry_id]
        moved = moved_for(
            row, histories, policy_version=policy_version, desk=each.desk, at=each.at, reason="desk"
        )
        if moved is not None:
            stored = StoredEvent(each.inquiry_id, each.event_id, moved)
            cause = Cause("desk", moved.at)
            new_events.append(NewEvent(each.conversation_id, stored, cause, each.traceparent))
    if new_events:
        append_events(tx, new_events, policy_versions=policy_versions, now=now)

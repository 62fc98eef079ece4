"""New events of clocks: append them, project each clock again, publish what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.clocks.events import ClockEvent, Moved
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.store import deadlines, events
from services.sla.deadlines.store.deadlines import AWAITED, BEST_EFFORT
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.unit_of_work import UnitOfWork
from services.sla.promises.versions import PolicyVersions
from shared.db import Read, Write


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of an inquiry that may or may not be known yet."""

    conversation_id: UUID
    stored: StoredEvent
    cause: Cause | None = None
    traceparent: str = ""

    @property
    def inquiry_id(self) -> UUID:
        return self.stored.inquiry_id


def append_events(
    tx: Write, new_events: Sequence[NewEvent], *, policy_versions: PolicyVersions, now: datetime
) -> None:
    """Append the events and project each clock once.

    Of several events of one inquiry the last names the cause of what moved. An event of an inquiry
    that is not known yet is kept until it is.
    """
    unit = UnitOfWork(tx, policy_versions, now)
    rows = deadlines.ensure(tx, {each.inquiry_id: each.conversation_id for each in new_events})
    unit.append([each.stored for each in new_events])
    last = {each.inquiry_id: each for each in new_events}
    known = [each for each in last if rows[each].state != AWAITED]
    if not known:
        return
    unit.load(known)
    for inquiry_id in known:
        row, new_event = rows[inquiry_id], last[inquiry_id]
        if row.state == BEST_EFFORT:
            unit.project_best_effort(row)
            continue
        unit.project(
            row,
            policy_version=_version_of(new_event.stored.event),
            cause=new_event.cause,
            traceparent=new_event.traceparent,
        )
    unit.write()


def first_reports(tx: Read, new_events: Sequence[NewEvent]) -> list[NewEvent]:
    """Without the answers that are known: intake publishes one again when what it says is new."""
    known = events.known_answers(tx, [each.inquiry_id for each in new_events])
    return [each for each in new_events if events.answer_key(each.stored) not in known]


def _version_of(event: ClockEvent) -> str:
    """The policy version under which a clock is from this event on; empty: the one before."""
    return event.policy_version if isinstance(event, Moved) else ""

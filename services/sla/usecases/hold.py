"""A holding reply went out: the answer takes longer, until what was told or is promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.sla.domain import Held, follow_up_due, state
from services.sla.store import deadlines
from services.sla.store.deadlines import AWAITED, DeadlineRow
from services.sla.store.facts import Recorded
from services.sla.usecases.library import Library
from services.sla.usecases.published import Change
from services.sla.usecases.record import Arrival, Histories, record
from shared.db import Write
from shared.events.facts import InquiryHeld


@dataclass(frozen=True, slots=True)
class Hold:
    """A holding reply, with the event's id and trace."""

    fact_id: UUID
    fact: InquiryHeld
    traceparent: str = ""


def hold(tx: Write, holds: Sequence[Hold], *, library: Library, now: datetime) -> datetime | None:
    """Open the follow-ups; when the first of their clocks needs a look.

    Raises LookupError for a reply that named no moment to an inquiry that is not known here: the
    inquiry's own fact comes first on its topic, so something was lost on the way.
    """
    unnamed = [each.fact.inquiry_id for each in holds if each.fact.follow_up_at is None]
    rows = deadlines.lock(tx, unnamed)
    clocks = [each.inquiry_id for each in rows.values() if each.due_at is not None]
    histories = Histories.read(tx, clocks, library=library, now=now)
    arrivals = []
    for each in holds:
        at = each.fact.held_at.astimezone(UTC)
        until = each.fact.follow_up_at or _promised(each.fact.inquiry_id, rows, at, histories)
        if until is not None:
            held = Held(at, until.astimezone(UTC))
            recorded = Recorded(each.fact.inquiry_id, each.fact_id, held, each.fact.held_by)
            change = Change("held", at)
            arrivals.append(Arrival(each.fact.conversation_id, recorded, change, each.traceparent))
    return record(tx, arrivals, library=library, now=now)


def _promised(
    inquiry_id: UUID, rows: Mapping[UUID, DeadlineRow], at: datetime, histories: Histories
) -> datetime | None:
    """None without a clock, where nothing is promised.

    By the promise that the clock is under: a policy since then may not know it any more.
    """
    row = rows.get(inquiry_id)
    if row is None or row.state == AWAITED:
        raise LookupError(f"a holding reply to the inquiry {inquiry_id}, which is not known here")
    if row.due_at is None:
        return None
    facts = histories.of(inquiry_id)
    newest = max(fact.at for fact in facts)
    target = state(facts, histories.began(inquiry_id), max(at, newest)).current
    return None if target is None else follow_up_due(target.promise, target.calendar, at)

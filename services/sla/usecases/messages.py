"""The customer wrote again: a paused clock runs on, and the platform's reply window is longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.sla.domain import Fact, ResumeCause, Resumed, WindowSet
from services.sla.store import deadlines
from services.sla.store.deadlines import PAUSED
from services.sla.store.facts import Recorded
from services.sla.usecases.library import Library
from services.sla.usecases.published import Change
from services.sla.usecases.record import Arrival, earliest, record
from shared.db import Write
from shared.events.facts import MessageAdded
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Message:
    """A later message of the customer, with the event's id and trace."""

    fact_id: UUID
    fact: MessageAdded
    traceparent: str = ""


def take_messages(
    tx: Write, messages: Sequence[Message], *, library: Library, now: datetime
) -> datetime | None:
    """Most messages change no clock: only those of a paused one, or of one with a reply window.

    Returns when the first of the changed clocks needs a look.
    """
    edition = library.follow(tx, now=now)
    rows = deadlines.lock(tx, [each.fact.inquiry_id for each in messages])
    windows, resumed = [], []
    for each in messages:
        row = rows.get(each.fact.inquiry_id)
        if row is None or row.due_at is None:
            continue
        at = each.fact.received_at.astimezone(UTC)
        window = edition.window_end(each.fact.channel, at)
        if window is not None:
            fact_id = new_id() if row.state == PAUSED else each.fact_id
            windows.append(_arrival(each, fact_id, WindowSet(at, window)))
        if row.state == PAUSED:
            wrote = Resumed(at, ResumeCause.CUSTOMER_WROTE)
            resumed.append(_arrival(each, each.fact_id, wrote, Change("resumed", at)))
    return earliest(
        record(tx, arrivals, library=library, now=now)
        for arrivals in (windows, resumed)
        if arrivals
    )


def _arrival(message: Message, fact_id: UUID, fact: Fact, change: Change | None = None) -> Arrival:
    recorded = Recorded(message.fact.inquiry_id, fact_id, fact, "customer")
    return Arrival(message.fact.conversation_id, recorded, change, message.traceparent)

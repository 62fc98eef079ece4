"""The customer wrote again: a paused clock runs on, and the platform's reply window is longer.

A message that turns out to be another inquiry's takes that with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.sla.clocks.events import Fact, Left, ResumeCause, Resumed, WindowSet
from services.sla.deadlines.move_cause import Change
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store import events as clock_facts
from services.sla.deadlines.store.events import Recorded
from services.sla.deadlines.usecases.append import Arrival, record
from services.sla.promises.policy_version import Edition
from services.sla.promises.versions import Library
from shared.db import Write
from shared.events.inquiries import InboundMessage, MessageAdded
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Message:
    """A later message of the customer, with the event's id and trace."""

    fact_id: UUID
    fact: MessageAdded
    traceparent: str = ""


def take_messages(
    tx: Write, messages: Sequence[Message], *, library: Library, now: datetime
) -> datetime | None:
    """Most messages change no clock: only those of one with a reply window, or that was paused.

    Not only of one that is paused now: the message may be older than the end of the pause. Returns
    when the first of the changed clocks needs a look.
    """
    edition = library.follow(tx, now=now)
    inquiries = {each.fact.inquiry_id for each in messages}
    left = {each.fact.moved_from for each in messages if each.fact.moved_from is not None}
    rows = deadlines.lock(tx, sorted(inquiries | left))
    clocks = [each for each in inquiries if each in rows and rows[each].due_at is not None]
    paused = clock_facts.ever_paused(tx, clocks)
    arrivals = []
    for each in messages:
        gone = departure(each.fact_id, each.fact, each.traceparent)
        if gone is not None:
            arrivals.append(gone)
        if each.fact.inquiry_id in clocks:
            was_paused = each.fact.inquiry_id in paused
            arrivals += _arrivals(each, edition, was_paused=was_paused)
    return record(tx, arrivals, library=library, now=now) if arrivals else None


def departure(fact_id: UUID, message: InboundMessage, traceparent: str) -> Arrival | None:
    """What the message means for the inquiry that it left, if it left one."""
    if message.moved_from is None:
        return None
    left = Left(message.received_at.astimezone(UTC), message.message_id)
    recorded = Recorded(message.moved_from, fact_id, left)
    return Arrival(message.conversation_id, recorded, traceparent=traceparent)


def _arrivals(message: Message, edition: Edition, *, was_paused: bool) -> Iterator[Arrival]:
    fact = message.fact
    at = fact.received_at.astimezone(UTC)
    window = edition.window_end(fact.channel, at)
    if window is not None:
        fact_id = new_id() if was_paused else message.fact_id
        yield _arrival(message, fact_id, WindowSet(at, window, fact.message_id))
    if was_paused:
        wrote = Resumed(at, ResumeCause.CUSTOMER_WROTE, fact.message_id)
        yield _arrival(message, message.fact_id, wrote, Change("resumed", at))


def _arrival(message: Message, fact_id: UUID, fact: Fact, change: Change | None = None) -> Arrival:
    recorded = Recorded(message.fact.inquiry_id, fact_id, fact, "customer")
    return Arrival(message.fact.conversation_id, recorded, change, message.traceparent)

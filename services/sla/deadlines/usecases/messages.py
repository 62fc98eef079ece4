"""The customer wrote again: a paused clock runs on, and the platform's reply window is longer.

A message that turns out to be another inquiry's takes that with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.sla.clocks.events import ClockEvent, Left, ResumeCause, Resumed, WindowSet
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store import events as clock_events
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.append import NewEvent, append_events
from services.sla.promises.policy_version import PolicyVersion
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.events.inquiries import InboundMessage, MessageAdded
from shared.runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Message:
    """A later message of the customer, with the event's id and trace."""

    event_id: UUID
    fact: MessageAdded
    traceparent: str = ""


def on_customer_messages(
    tx: Write, messages: Sequence[Message], *, policy_versions: PolicyVersions, now: datetime
) -> None:
    """Most messages change no clock: only those of one with a reply window, or that was paused.

    Not only of one that is paused now: the message may be older than the end of the pause.
    """
    policy_version = policy_versions.active(tx, now=now)
    inquiries = {each.fact.inquiry_id for each in messages}
    left = {each.fact.moved_from for each in messages if each.fact.moved_from is not None}
    rows = deadlines.lock(tx, sorted(inquiries | left))
    clocks = [each for each in inquiries if each in rows and rows[each].due_at is not None]
    paused = clock_events.ever_paused(tx, clocks)
    new_events = []
    for each in messages:
        gone = departure(each.event_id, each.fact, each.traceparent)
        if gone is not None:
            new_events.append(gone)
        if each.fact.inquiry_id in clocks:
            was_paused = each.fact.inquiry_id in paused
            new_events += _new_events(each, policy_version, was_paused=was_paused)
    if new_events:
        append_events(tx, new_events, policy_versions=policy_versions, now=now)


def departure(event_id: UUID, message: InboundMessage, traceparent: str) -> NewEvent | None:
    """What the message means for the inquiry that it left, if it left one."""
    if message.moved_from is None:
        return None
    left = Left(message.received_at.astimezone(UTC), message.message_id)
    stored = StoredEvent(message.moved_from, event_id, left)
    return NewEvent(message.conversation_id, stored, traceparent=traceparent)


def _new_events(
    message: Message, policy_version: PolicyVersion, *, was_paused: bool
) -> Iterator[NewEvent]:
    fact = message.fact
    at = fact.received_at.astimezone(UTC)
    window = policy_version.window_end(fact.channel, at)
    if window is not None:
        event_id = new_id() if was_paused else message.event_id
        yield _new_event(message, event_id, WindowSet(at, window, fact.message_id))
    if was_paused:
        wrote = Resumed(at, ResumeCause.CUSTOMER_WROTE, fact.message_id)
        yield _new_event(message, message.event_id, wrote, Cause("resumed", at))


def _new_event(
    message: Message, event_id: UUID, event: ClockEvent, cause: Cause | None = None
) -> NewEvent:
    stored = StoredEvent(message.fact.inquiry_id, event_id, event, "customer")
    return NewEvent(message.fact.conversation_id, stored, cause, message.traceparent)

"""From facts on the bus to verbs. Facts of one inquiry on two topics may come in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from services.sla.clocks.events import (
    Answered,
    Cancelled,
    CancelReason,
    Held,
    Reopened,
    TakenOver,
    Withdrawn,
)
from services.sla.clocks.events import Fact as ClockFact
from services.sla.clocks.hand_over import TECHNICAL_DESK
from services.sla.deadlines.move_cause import Change
from services.sla.deadlines.store.events import Recorded
from services.sla.deadlines.usecases.append import Arrival, record
from services.sla.deadlines.usecases.desks import Assignment, assign
from services.sla.deadlines.usecases.messages import Message, take_messages
from services.sla.deadlines.usecases.receive import Receipt, receive
from services.sla.deadlines.usecases.take_back import take_back
from services.sla.promises.versions import Library
from services.sla.timers import store
from shared.db import Write
from shared.events import Envelope, Fact
from shared.events.catalogue import INQUIRIES, PROGRESS, TODOS
from shared.events.inquiries import (
    InquiryAnswered,
    InquiryClosed,
    InquiryFact,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
    ReplyWithdrawn,
)
from shared.events.todos import (
    TodoClaimed,
    TodoCompleted,
    TodoCreated,
    TodoDismissed,
    TodoFact,
    TodoReopened,
    TodoRerouted,
)
from shared.messaging import control_events
from shared.messaging.consumer import Handler, Listener
from shared.runtime.clock import Clock

GROUP = "sla"
F = TypeVar("F", bound=Fact)


def listener(library: Library, clock: Clock, *, on_progress: Callable[[], None]) -> Listener:
    """`on_progress` is called after the commit when intake or the router made some."""
    return Listener(
        GROUP,
        (INQUIRIES, TODOS, PROGRESS),
        handlers(library, clock),
        repeatable={control_events.RelayCaughtUp.TYPE: progress(since=clock.now())},
        on_repeatable=on_progress,
    )


def progress(*, since: datetime) -> Handler:
    """What another service recorded until then is on the bus, if it was said since that moment.

    What was said before this process started may have been overtaken by a replay: a database that
    was restored has to consume again what it had consumed.
    """

    def note(tx: Write, envelopes: Sequence[Envelope]) -> None:
        for each in envelopes:
            told = _told(each, control_events.RelayCaughtUp)
            if each.time >= since:
                store.note(tx, told.service, _utc(told.until))

    return note


def handlers(library: Library, clock: Clock) -> Mapping[str, Handler]:
    def received(tx: Write, envelopes: Sequence[Envelope]) -> None:
        receipts = [
            Receipt(each.id, _told(each, InquiryReceived), each.traceparent) for each in envelopes
        ]
        receive(tx, receipts, library=library, now=clock.now())

    def message_added(tx: Write, envelopes: Sequence[Envelope]) -> None:
        messages = [
            Message(each.id, _told(each, MessageAdded), each.traceparent) for each in envelopes
        ]
        take_messages(tx, messages, library=library, now=clock.now())

    def desk_known(tx: Write, envelopes: Sequence[Envelope]) -> None:
        assign(tx, [_assignment(each) for each in envelopes], library=library, now=clock.now())

    def claimed(tx: Write, envelopes: Sequence[Envelope]) -> None:
        # Also while no promise has a hand-over: the next policy may, and must not call it missed.
        mine = [each for each in envelopes if _told(each, TodoClaimed).desk == TECHNICAL_DESK]
        happened(tx, mine)

    def happened(tx: Write, envelopes: Sequence[Envelope]) -> None:
        record(tx, [_arrival(each) for each in envelopes], library=library, now=clock.now())

    def completed(tx: Write, envelopes: Sequence[Envelope]) -> None:
        # By an answer that intake has told of: that fact says it, and may be corrected.
        happened(tx, [each for each in envelopes if _told(each, TodoCompleted).answer_id is None])

    def taken_back(tx: Write, envelopes: Sequence[Envelope]) -> None:
        take_back(tx, [_arrival(each) for each in envelopes], library=library, now=clock.now())

    return {
        InquiryReceived.TYPE: received,
        MessageAdded.TYPE: message_added,
        InquiryAnswered.TYPE: happened,
        InquiryHeld.TYPE: happened,
        ReplyWithdrawn.TYPE: taken_back,
        InquiryClosed.TYPE: happened,
        TodoCompleted.TYPE: completed,
        TodoDismissed.TYPE: happened,
        TodoReopened.TYPE: taken_back,
        TodoClaimed.TYPE: claimed,
        TodoCreated.TYPE: desk_known,
        TodoRerouted.TYPE: desk_known,
    }


def _arrival(envelope: Envelope) -> Arrival:
    match envelope.data:
        case InquiryFact() as told:
            return _of_an_inquiry(envelope, told)
        case TodoFact() as told:
            return _of_a_todo(envelope, told)
        case other:
            raise TypeError(f"{other.TYPE} is not a fact that a clock takes")


def _of_an_inquiry(envelope: Envelope, told: InquiryFact) -> Arrival:
    match told:
        case InquiryAnswered():
            answered = Answered(_utc(told.answered_at), told.message_id, told.revision)
            return _of(envelope, told, answered, by=told.answered_by, key_name=told.key_name)
        case InquiryHeld():
            at = _utc(told.held_at)
            until = None if told.follow_up_at is None else _utc(told.follow_up_at)
            held = Held(at, until, told.message_id, told.revision)
            return _of(
                envelope,
                told,
                held,
                by=told.held_by,
                key_name=told.key_name,
                change=Change("held", at),
            )
        case ReplyWithdrawn():
            at = _utc(told.withdrawn_at)
            withdrawn = Withdrawn(at, told.message_id, told.revision)
            change = Change("reopened", at)
            return _of(
                envelope,
                told,
                withdrawn,
                by=told.withdrawn_by,
                key_name=told.key_name,
                change=change,
            )
        case InquiryClosed():
            at, reason = _utc(told.closed_at), CancelReason(told.reason)
            cancelled = Cancelled(at, reason, told.merged_into)
            return _of(envelope, told, cancelled, by=told.closed_by, key_name=told.key_name)
        case other:
            raise TypeError(f"{other.TYPE} is not a fact that a clock takes")


def _of_a_todo(envelope: Envelope, told: TodoFact) -> Arrival:
    match told:
        case TodoClaimed():
            taken = TakenOver(_utc(told.claimed_at))
            return _of(envelope, told, taken, by=told.assignee, key_name=told.key_name)
        case TodoCompleted():
            answered = Answered(_utc(told.completed_at), by_hand=True)
            return _of(envelope, told, answered, by=told.completed_by, key_name=told.key_name)
        case TodoDismissed():
            cancelled = Cancelled(_utc(told.dismissed_at), CancelReason(told.reason))
            return _of(envelope, told, cancelled, by=told.dismissed_by, key_name=told.key_name)
        case TodoReopened():
            at = _utc(told.reopened_at)
            change = Change("reopened", at)
            return _of(
                envelope,
                told,
                Reopened(at),
                by=told.reopened_by,
                key_name=told.key_name,
                change=change,
            )
        case other:
            raise TypeError(f"{other.TYPE} is not a fact that a clock takes")


def _of(
    envelope: Envelope,
    told: InquiryFact | TodoFact,
    fact: ClockFact,
    *,
    by: str,
    key_name: str | None,
    change: Change | None = None,
) -> Arrival:
    recorded = Recorded(told.inquiry_id, envelope.id, fact, by, key_name=key_name)
    return Arrival(told.conversation_id, recorded, change, envelope.traceparent)


def _assignment(envelope: Envelope) -> Assignment:
    match envelope.data:
        case TodoCreated() as told:
            at, desk = _utc(told.created_at), told.desk
        case TodoRerouted() as told:
            at, desk = _utc(told.rerouted_at), told.desk
        case other:
            raise TypeError(f"{other.TYPE} names no desk")
    return Assignment(
        envelope.id, told.inquiry_id, told.conversation_id, desk, at, envelope.traceparent
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _told(envelope: Envelope, kind: type[F]) -> F:
    if not isinstance(envelope.data, kind):
        raise TypeError(f"{envelope.data.TYPE} came where {kind.TYPE} was expected")
    return envelope.data

"""From facts on the bus to verbs. Facts of one inquiry on two topics may come in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from services.sla.clocks.events import (
    Answered,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Reopened,
    TakenOver,
    Withdrawn,
)
from services.sla.clocks.hand_over import TECHNICAL_DESK
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.store import desk_moves
from services.sla.deadlines.store.desk_moves import DeskMove
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.append import NewEvent, append_events, first_reports
from services.sla.deadlines.usecases.desks import Assignment, assign
from services.sla.deadlines.usecases.messages import Message, on_customer_messages
from services.sla.deadlines.usecases.start_clocks import Receipt, start_clocks
from services.sla.deadlines.usecases.take_back import take_back
from services.sla.promises.versions import PolicyVersions
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


def listener(
    policy_versions: PolicyVersions,
    clock: Clock,
    *,
    on_progress: Callable[[], None],
    on_sign_of_life: Callable[[str], None],
) -> Listener:
    """`on_progress` is called after the commit when intake or the router made some,
    `on_sign_of_life` when one of them tells of progress that does not count here.
    """
    noted = progress(since=clock.now(), on_sign_of_life=on_sign_of_life)
    return Listener(
        GROUP,
        (INQUIRIES, TODOS, PROGRESS),
        handlers(policy_versions, clock),
        repeatable={control_events.RelayCaughtUp.TYPE: noted},
        on_repeatable=on_progress,
    )


def progress(*, since: datetime, on_sign_of_life: Callable[[str], None]) -> Handler:
    """What another service recorded until then is on the bus, if it was said since that moment.

    What was said before this process started may have been overtaken by a replay: a database that
    was restored has to consume again what it had consumed. Where this machine's clock is ahead all
    of it seems to be from before: nothing is told then, but nobody is taken for idle either.
    """

    def note(tx: Write, envelopes: Sequence[Envelope]) -> None:
        for each in envelopes:
            fact = _fact(each, control_events.RelayCaughtUp)
            if each.time >= since:
                store.note(tx, fact.service, _utc(fact.until))
            else:
                on_sign_of_life(fact.service)

    return note


def handlers(policy_versions: PolicyVersions, clock: Clock) -> Mapping[str, Handler]:
    def received(tx: Write, envelopes: Sequence[Envelope]) -> None:
        receipts = [
            Receipt(each.id, _fact(each, InquiryReceived), each.traceparent) for each in envelopes
        ]
        start_clocks(tx, receipts, policy_versions=policy_versions, now=clock.now())

    def message_added(tx: Write, envelopes: Sequence[Envelope]) -> None:
        messages = [
            Message(each.id, _fact(each, MessageAdded), each.traceparent) for each in envelopes
        ]
        on_customer_messages(tx, messages, policy_versions=policy_versions, now=clock.now())

    def rerouted(tx: Write, envelopes: Sequence[Envelope]) -> None:
        desk_known(tx, envelopes)
        desk_moves.add(tx, [_desk_move(_fact(each, TodoRerouted)) for each in envelopes])

    def desk_known(tx: Write, envelopes: Sequence[Envelope]) -> None:
        assign(
            tx,
            [_assignment(each) for each in envelopes],
            policy_versions=policy_versions,
            now=clock.now(),
        )

    def claimed(tx: Write, envelopes: Sequence[Envelope]) -> None:
        # Also while no promise has a hand-over: the next policy may, and must not call it missed.
        mine = [each for each in envelopes if _fact(each, TodoClaimed).desk == TECHNICAL_DESK]
        happened(tx, mine)

    def happened(tx: Write, envelopes: Sequence[Envelope]) -> None:
        append_events(
            tx,
            [_new_event(each) for each in envelopes],
            policy_versions=policy_versions,
            now=clock.now(),
        )

    def answered(tx: Write, envelopes: Sequence[Envelope]) -> None:
        append_events(
            tx,
            first_reports(tx, [_new_event(each) for each in envelopes]),
            policy_versions=policy_versions,
            now=clock.now(),
        )

    def completed(tx: Write, envelopes: Sequence[Envelope]) -> None:
        # By an answer that intake has told of: that fact says it, and may be corrected.
        happened(tx, [each for each in envelopes if _fact(each, TodoCompleted).answer_id is None])

    def taken_back(tx: Write, envelopes: Sequence[Envelope]) -> None:
        take_back(
            tx,
            [_new_event(each) for each in envelopes],
            policy_versions=policy_versions,
            now=clock.now(),
        )

    return {
        InquiryReceived.TYPE: received,
        MessageAdded.TYPE: message_added,
        InquiryAnswered.TYPE: answered,
        InquiryHeld.TYPE: happened,
        ReplyWithdrawn.TYPE: taken_back,
        InquiryClosed.TYPE: happened,
        TodoCompleted.TYPE: completed,
        TodoDismissed.TYPE: happened,
        TodoReopened.TYPE: taken_back,
        TodoClaimed.TYPE: claimed,
        TodoCreated.TYPE: desk_known,
        TodoRerouted.TYPE: rerouted,
    }


def _new_event(envelope: Envelope) -> NewEvent:
    match envelope.data:
        case InquiryFact() as fact:
            return _of_an_inquiry(envelope, fact)
        case TodoFact() as fact:
            return _of_a_todo(envelope, fact)
        case other:
            raise TypeError(f"{other.TYPE} is not a fact that a clock takes")


def _of_an_inquiry(envelope: Envelope, fact: InquiryFact) -> NewEvent:
    match fact:
        case InquiryAnswered():
            answered = Answered(_utc(fact.answered_at), fact.message_id, fact.revision)
            return _of(envelope, fact, answered, by=fact.answered_by, key_name=fact.key_name)
        case InquiryHeld():
            at = _utc(fact.held_at)
            until = None if fact.follow_up_at is None else _utc(fact.follow_up_at)
            held = Held(at, until, fact.message_id, fact.revision)
            return _of(
                envelope,
                fact,
                held,
                by=fact.held_by,
                key_name=fact.key_name,
                cause=Cause("held", at),
            )
        case ReplyWithdrawn():
            at = _utc(fact.withdrawn_at)
            withdrawn = Withdrawn(at, fact.message_id, fact.revision)
            cause = Cause("reopened", at)
            return _of(
                envelope,
                fact,
                withdrawn,
                by=fact.withdrawn_by,
                key_name=fact.key_name,
                cause=cause,
            )
        case InquiryClosed():
            at, reason = _utc(fact.closed_at), CancelReason(fact.reason)
            cancelled = Cancelled(at, reason, fact.merged_into)
            return _of(envelope, fact, cancelled, by=fact.closed_by, key_name=fact.key_name)
        case other:
            raise TypeError(f"{other.TYPE} is not a fact that a clock takes")


def _of_a_todo(envelope: Envelope, fact: TodoFact) -> NewEvent:
    match fact:
        case TodoClaimed():
            taken = TakenOver(_utc(fact.claimed_at))
            return _of(envelope, fact, taken, by=fact.assignee, key_name=fact.key_name)
        case TodoCompleted():
            answered = Answered(_utc(fact.completed_at), by_hand=True)
            return _of(envelope, fact, answered, by=fact.completed_by, key_name=fact.key_name)
        case TodoDismissed():
            cancelled = Cancelled(_utc(fact.dismissed_at), CancelReason(fact.reason))
            return _of(envelope, fact, cancelled, by=fact.dismissed_by, key_name=fact.key_name)
        case TodoReopened():
            at = _utc(fact.reopened_at)
            cause = Cause("reopened", at)
            return _of(
                envelope,
                fact,
                Reopened(at, fact.time_left or None),
                by=fact.reopened_by,
                key_name=fact.key_name,
                cause=cause,
            )
        case other:
            raise TypeError(f"{other.TYPE} is not a fact that a clock takes")


def _of(
    envelope: Envelope,
    fact: InquiryFact | TodoFact,
    event: ClockEvent,
    *,
    by: str,
    key_name: str | None,
    cause: Cause | None = None,
) -> NewEvent:
    stored = StoredEvent(fact.inquiry_id, envelope.id, event, by, key_name=key_name)
    return NewEvent(fact.conversation_id, stored, cause, envelope.traceparent)


def _assignment(envelope: Envelope) -> Assignment:
    match envelope.data:
        case TodoCreated() as fact:
            at, desk = _utc(fact.created_at), fact.desk
        case TodoRerouted() as fact:
            at, desk = _utc(fact.rerouted_at), fact.desk
        case other:
            raise TypeError(f"{other.TYPE} names no desk")
    return Assignment(
        envelope.id, fact.inquiry_id, fact.conversation_id, desk, at, envelope.traceparent
    )


def _desk_move(fact: TodoRerouted) -> DeskMove:
    return DeskMove(fact.inquiry_id, _utc(fact.rerouted_at), fact.from_desk, fact.desk)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _fact(envelope: Envelope, kind: type[F]) -> F:
    if not isinstance(envelope.data, kind):
        raise TypeError(f"{envelope.data.TYPE} came where {kind.TYPE} was expected")
    return envelope.data

"""Intake's verbs: one function, one transaction, state and facts together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.intake import store
from services.intake.domain.inquiry import AWAITS_ANSWER, InquiryState, check_awaits_answer
from services.intake.domain.message import Accepted, Idempotency
from shared import outbox
from shared.db import Read, Write
from shared.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from shared.events import Envelope
from shared.events.facts import (
    CloseReason,
    InquiryAnswered,
    InquiryClosed,
    InquiryFact,
    InquiryHeld,
)
from shared.ids import new_id

COMPLETED = "completed"  # the reason of an inquiry whose ToDo a person completed by hand


@dataclass(frozen=True, slots=True)
class Reply:
    """An outbound message; `follow_up_at` where a holding reply named one. Moments in UTC."""

    kind: Literal["answer", "holding"]
    text: str
    author: str
    sent_at: datetime
    follow_up_at: datetime | None = None
    external_id: str | None = None


def known_answer(tx: Read, request: Idempotency) -> Accepted | None:
    """What the first request with this key was answered; None when there was none.

    Raises InvalidError when the key came with another body.
    """
    found = store.remembered(tx, caller=request.caller, key=request.key)
    if found is None:
        return None
    fingerprint, message_id = found
    if fingerprint != request.fingerprint:
        raise InvalidError(
            "idempotency-key-reused",
            "this Idempotency-Key came with another body before",
            FieldProblem("Idempotency-Key", "is taken by another body", "make a key per request"),
        )
    return store.message_placed(tx, message_id)


def reply(
    tx: Write,
    *,
    inquiry_id: UUID,
    answer: Reply,
    now: datetime,
    request: Idempotency | None = None,
) -> Accepted:
    """Record an answer or a holding reply of a person.

    Raises NotFoundError, ConflictError (the external id is taken), NotAllowedError (the inquiry
    awaits no answer), InvalidError (Idempotency-Key with another body).
    """
    inquiry = store.lock_inquiry(tx, inquiry_id)
    if inquiry is None:
        raise unknown_inquiry(inquiry_id)
    if request is not None and (known := known_answer(tx, request)) is not None:
        return known
    check_awaits_answer(inquiry.state, wanted=_DONE[answer.kind], reason=inquiry.reason)
    message_id = _record_reply(tx, inquiry, answer, now=now)
    if request is not None and not _remember(tx, request, message_id, now=now):
        # Taken a moment ago by a request for another inquiry: says so, and takes this back.
        known_answer(tx, request)
    return store.message_placed(tx, message_id)


def remember_repeat(tx: Write, request: Idempotency, message_id: UUID, *, now: datetime) -> None:
    """The message had been there already; its request is bound to its Idempotency-Key all the same.

    Raises InvalidError when the key came with another body.
    """
    if not _remember(tx, request, message_id, now=now):
        known_answer(tx, request)


def _remember(tx: Write, request: Idempotency, message_id: UUID, *, now: datetime) -> bool:
    return store.remember(
        tx,
        {
            "caller": request.caller,
            "key": request.key,
            "fingerprint": request.fingerprint,
            "message_id": message_id,
            "created_at": now,
        },
    )


_DONE = {"answer": "answered", "holding": "held"}


def record_echo(tx: Write, *, channel: str, thread: str, answer: Reply, now: datetime) -> bool:
    """Our own message seen on the channel: an answer that was typed there stops the clock.

    False when it changes nothing: no open inquiry, or a reply that was recorded here already.
    """
    inquiry = store.lock_open_inquiry(tx, channel=channel, thread=thread)
    if inquiry is None:
        return False
    if answer.external_id and store.message_named(
        tx, channel=channel, external_id=answer.external_id
    ):
        return False
    _record_reply(tx, inquiry, answer, now=now)
    return True


def _record_reply(tx: Write, inquiry: store.InquiryRow, answer: Reply, *, now: datetime) -> UUID:
    message_id = new_id()
    added = store.add_message(
        tx,
        {
            "id": message_id,
            "conversation_id": inquiry.conversation_id,
            "inquiry_id": inquiry.id,
            "contact_id": None,
            "channel": inquiry.channel,
            "external_id": answer.external_id or f"desk:{message_id}",
            "kind": answer.kind,
            "opened": False,
            "author_name": answer.author,
            "text": answer.text,
            "sent_at": answer.sent_at,
            "received_at": now,
        },
    )
    if not added:
        raise ConflictError(
            "external-id-taken",
            f"a message with the id {answer.external_id!r} is already recorded on this channel",
        )
    if answer.kind == "answer":
        _answered(tx, inquiry, answer, message_id)
    else:
        _held(tx, inquiry, answer, message_id)
    return message_id


def _answered(tx: Write, inquiry: store.InquiryRow, answer: Reply, message_id: UUID) -> None:
    store.update_inquiry(
        tx, inquiry.id, {"state": InquiryState.ANSWERED, "answered_at": answer.sent_at}
    )
    store.end_open_inquiry(tx, conversation_id=inquiry.conversation_id, inquiry_id=inquiry.id)
    fact = InquiryAnswered(
        inquiry_id=inquiry.id,
        conversation_id=inquiry.conversation_id,
        message_id=message_id,
        answered_at=answer.sent_at,
        answered_by=answer.author,
    )
    _tell(tx, fact, answer.sent_at)


def _held(tx: Write, inquiry: store.InquiryRow, answer: Reply, message_id: UUID) -> None:
    store.update_inquiry(
        tx, inquiry.id, {"state": InquiryState.HELD, "follow_up_at": answer.follow_up_at}
    )
    fact = InquiryHeld(
        inquiry_id=inquiry.id,
        conversation_id=inquiry.conversation_id,
        message_id=message_id,
        held_at=answer.sent_at,
        held_by=answer.author,
        follow_up_at=answer.follow_up_at,
    )
    _tell(tx, fact, answer.sent_at)


def close(
    tx: Write, *, inquiry_id: UUID, reason: CloseReason, closed_by: str, now: datetime
) -> None:
    """End an inquiry without an answer. Raises NotFoundError, NotAllowedError."""
    inquiry = store.lock_inquiry(tx, inquiry_id)
    if inquiry is None:
        raise unknown_inquiry(inquiry_id)
    check_awaits_answer(inquiry.state, wanted="closed", reason=inquiry.reason)
    store.update_inquiry(
        tx, inquiry.id, {"state": InquiryState.CLOSED, "closed_at": now, "reason": reason}
    )
    store.end_open_inquiry(tx, conversation_id=inquiry.conversation_id, inquiry_id=inquiry.id)
    fact = InquiryClosed(
        inquiry_id=inquiry.id,
        conversation_id=inquiry.conversation_id,
        reason=reason,
        closed_at=now,
        closed_by=closed_by,
    )
    _tell(tx, fact, now)


def no_answer(tx: Write, *, inquiry_id: UUID, reason: str, at: datetime) -> None:
    """A desk dismissed the ToDo: the inquiry gets no answer. Passed over once it has ended."""
    _ended_by_desk(tx, inquiry_id, InquiryState.NO_ANSWER, reason=reason, at=at)


def completed(tx: Write, *, inquiry_id: UUID, at: datetime) -> None:
    """A desk completed the ToDo by hand, without an answer recorded here: the inquiry is closed.

    Passed over once it has ended. Nothing is told: the router's fact says it to everybody.
    """
    _ended_by_desk(tx, inquiry_id, InquiryState.CLOSED, reason=COMPLETED, at=at)


def _ended_by_desk(
    tx: Write, inquiry_id: UUID, state: InquiryState, *, reason: str, at: datetime
) -> None:
    inquiry = store.lock_inquiry(tx, inquiry_id)
    if inquiry is None or inquiry.state not in AWAITS_ANSWER:
        return
    store.update_inquiry(tx, inquiry.id, {"state": state, "closed_at": at, "reason": reason})
    store.end_open_inquiry(tx, conversation_id=inquiry.conversation_id, inquiry_id=inquiry.id)


def unknown_inquiry(inquiry_id: UUID) -> NotFoundError:
    return NotFoundError("unknown-inquiry", f"there is no inquiry {inquiry_id}")


def _tell(tx: Write, fact: InquiryFact, at: datetime) -> None:
    outbox.record(tx, [Envelope(new_id(), str(fact.conversation_id), at, fact)])

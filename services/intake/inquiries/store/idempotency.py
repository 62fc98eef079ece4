"""Requests that come again: the first answer to an Idempotency-Key is the answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.intake.inquiries.domain.message import Accepted, Idempotency
from services.intake.inquiries.store import queries
from shared.db import Read, Write
from shared.errors import FieldProblem, InvalidError, NotFoundError


class IdempotencyRaceError(Exception):
    """Another request with the same Idempotency-Key was committed a moment ago: look it up."""


def known_answer(tx: Read, request: Idempotency) -> Accepted | None:
    """What the first request with this key was answered; None when there was none, or when its
    message has been removed since.

    Raises InvalidError when the key came with another body.
    """
    found = queries.remembered(tx, caller=request.caller, key=request.key)
    if found is None:
        return None
    fingerprint, message_id = found
    if fingerprint != request.fingerprint:
        raise InvalidError(
            "idempotency-key-reused",
            "this Idempotency-Key came with another body before",
            FieldProblem("Idempotency-Key", "is taken by another body", "make a key per request"),
        )
    return queries.find_placed(tx, message_id)


def bind_key(tx: Write, request: Idempotency, message_id: UUID, *, now: datetime) -> None:
    """The message had been there already; its request is bound to its Idempotency-Key all the same.

    Raises InvalidError when the key came with another body.
    """
    if not _remember(tx, request, message_id, now=now):
        known_answer(tx, request)


def _remember(tx: Write, request: Idempotency, message_id: UUID, *, now: datetime) -> bool:
    return queries.remember(
        tx,
        {
            "caller": request.caller,
            "key": request.key,
            "fingerprint": request.fingerprint,
            "message_id": message_id,
            "created_at": now,
        },
    )


def unknown_inquiry(inquiry_id: UUID) -> NotFoundError:
    return NotFoundError("unknown-inquiry", f"there is no inquiry {inquiry_id}")

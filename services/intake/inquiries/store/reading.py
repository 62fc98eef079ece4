"""Which message somebody has read last, and what came after it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from services.intake.inquiries.domain.covering import later_than
from services.intake.inquiries.domain.ends import Cut
from services.intake.inquiries.domain.thread import Inquiry, Message
from services.intake.tables import messages
from shared.db import Read
from shared.errors import FieldProblem, InvalidError, NewerMessageError


def read_until_cut(tx: Read, inquiry: Inquiry, message_id: UUID) -> Cut:
    """Raises NewerMessageError, and InvalidError for what is no message of the conversation."""
    read = next((each for each in inquiry.messages if each.id == message_id), None)
    if read is None:
        read = _elsewhere(tx, inquiry, message_id)
    later = later_than(inquiry, read)
    if later:
        raise NewerMessageError([each.id for each in later])
    return Cut(read.received_at, read.id)


def cut_of(tx: Read, message_id: UUID) -> Cut | None:
    """The place of that message in the order of receipt; None when it is not known here."""
    m = messages.c
    row = tx.execute(select(m.received_at).where(m.id == message_id)).first()
    return None if row is None else Cut(row[0], message_id)


def _elsewhere(tx: Read, inquiry: Inquiry, message_id: UUID) -> Message:
    """A message of the same conversation, as somebody sees them all there."""
    m = messages.c
    own = select(m.conversation_id).where(m.id == inquiry.first.id).scalar_subquery()
    row = tx.execute(
        select(m.id, m.received_at).where(m.id == message_id, m.conversation_id == own)
    ).first()
    if row is None:
        raise InvalidError(
            "invalid-request",
            "read_until is no message of this conversation",
            FieldProblem(
                "read_until", "is no message of this conversation", "the id of the last one seen"
            ),
        )
    return Message(row[0], inquiry.contact_id, "", row[1])

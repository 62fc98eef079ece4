"""Which messages of a ToDo somebody has read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from services.router.tables import messages
from shared.db import Read
from shared.errors import FieldProblem, InvalidError, NewerMessageError


def last_read(tx: Read, inquiry_id: UUID, read_until: UUID | None) -> UUID | None:
    """The last message that whoever acts has seen: by default the last that is there, by receipt.

    None when there is none. Raises NewerMessageError when there are later ones than `read_until`,
    InvalidError when that is no message of this ToDo.
    """
    m = messages.c
    found = select(m.message_id).where(m.inquiry_id == inquiry_id)
    ordered = list(tx.execute(found.order_by(m.received_at, m.message_id)).scalars())
    if read_until is None:
        return ordered[-1] if ordered else None
    if read_until not in ordered:
        raise InvalidError(
            "invalid-request",
            "read_until is no message of this ToDo",
            FieldProblem(
                "read_until", "is no message of this ToDo", "the id of the last one that was read"
            ),
        )
    later = ordered[ordered.index(read_until) + 1 :]
    if later:
        raise NewerMessageError(later)
    return read_until


def last_edit(tx: Read, inquiry_id: UUID) -> datetime | None:
    """The last edit that is shown, else when the first message was received."""
    m = messages.c
    moments = func.coalesce(func.max(m.edited_at), func.min(m.received_at))
    found: datetime | None = tx.execute(select(moments).where(m.inquiry_id == inquiry_id)).scalar()
    return found

"""When a message was there where no platform's clock says so, as with mails: by receipts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from services.intake.tables import messages, own_posts
from shared.db import Read

MOST = 200
"""Messages of a conversation that are looked at, the newest."""
_BEFORE = timedelta(microseconds=1)


def had_by(tx: Read, conversation_id: UUID, external_id: str, received_at: datetime) -> datetime:
    """When our message was there: as it was received, or before the first that names it. Whoever
    answers a mail has it, even where our own copy comes later; so it never covers their answer.
    """
    m = messages.c
    here = select(m.received_at, m.details).where(
        m.conversation_id == conversation_id, m.kind == "inbound", m.details.is_not(None)
    )
    rows = tx.execute(here.order_by(m.received_at.desc()).limit(MOST))
    naming: list[datetime] = [
        at - _BEFORE for at, details in rows if external_id in (details or {}).get("names", ())
    ]
    return min([received_at, *naming])


def received(tx: Read, channel: str, external_id: str) -> datetime | None:
    """When that message, a customer's or ours, was received; None where it is not here."""
    for table in (messages, own_posts):
        t = table.c
        named = select(t.received_at).where(t.channel == channel, t.external_id == external_id)
        at: datetime | None = tx.execute(named).scalar()
        if at is not None:
            return at
    return None

"""When a message was there where no platform's clock says so, as with mails: by receipts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from services.intake.tables import messages
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

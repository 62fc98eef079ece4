"""What servers say became of our messages, noted on these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from services.intake.tables import messages
from shared.db import Write

MOST_NOTED = 20
"""Reports that are kept of one message."""
OF_OURS = ("answer", "holding", "post")


def note_report(
    tx: Write,
    *,
    channel: str,
    named: Sequence[str],
    report: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Note it in the `details` of the message of ours that it is about; False where none of these
    is ours. `report` has an `id`, by which a repeat changes nothing.
    """
    m = messages.c
    ids = [spelling for each in named for spelling in (each, f"<{each}>", f"desk:{each}")]
    ours = select(m.id, m.details).where(
        m.channel == channel, m.external_id.in_(ids), m.kind.in_(OF_OURS)
    )
    row = tx.execute(ours.order_by(m.id).limit(1).with_for_update()).first()
    if row is None:
        return False
    details = dict(row[1] or {})
    noted = list(details.get("deliveries", ()))
    if any(each.get("id") == report["id"] for each in noted):
        return True
    noted.append({**report, "received_at": now.isoformat()})
    details["deliveries"] = noted[-MOST_NOTED:]
    tx.execute(update(messages).where(m.id == row[0]).values(details=details))
    return True

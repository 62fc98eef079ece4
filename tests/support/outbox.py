"""Looking into a service's outbox."""

from __future__ import annotations

from sqlalchemy import func, select

from shared.db import Database, Read
from shared.events import Envelope
from shared.messaging.envelope import BY_TYPE
from shared.messaging.outbox import OUTBOX


def unpublished_count(tx: Read) -> int:
    rows = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.published_at.is_(None))
    return int(tx.execute(rows).scalar_one())


async def told_by(database: Database) -> list[Envelope]:
    """What the service has recorded, in order."""

    def rows(tx: Read) -> list[Envelope]:
        found = tx.execute(select(OUTBOX).order_by(OUTBOX.c.seq))
        return [
            Envelope(
                row.id,
                row.aggregateid,
                row.occurred_at,
                BY_TYPE[row.type].model_validate_json(row.payload),
                row.traceparent,
            )
            for row in found
        ]

    return await database.read(rows)

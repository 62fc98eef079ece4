"""Until when everything is on the bus that another service recorded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from services.sla.tables import progress
from shared.db import Read, Write
from shared.db.upsert import insert_into


def note(tx: Write, service: str, until: datetime) -> None:
    """The newest counts, also when it takes back an earlier one: a clock there was set."""
    new = insert_into(tx, progress).values(service=service, until=until)
    tx.execute(
        new.on_conflict_do_update(
            index_elements=[progress.c.service],
            set_={"until": new.excluded.until},
        )
    )


def published(tx: Read, services: Collection[str]) -> dict[str, datetime]:
    """By service; one that never said so is missing."""
    rows = tx.execute(
        select(progress.c.service, progress.c.until).where(progress.c.service.in_(services))
    )
    return {row.service: row.until for row in rows}

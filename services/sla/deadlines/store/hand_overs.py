"""The rows of `hand_overs`: a second deadline of an inquiry, where somebody owes or owed it.

They change under the lock of the inquiry's row in `deadlines`, and have none of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from services.sla.tables import hand_overs
from shared.db import Read, Write
from shared.db.among import among
from shared.db.upsert import insert_into


@dataclass(frozen=True, slots=True)
class HandOverRow:
    """A row of `hand_overs`; the fields are its columns."""

    inquiry_id: UUID
    state: str
    due_at: datetime
    breached_at: datetime | None = None
    taken_over_at: datetime | None = None
    published: str | None = None


_COLUMNS: Final = tuple(HandOverRow.__dataclass_fields__)
_C = hand_overs.c


def of(tx: Read, inquiry_ids: Sequence[UUID]) -> dict[UUID, HandOverRow]:
    """Those of the inquiries that have one."""
    wanted = select(*(_C[name] for name in _COLUMNS))
    rows = tx.execute(wanted.where(among(tx, _C.inquiry_id, inquiry_ids)))
    return {row.inquiry_id: HandOverRow(*row) for row in rows}


def put(tx: Write, rows: Sequence[HandOverRow]) -> None:
    if not rows:
        return
    new = insert_into(tx, hand_overs)
    upsert = new.on_conflict_do_update(
        index_elements=[_C.inquiry_id],
        set_={_C[name]: new.excluded[name] for name in _COLUMNS if name != "inquiry_id"},
    )
    tx.execute(upsert, [asdict(row) for row in rows])


def remove(tx: Write, inquiry_ids: Sequence[UUID]) -> None:
    """Nobody ever owed them, by what is known now."""
    if inquiry_ids:
        tx.execute(delete(hand_overs).where(among(tx, _C.inquiry_id, inquiry_ids)))

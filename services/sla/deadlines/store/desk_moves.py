"""The rows of `desk_moves`: that a desk handed an inquiry to another. Heard twice, it is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from services.sla.tables import desk_moves
from shared.db import Write
from shared.db.upsert import insert_into


@dataclass(frozen=True, slots=True)
class DeskMove:
    """A row of `desk_moves`; the fields are its columns."""

    inquiry_id: UUID
    at: datetime
    from_desk: str
    desk: str


def add(tx: Write, moves: Sequence[DeskMove]) -> None:
    if moves:
        rows = sorted(moves, key=lambda move: (move.inquiry_id, move.at))
        once = insert_into(tx, desk_moves).on_conflict_do_nothing()
        tx.execute(once, [asdict(row) for row in rows])

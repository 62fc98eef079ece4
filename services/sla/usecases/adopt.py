"""A new policy: open clocks go under it, closed ones stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sla.domain import TECHNICAL_DESK, Assigned
from services.sla.store import deadlines
from services.sla.store.deadlines import PAUSED, RUNNING, DeadlineRow
from services.sla.store.facts import Recorded
from services.sla.usecases.desks import moved_for
from services.sla.usecases.library import Library
from services.sla.usecases.published import Change
from services.sla.usecases.record import Arrival, Histories, record
from shared.db import Write
from shared.ids import new_id

_OPEN: Final = frozenset({RUNNING, PAUSED})


def adopt(tx: Write, inquiry_ids: Sequence[UUID], *, library: Library, now: datetime) -> int:
    """Put these clocks, as far as they are open, under the present policy: how many moved.

    A deadline that stays where it is is under the new calendar all the same: it counts when a pause
    ends.
    """
    edition = library.follow(tx, now=now)
    key = edition.key
    locked = deadlines.lock(tx, inquiry_ids)
    rows = [each for each in locked.values() if each.state in _OPEN and each.edition != key]
    if not rows:
        return 0
    ids = [row.inquiry_id for row in rows]
    histories = Histories.read(tx, ids, library=library, now=now)
    arrivals = []
    for row in rows:
        moved = moved_for(row, histories, edition=edition, desk=row.desk, at=now, reason="policy")
        if moved is not None:
            recorded = Recorded(row.inquiry_id, new_id(), moved, edition=key)
            arrivals.append(Arrival(row.conversation_id, recorded, Change("policy", moved.at)))
    if arrivals:
        record(tx, arrivals, library=library, now=now)
    if edition.hands_over:
        _tell_the_desks(tx, rows, histories, library=library, now=now)
    deadlines.change(tx, {each: {"edition": key} for each in ids})
    return len(arrivals)


def _tell_the_desks(
    tx: Write,
    rows: Sequence[DeadlineRow],
    histories: Histories,
    *,
    library: Library,
    now: datetime,
) -> None:
    """Without a hand-over in the policy nothing was noted of desks; from now on it is owed."""
    record(
        tx,
        [
            Arrival(
                row.conversation_id,
                Recorded(row.inquiry_id, new_id(), Assigned(now, TECHNICAL_DESK)),
                Change("policy", now),
            )
            for row in rows
            if row.desk == TECHNICAL_DESK
            and not any(isinstance(each, Assigned) for each in histories.of(row.inquiry_id))
        ],
        library=library,
        now=now,
    )

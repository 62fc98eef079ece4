"""Time passed: tell the warnings and breaches that became due, each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.sla.store import deadlines
from services.sla.store.deadlines import DeadlineRow
from services.sla.usecases.library import Library
from services.sla.usecases.record import Histories, Results
from shared.db import Write
from shared.trace import new_traceparent


def tick(tx: Write, *, library: Library, now: datetime, limit: int) -> int:
    """Work off due clocks, at most `limit`; how many. Several instances may do so side by side."""
    return _work_off(tx, deadlines.claim_due(tx, now=now, limit=limit), library=library, now=now)


def tick_one(tx: Write, *, inquiry_id: UUID, library: Library, now: datetime) -> int:
    """Work off one clock if it is due and nobody else has it; how many."""
    row = deadlines.claim_one(tx, inquiry_id, now=now)
    return _work_off(tx, [] if row is None else [row], library=library, now=now)


def put_off(tx: Write, *, inquiry_id: UUID, now: datetime, until: datetime) -> None:
    """Leave a clock on which something is due alone until then, or until a fact of it arrives."""
    if deadlines.claim_one(tx, inquiry_id, now=now) is not None:
        deadlines.change(tx, {inquiry_id: {"next_action_at": until}})


def _work_off(tx: Write, rows: Sequence[DeadlineRow], *, library: Library, now: datetime) -> int:
    if not rows:
        return 0
    ids = [row.inquiry_id for row in rows]
    histories = Histories.read(tx, ids, library=library, now=now)
    results, trace = Results(library.audiences), new_traceparent()
    for row in rows:
        outcome = histories.fold(row, now=now, tell_due=True)
        results.take(row, outcome, now=now, trace=trace)
    results.write(tx)
    return len(rows)

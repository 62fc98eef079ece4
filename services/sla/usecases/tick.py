"""Time passed: tell the warnings and breaches that became due, each once."""

from __future__ import annotations

from datetime import datetime

from services.sla.store import deadlines
from services.sla.usecases.library import Library
from services.sla.usecases.record import Histories, Results
from shared.db import Write
from shared.trace import new_traceparent


def tick(tx: Write, *, library: Library, now: datetime, limit: int) -> int:
    """Work off due clocks, at most `limit`; how many. Several instances may do so side by side."""
    rows = deadlines.claim_due(tx, now=now, limit=limit)
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

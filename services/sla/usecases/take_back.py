"""An end was taken back: the clock is as if it had never been, and the customer has waited on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.store import deadlines
from services.sla.usecases.adopt import catch_up
from services.sla.usecases.library import Library
from services.sla.usecases.record import Arrival, earliest, record
from services.sla.usecases.said import OPEN
from shared.db import Write


def take_back(
    tx: Write, arrivals: Sequence[Arrival], *, library: Library, now: datetime
) -> datetime | None:
    """Note what was taken back; a breach that it uncovers is told by the timers.

    Returns when the first of the clocks needs a look.
    """
    before = deadlines.lock(tx, [each.inquiry_id for each in arrivals])
    look = record(tx, arrivals, library=library, now=now)
    ended = [each for each, row in before.items() if row.due_at and row.state not in OPEN]
    return earliest([look, catch_up(tx, ended, library=library, now=now)])

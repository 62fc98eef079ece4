"""An end was taken back: the clock is as if it had never been, and the customer has waited on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.usecases.adopt import catch_up
from services.sla.usecases.library import Library
from services.sla.usecases.record import Arrival, earliest, record
from shared.db import Write


def take_back(
    tx: Write, arrivals: Sequence[Arrival], *, library: Library, now: datetime
) -> datetime | None:
    """Note what was taken back; a breach that it uncovers is told by the timers.

    Returns when the first of the clocks needs a look.
    """
    look = record(tx, arrivals, library=library, now=now)
    inquiries = [each.inquiry_id for each in arrivals]
    return earliest([look, catch_up(tx, inquiries, library=library, now=now)])

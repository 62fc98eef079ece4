"""An end was taken back: the clock is as if it had never been, and the customer has waited on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.deadlines.usecases.append import Arrival, earliest, record
from services.sla.deadlines.usecases.apply_policy import catch_up
from services.sla.promises.versions import Library
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

"""A ToDo was completed: by the answer that intake has told of, or by hand, as after a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sla.store import deadlines
from services.sla.store.deadlines import DeadlineRow
from services.sla.usecases.library import Library
from services.sla.usecases.record import Arrival, record
from shared.db import Write


def finish(
    tx: Write, completions: Sequence[Arrival], *, library: Library, now: datetime
) -> datetime | None:
    """Take a completion for the answer, unless the inquiry had ended before it.

    Intake closes what was completed by hand and takes no answer to it, so no other would ever end
    the clock. Returns when the first of the clocks needs a look.
    """
    rows = deadlines.lock(tx, [each.inquiry_id for each in completions])
    first = [each for each in completions if not _over_by(each, rows.get(each.inquiry_id))]
    return record(tx, first, library=library, now=now)


def _over_by(completion: Arrival, row: DeadlineRow | None) -> bool:
    ends = () if row is None else (row.answered_at, row.cancelled_at)
    return any(end is not None and end <= completion.recorded.fact.at for end in ends)

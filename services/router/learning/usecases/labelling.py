"""Labels follow the histories of the ToDos, line by line, whatever instance wrote them.

Every change that a person makes of a ToDo, and every end, leaves a line. A transaction takes the
numbers of its lines before it commits, so lines with lower numbers may appear later. What has been
read is therefore read once more when every transaction of that time has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.router.learning.domain.labels import label_of
from services.router.learning.store import labels, progress
from shared.db import Write

LINES_AT_ONCE = 500
SETTLED_AFTER = timedelta(minutes=2)
"""Each statement of a transaction, and each pause between two, ends within half a minute."""


def read_on(tx: Write, *, now: datetime) -> bool:
    """Read the next lines; whether there may be more at once."""
    before = progress.locked(tx)
    new = labels.lines_after(tx, before.read_line, until=None, limit=LINES_AT_ONCE)
    if new.count:
        derive(tx, new.todos)
        progress.save_lines(tx, replace(before, read_line=new.last))
        return True
    return _read_again(tx, before, now)


def derive(tx: Write, todo_ids: Sequence[UUID]) -> None:
    """Their labels as they follow from how they stand; again and again is the same."""
    known = labels.standings(tx, todo_ids)
    labels.keep(tx, [(each, label_of(each.standing)) for each in known])


def _read_again(tx: Write, before: progress.Progress, now: datetime) -> bool:
    if before.settled_line == before.marked_line:
        if before.read_line != before.marked_line:
            progress.save_lines(tx, replace(before, marked_line=before.read_line, marked_at=now))
        return False
    if before.marked_at is None or before.marked_at > now:
        # By a clock that was ahead. Nobody knows when it was: the time begins again.
        progress.save_lines(tx, replace(before, marked_at=now))
        return False
    if now < before.marked_at + SETTLED_AFTER:
        return False
    again = labels.lines_after(
        tx, before.settled_line, until=before.marked_line, limit=LINES_AT_ONCE
    )
    derive(tx, again.todos)
    settled = again.last if again.count == LINES_AT_ONCE else before.marked_line
    progress.save_lines(tx, replace(before, settled_line=settled))
    return True

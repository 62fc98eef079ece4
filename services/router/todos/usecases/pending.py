"""A verdict waits for a second person only as long as the customer has said nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.router.todos.store.verdicts import clear_pending
from services.router.todos.store.work import ROUTER, Note, What, note
from shared.db import Write


def clear_verdicts(tx: Write, changed: Sequence[tuple[UUID, datetime]]) -> None:
    """What waits for a second person at these ToDos was said of other words: the customer has
    changed them at that moment.
    """
    moments = dict(changed)
    cleared = clear_pending(tx, sorted(moments))
    note(tx, [Note(todo, moments[todo], ROUTER, What.VERDICT_CLEARED) for todo in cleared])

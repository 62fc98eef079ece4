"""That an answer was reused, and what that saves, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.router.similar.store import uses
from services.router.similar.store.uses import Reuse, Used
from services.router.similar.usecases.lookup import unknown_todo
from shared.db import Read, Write
from shared.errors import ConflictError, NotFoundError
from shared.web.spans import Week


def note_lookup(tx: Write, todo_id: UUID, *, shown: int, now: datetime) -> None:
    """That similar questions of this ToDo were looked up; the most that were shown counts."""
    uses.note_lookup(tx, todo_id, shown=shown, now=now)


def reuse(
    tx: Write, *, todo_id: UUID, inquiry_id: UUID, by: str, key_name: str, now: datetime
) -> Reuse:
    """Record once that the answer of that inquiry was reused for this ToDo.

    Raises NotFoundError (no such ToDo, or no such answer) and ConflictError (the ToDo's own answer,
    or it was dismissed).
    """
    todo = uses.lock_todo(tx, todo_id)
    if todo is None:
        raise unknown_todo(todo_id)
    if (known := uses.find_reuse(tx, todo_id, inquiry_id)) is not None:
        return known
    own_inquiry, state = todo
    if own_inquiry == inquiry_id:
        raise ConflictError("reuse-of-itself", "this is the ToDo's own inquiry: name another one")
    if state == "dismissed":
        raise ConflictError("todo-dismissed", "the ToDo was dismissed: it gets no answer")
    if not uses.is_answered(tx, inquiry_id):
        raise NotFoundError(
            "answer-not-found",
            f"there is no answer of the inquiry {inquiry_id} that could be reused: it was not "
            "answered, was taken back, or its words were removed",
        )
    recorded = Reuse(todo_id, inquiry_id, now, by, key_name)
    uses.add_reuse(tx, recorded)
    return recorded


def report(tx: Read, weeks: Sequence[Week]) -> list[Sequence[Used]]:
    """For each week by desk, of the ToDos that were received in it."""
    return [uses.used(tx, start=week.start, end=week.end) for week in weeks]

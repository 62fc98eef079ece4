"""Taking what is most urgent at a desk."""

from __future__ import annotations

from uuid import UUID

from services.router.todos.store.queue import next_open
from services.router.todos.usecases.desk_work import By, claim
from shared.db import Write


def take_next(tx: Write, *, desk: str, assignee: str, by: By) -> UUID | None:
    """Claim the most urgent open ToDo of the desk; None when there is none."""
    todo_id = next_open(tx, desk=desk, person=assignee)
    if todo_id is not None:
        claim(tx, todo_id=todo_id, assignee=assignee, by=by)
    return todo_id

"""One verb for many ToDos: each in a transaction of its own, so that none undoes another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.router.todos.domain.todo import TodoState
from services.router.todos.store.work import standing
from services.router.todos.usecases.desk_work import By
from shared.db import Write


class Verb(Protocol):
    def __call__(self, tx: Write, /, *, todo_id: UUID, by: By) -> object: ...


@dataclass(frozen=True, slots=True)
class Done:
    """How the ToDo stands after the verb."""

    version: int
    state: TodoState


def do_one(tx: Write, verb: Verb, *, todo_id: UUID, by: By) -> Done:
    """Raises what the verb raises."""
    verb(tx, todo_id=todo_id, by=by)
    return Done(*standing(tx, todo_id))

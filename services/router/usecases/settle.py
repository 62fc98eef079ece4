"""From the ends of ToDos to how they stand: read once, judged by when everything happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.router.domain.ends import End, EndKind, reopenable, status_after, verdict
from services.router.store.ends import add_ends, ends_of
from services.router.store.work import WorkTodo
from shared.db import Write


@dataclass(slots=True)
class Ends:
    """The ends of some locked ToDos, and those that one transaction adds."""

    kept: Mapping[UUID, list[End]]
    added: list[tuple[UUID, End]]

    @classmethod
    def read(cls, tx: Write, todos: Sequence[WorkTodo]) -> Ends:
        return cls(ends_of(tx, [todo.id for todo in todos]), [])

    def of(self, todo: WorkTodo) -> list[End]:
        return [*self.kept.get(todo.id, ()), *(e for key, e in self.added if key == todo.id)]

    def add(self, todo: WorkTodo, end: End) -> WorkTodo:
        """The ToDo as it stands with one more end."""
        if end.kind is EndKind.WITHDRAWN:
            self._withdraw_nameless(todo)
        self.added.append((todo.id, end))
        return self.stands(todo)

    def stands(self, todo: WorkTodo) -> WorkTodo:
        """The ToDo as its ends have it."""
        decided = verdict(self.of(todo), reopened_at=todo.reopened_at)
        status = status_after(todo.status, decided, claimed=todo.claimed_through is not None)
        end = decided.deciding
        return replace(
            todo,
            status=status,
            follow_up_at=self._follow_up(todo, decided.hold),
            ended_at=None if end is None else end.at,
            ended_by=None if end is None else end.by,
        )

    def _follow_up(self, todo: WorkTodo, hold: End | None) -> datetime | None:
        """Of holding replies of before each had a row only the ToDo itself knows."""
        told_here = any(end.kind is EndKind.HELD for end in self.of(todo))
        if hold is None:
            return None if told_here else todo.follow_up_at
        return hold.follow_up_at

    def reopenable(self, todo: WorkTodo) -> list[End]:
        return reopenable(self.of(todo), reopened_at=todo.reopened_at)

    def write(self, tx: Write) -> None:
        add_ends(tx, self.added)

    def _withdraw_nameless(self, todo: WorkTodo) -> None:
        """An answer of before each had a row: which reply it was nobody wrote down."""
        for end in self.of(todo):
            if end.key == todo.id and end.kind is EndKind.ANSWERED:
                gone = replace(end, kind=EndKind.WITHDRAWN, revision=end.revision + 1)
                self.added.append((todo.id, gone))

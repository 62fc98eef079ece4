"""From the ends of ToDos to how they stand: read once, judged by when everything happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.router.todos.domain.ends import (
    End,
    EndKind,
    known,
    outcome,
    reopenable,
    status_after,
)
from services.router.todos.domain.todo import TodoState
from services.router.todos.store.ends import (
    add_ends,
    ends_in_histories,
    ends_of,
    is_nameless,
    nameless_key,
)
from services.router.todos.store.work import WorkTodo
from shared.db import Write

_REPLIES = frozenset({EndKind.ANSWERED, EndKind.HELD})


@dataclass(slots=True)
class Ends:
    """The ends of some locked ToDos, and those that one transaction adds."""

    kept: Mapping[UUID, list[End]]
    added: list[tuple[UUID, End]]

    @classmethod
    def read(cls, tx: Write, todos: Sequence[WorkTodo]) -> Ends:
        kept = ends_of(tx, [todo.id for todo in todos])
        without = [todo for todo in todos if _ended_before(todo, kept.get(todo.id, ()))]
        if not without:
            return cls(kept, [])
        recorded = ends_in_histories(tx, [todo.id for todo in without])
        before = [
            (todo.id, end)
            for todo in without
            for end in _ends_before(todo, kept.get(todo.id, ()), recorded.get(todo.id, ()))
        ]
        return cls(kept, before)

    def of(self, todo: WorkTodo) -> list[End]:
        return [*self.kept.get(todo.id, ()), *(e for key, e in self.added if key == todo.id)]

    def has(self, todo: WorkTodo, end: End) -> bool:
        """Whether it, or something newer about it, is known: it was replayed."""
        return any(_is_older(end, each) for each in self.of(todo))

    def add(self, todo: WorkTodo, end: End) -> WorkTodo:
        """The ToDo as it stands with one more end."""
        named = [(todo.id, gone) for gone in _now_named(self.of(todo), end)]
        self.added += [*named, (todo.id, end)]
        return self.stands(todo)

    def stands(self, todo: WorkTodo) -> WorkTodo:
        """The ToDo as its ends have it."""
        decided = outcome(self.of(todo), reopened_at=todo.reopened_at)
        end, hold, post = decided.deciding, decided.hold, decided.own_post
        return replace(
            todo,
            status=status_after(todo.status, decided, claimed=todo.claimed_through is not None),
            follow_up_at=None if hold is None else hold.follow_up_at,
            own_post_at=None if post is None else post.at,
            ended_at=None if end is None else end.at,
            ended_by=None if end is None else end.by,
            ended_by_key_name=None if end is None else end.key_name,
        )

    def reopenable(self, todo: WorkTodo) -> list[End]:
        return reopenable(self.of(todo), reopened_at=todo.reopened_at)

    def write(self, tx: Write) -> None:
        add_ends(tx, self.added)


def _is_older(end: End, known_one: End) -> bool:
    if end.key == known_one.key:
        return known_one.revision >= end.revision
    if end.kind is not EndKind.CLOSED or known_one.kind is not EndKind.CLOSED:
        return False
    return (end.at, end.by, end.final) == (known_one.at, known_one.by, known_one.final)


def _ended_before(todo: WorkTodo, kept: Sequence[End]) -> bool:
    """Whether a program ended this ToDo that knew no rows for ends; both may run at once."""
    if todo.ended:
        return outcome(kept, reopened_at=todo.reopened_at).deciding is None
    return todo.follow_up_at is not None and not kept


def _ends_before(todo: WorkTodo, kept: Sequence[End], recorded: Sequence[End]) -> Iterator[End]:
    """What the history has beside the rows; at least the end that the ToDo itself shows."""
    rows = {(end.at, end.by) for end in kept}
    found = [end for end in recorded if (end.at, end.by) not in rows]
    yield from found
    if not todo.ended or todo.ended_at is None:
        return
    if outcome([*kept, *found], reopened_at=todo.reopened_at).deciding is None:
        done = todo.status.state is TodoState.DONE
        yield End(
            nameless_key(todo.id, "end"),
            EndKind.COMPLETED if done else EndKind.DISMISSED,
            todo.ended_at,
            todo.ended_by or "",
            todo.status.dismissal,
        )


def _now_named(ends: Sequence[End], end: End) -> Iterator[End]:
    """Of a reply without a name that this fact names: it counts no more under its old key.

    A withdrawal says nothing of when the reply was; when no reply of that name is known it means
    the one without a name, rather an answer than a holding reply: a customer who was not answered
    must not be forgotten.
    """
    nameless = [each for each in known(ends) if is_nameless(each) and each.kind in _REPLIES]
    if not nameless:
        return
    if end.kind in _REPLIES:
        found = [each for each in nameless if (each.at, each.by) == (end.at, end.by)][:1]
    elif end.kind is EndKind.WITHDRAWN and all(each.key != end.key for each in ends):
        found = sorted(nameless, key=lambda each: (each.kind is EndKind.HELD, each.at))[:1]
    else:
        return
    for each in found:
        yield replace(each, kind=EndKind.WITHDRAWN, revision=each.revision + 1)

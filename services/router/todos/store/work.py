"""ToDos under work: lock first, then change; and what happened to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Row, bindparam, case, insert, null, select, update

from services.router.similar.store.uses import REUSED
from services.router.tables import history, todos
from services.router.todos.domain.todo import ENDED, DismissReason, TodoState, TodoStatus
from shared.db import Read, Write
from shared.db.among import among

ROUTER = "router"
"""Who acts in a history when no person does."""


class What(StrEnum):
    """What a line of the history says."""

    CREATED = "created"
    CLAIMED = "claimed"
    ASSIGNED = "assigned"
    RELEASED = "released"
    COMPLETED = "completed"
    REROUTED = "rerouted"
    DISMISSED = "dismissed"
    ANSWERED = "answered"
    HELD = "held"
    CLOSED = "closed"
    REOPENED = "reopened"
    REPLY_WITHDRAWN = "reply_withdrawn"
    OWN_POST_SEEN = "own_post_seen"
    MESSAGE_MOVED = "message_moved"
    NETIQUETTE_SUSPECTED = "netiquette_suspected"
    MESSAGE_AFTER_END = "message_after_end"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_WITHDRAWN = "message_withdrawn"
    VERDICT = "verdict"
    VERDICT_PENDING = "verdict_pending"
    VERDICT_CLEARED = "verdict_cleared"
    APPEALED = "appealed"
    WORDS_REMOVED = "words_removed"
    ANSWER_REUSED = REUSED


@dataclass(frozen=True, slots=True)
class WorkTodo:
    """A ToDo whose row is locked until the transaction ends."""

    id: UUID
    inquiry_id: UUID
    conversation_id: UUID
    status: TodoStatus
    version: int
    claimed_through: str | None = None
    follow_up_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_by_key_name: str | None = None
    reopened_at: datetime | None = None
    merged_into: UUID | None = None
    own_post_at: datetime | None = None

    @property
    def ids(self) -> dict[str, Any]:
        """As every fact about it begins."""
        return {
            "todo_id": self.id,
            "inquiry_id": self.inquiry_id,
            "conversation_id": self.conversation_id,
        }

    @property
    def ended(self) -> bool:
        return self.status.state in ENDED


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a ToDo's history: who did what, when, and why, through which API key."""

    todo_id: UUID
    at: datetime
    who: str
    what: What
    why: str | None = None
    key_name: str | None = None
    as_supervisor: bool = False


def lock(tx: Write, todo_id: UUID) -> WorkTodo | None:
    row = tx.execute(_selected().where(todos.c.id == todo_id).with_for_update()).one_or_none()
    return None if row is None else _work_todo(row)


def lock_of_inquiries(tx: Write, inquiries: Sequence[UUID]) -> dict[UUID, WorkTodo]:
    """The ToDos of these inquiries, always locked in the same order."""
    rows = tx.execute(
        _selected()
        .where(among(tx, todos.c.inquiry_id, inquiries))
        .order_by(todos.c.inquiry_id)
        .with_for_update()
    )
    return {row.inquiry_id: _work_todo(row) for row in rows}


def save(tx: Write, changed: Sequence[WorkTodo]) -> None:
    """The version of each is one higher then."""
    if changed:
        tx.execute(_SAVE, [_changes(todo) for todo in changed])


def standing(tx: Read, todo_id: UUID) -> tuple[int, TodoState]:
    """The version and the state of a ToDo that is there."""
    c = todos.c
    row = tx.execute(select(c.version, c.state).where(c.id == todo_id)).one()
    return row.version, TodoState(row.state)


def raise_version(tx: Write, todo_id: UUID) -> None:
    """A person sees a change of this ToDo that is not `save`d: of a message, or in the history."""
    c = todos.c
    tx.execute(update(todos).where(c.id == todo_id).values(version=c.version + 1))


def note(tx: Write, notes: Sequence[Note]) -> None:
    """Add lines to the histories, in this order."""
    if notes:
        tx.execute(
            insert(history),
            [
                {
                    "todo_id": each.todo_id,
                    "at": each.at,
                    "who": each.who,
                    "what": each.what.value,
                    "why": each.why,
                    "key_name": each.key_name,
                    "as_supervisor": each.as_supervisor,
                }
                for each in notes
            ],
        )


def _selected() -> Any:
    c = todos.c
    return select(
        c.id,
        c.inquiry_id,
        c.conversation_id,
        c.desk,
        c.state,
        c.assignee,
        c.dismiss_reason,
        c.version,
        c.claimed_through,
        c.follow_up_at,
        c.ended_at,
        c.ended_by,
        c.ended_by_key_name,
        c.reopened_at,
        c.merged_into,
        c.own_post_at,
    )


def _work_todo(row: Row[*tuple[Any, ...]]) -> WorkTodo:
    dismissal = row.dismiss_reason and DismissReason(row.dismiss_reason)
    return WorkTodo(
        row.id,
        row.inquiry_id,
        row.conversation_id,
        TodoStatus(row.desk, TodoState(row.state), row.assignee, dismissal),
        row.version,
        row.claimed_through,
        row.follow_up_at,
        row.ended_at,
        row.ended_by,
        row.ended_by_key_name,
        row.reopened_at,
        row.merged_into,
        row.own_post_at,
    )


_CHANGING = (
    todos.c.desk,
    todos.c.state,
    todos.c.assignee,
    todos.c.dismiss_reason,
    todos.c.claimed_through,
    todos.c.follow_up_at,
    todos.c.ended_at,
    todos.c.ended_by,
    todos.c.ended_by_key_name,
    todos.c.reopened_at,
    todos.c.merged_into,
    todos.c.own_post_at,
)
_SAVE = (
    update(todos)
    .where(todos.c.id == bindparam("todo"))
    .values(
        {
            **{column.name: bindparam(f"new_{column.name}") for column in _CHANGING},
            "version": todos.c.version + 1,
            # One that goes on takes words in again, and loses them again when it has ended.
            "removed_at": case(
                (bindparam("goes_on", type_=Boolean), null()), else_=todos.c.removed_at
            ),
        }
    )
)


def _changes(todo: WorkTodo) -> dict[str, Any]:
    status = todo.status
    return {
        "todo": todo.id,
        "goes_on": todo.ended_at is None,
        "new_desk": status.desk,
        "new_state": status.state.value,
        "new_assignee": status.assignee,
        "new_dismiss_reason": status.dismissal and status.dismissal.value,
        "new_claimed_through": todo.claimed_through,
        "new_follow_up_at": todo.follow_up_at,
        "new_ended_at": todo.ended_at,
        "new_ended_by": todo.ended_by,
        "new_ended_by_key_name": todo.ended_by_key_name,
        "new_reopened_at": todo.reopened_at,
        "new_merged_into": todo.merged_into,
        "new_own_post_at": todo.own_post_at,
    }

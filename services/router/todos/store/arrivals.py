"""What comes once per inquiry or message: written for many at once, read for none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql

from services.router.tables import NEVER, deadlines, messages, moves, todos
from shared.db import Write
from shared.db.among import among, among_named, listed
from shared.db.bulk import insert_rows
from shared.db.upsert import insert_into

_REPORTED_LATER = """
ON CONFLICT (inquiry_id, message_id) DO UPDATE SET
  told_at = excluded.told_at, here = excluded.here
WHERE todo_moves.told_at < excluded.told_at
   OR (todo_moves.told_at = excluded.told_at AND todo_moves.here)
"""


@dataclass(frozen=True, slots=True)
class Move:
    """Whether the message is at this inquiry, as it was reported at that moment."""

    inquiry_id: UUID
    message_id: UUID
    reported_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class NewMessage:
    inquiry_id: UUID
    message_id: UUID
    received_at: datetime
    text: str
    subject: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class NewTodo:
    id: UUID
    conversation_id: UUID
    channel: str
    desk: str
    decided: Mapping[str, Any]
    created_at: datetime
    message: NewMessage

    @property
    def inquiry_id(self) -> UUID:
        return self.message.inquiry_id


def insert_todos(tx: Write, new: Sequence[NewTodo]) -> list[NewTodo]:
    """Those whose inquiry had no ToDo before, now stored; the other inquiries keep theirs."""
    # Sorted, so that two instances with the same inquiries cannot deadlock.
    ordered = sorted(new, key=lambda todo: todo.inquiry_id)
    due = _due_where_missing(tx, [todo.inquiry_id for todo in ordered])
    missing = [todo for todo in ordered if todo.inquiry_id in due]
    if missing:
        insert_rows(tx, todos, [_todo_row(todo, *due[todo.inquiry_id]) for todo in missing])
        insert_rows(tx, messages, [_message_row(todo.message) for todo in missing])
    return missing


def insert_messages(tx: Write, new: Sequence[NewMessage]) -> frozenset[UUID]:
    """Add messages to existing ToDos; the ids of the messages that were not there before.

    One that has left is not there again when it is replayed.
    """
    gone = _gone(tx, new)
    new = [each for each in new if (each.inquiry_id, each.message_id) not in gone]
    if not new:
        return frozenset()
    rows = [_message_row(message) for message in sorted(new, key=lambda each: each.inquiry_id)]
    once = insert_into(tx, messages).on_conflict_do_nothing().returning(messages.c.message_id)
    added = frozenset(tx.execute(once, rows).scalars())
    counted = [
        {
            "inquiry": each.inquiry_id,
            "message": each.message_id,
            "received": each.received_at,
        }
        for each in new
        if each.message_id in added
    ]
    if counted:
        tx.execute(_count_message(), counted)
    return added


def keep_moves(tx: Write, reported: Sequence[Move]) -> None:
    """Keep where messages are, as reported last; at one moment a message rather left than came."""
    rows = [
        {
            "inquiry_id": each.inquiry_id,
            "message_id": each.message_id,
            "told_at": each.reported_at,
            "here": each.here,
        }
        for each in reported
    ]
    insert_rows(tx, moves, rows, on_conflict=_REPORTED_LATER)


def remove_moved(tx: Write, inquiries: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Take away the messages that have left these inquiries, whose ToDos the caller has locked.

    The answer pairs the ToDo with each message that was still there.
    """
    m = messages.c
    gone = tx.execute(_moved(tx.dialect), {"inquiries": listed(tx, inquiries)}).all()
    for each in gone:
        here = and_(m.inquiry_id == each.inquiry_id, m.message_id == each.message_id)
        tx.execute(delete(messages).where(here))
    for inquiry_id in dict.fromkeys(each.inquiry_id for each in gone):
        tx.execute(_count_again(inquiry_id))
    return [(each.id, each.message_id) for each in gone]


@cache
def _moved(dialect: str) -> Select[Any]:
    m, v, t = messages.c, moves.c, todos.c
    both = and_(m.inquiry_id == v.inquiry_id, m.message_id == v.message_id)
    return (
        select(t.id, m.inquiry_id, m.message_id)
        .join_from(moves, messages, both)
        .join(todos, t.inquiry_id == m.inquiry_id)
        .where(among_named(dialect, v.inquiry_id, "inquiries"), ~v.here)
        .order_by(m.inquiry_id, m.received_at, m.message_id)
    )


def _count_again(inquiry_id: UUID) -> Any:
    m = messages.c
    here = m.inquiry_id == inquiry_id
    latest = select(m.message_id).where(here).order_by(m.received_at.desc(), m.message_id.desc())
    return (
        update(todos)
        .where(todos.c.inquiry_id == inquiry_id)
        .values(
            version=todos.c.version + 1,
            message_count=select(func.count()).where(here).scalar_subquery(),
            latest_message_id=func.coalesce(
                latest.limit(1).scalar_subquery(), todos.c.latest_message_id
            ),
        )
    )


def _due_where_missing(
    tx: Write, inquiries: Sequence[UUID]
) -> dict[UUID, tuple[datetime | None, int]]:
    """The inquiries without a ToDo, each with the due time that came before it, and how often that
    deadline has changed.

    Locks the place where the inquiry's deadline is kept, so that whoever else brings this inquiry
    or its deadline waits.
    """
    ensure_deadlines(tx, inquiries)
    rows = tx.execute(_without_todo(tx.dialect), {"inquiries": listed(tx, inquiries)})
    return {row.inquiry_id: (row.due_at, row.changes) for row in rows}


@cache
def _without_todo(dialect: str) -> Select[Any]:
    c = deadlines.c
    return (
        select(c.inquiry_id, c.due_at, c.changes)
        .outerjoin(todos, todos.c.inquiry_id == c.inquiry_id)
        .where(among_named(dialect, c.inquiry_id, "inquiries"), todos.c.id.is_(None))
    )


def ensure_deadlines(tx: Write, inquiries: Sequence[UUID]) -> None:
    """A row for each inquiry, locked; `inquiries` in the order of their ids."""
    if tx.dialect == "sqlite":
        # The one writer needs no lock, and can look first.
        known = tx.execute(_known(tx.dialect), {"inquiries": listed(tx, inquiries)})
        there = frozenset(known.scalars())
        missing = dict.fromkeys(each for each in inquiries if each not in there)
        insert_rows(tx, deadlines, [{"inquiry_id": each} for each in missing])
        return
    meet = postgresql.insert(deadlines)
    meet = meet.on_conflict_do_update(
        index_elements=[deadlines.c.inquiry_id], set_={"inquiry_id": meet.excluded.inquiry_id}
    )
    tx.execute(meet, [{"inquiry_id": inquiry} for inquiry in inquiries])


@cache
def _known(dialect: str) -> Select[Any]:
    c = deadlines.c
    return select(c.inquiry_id).where(among_named(dialect, c.inquiry_id, "inquiries"))


def _gone(tx: Write, new: Sequence[NewMessage]) -> frozenset[tuple[UUID, UUID]]:
    m = moves.c
    inquiries = [each.inquiry_id for each in new]
    left = select(m.inquiry_id, m.message_id).where(among(tx, m.inquiry_id, inquiries), ~m.here)
    return frozenset((row.inquiry_id, row.message_id) for row in tx.execute(left))


def _count_message() -> Any:
    """One more; it is the latest unless one that was received later is there already."""
    m, t = messages.c, todos.c
    received = bindparam("received", type_=m.received_at.type)
    message = bindparam("message", type_=m.message_id.type)
    later = (
        exists()
        .where(
            m.inquiry_id == t.inquiry_id,
            m.message_id == t.latest_message_id,
            or_(m.received_at > received, and_(m.received_at == received, m.message_id > message)),
        )
        .correlate(todos)
    )
    return (
        update(todos)
        .where(t.inquiry_id == bindparam("inquiry"))
        .values(
            message_count=t.message_count + 1,
            version=t.version + 1,
            latest_message_id=case((later, t.latest_message_id), else_=message),
        )
    )


def _todo_row(todo: NewTodo, due_at: datetime | None, deadline_changes: int) -> dict[str, Any]:
    message = todo.message
    return {
        "id": todo.id,
        "inquiry_id": message.inquiry_id,
        "conversation_id": todo.conversation_id,
        "channel": todo.channel,
        "desk": todo.desk,
        "first_desk": todo.desk,
        "state": "open",
        **todo.decided,
        "received_at": message.received_at,
        "created_at": todo.created_at,
        "due_at": due_at or NEVER,
        "deadline_changes": deadline_changes,
        "message_count": 1,
        "latest_message_id": message.message_id,
    }


def _message_row(message: NewMessage) -> dict[str, Any]:
    content = {"text": message.text}
    if message.subject is not None:
        content["subject"] = message.subject
    return {
        "inquiry_id": message.inquiry_id,
        "message_id": message.message_id,
        "received_at": message.received_at,
        "content": content,
        "url": message.url,
    }

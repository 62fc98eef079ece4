"""What comes once per inquiry or message: written for many at once, read for none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from services.router.tables import NEVER, deadlines, messages, todos
from shared.db import Write
from shared.db.among import among
from shared.db.bulk import insert_rows


@dataclass(frozen=True, slots=True)
class NewMessage:
    inquiry_id: UUID
    message_id: UUID
    received_at: datetime
    text: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class NewTodo:
    id: UUID
    conversation_id: UUID
    channel: str
    desk: str
    kind: str
    confidence: float
    reasons: Sequence[Mapping[str, Any]]
    created_at: datetime
    message: NewMessage

    @property
    def inquiry_id(self) -> UUID:
        return self.message.inquiry_id


def insert_todos(tx: Write, new: Sequence[NewTodo]) -> list[NewTodo]:
    """Those whose inquiry had no ToDo before, now stored; the other inquiries keep theirs."""
    # Sorted, so that two instances with the same inquiries cannot wait for each other in a circle.
    ordered = sorted(new, key=lambda todo: todo.inquiry_id)
    due = _due_where_missing(tx, [todo.inquiry_id for todo in ordered])
    missing = [todo for todo in ordered if todo.inquiry_id in due]
    if missing:
        insert_rows(tx, todos, [_todo_row(todo, due[todo.inquiry_id]) for todo in missing])
        insert_rows(tx, messages, [_message_row(todo.message) for todo in missing])
    return missing


def insert_messages(tx: Write, new: Sequence[NewMessage]) -> frozenset[UUID]:
    """Add messages to existing ToDos; the ids of the messages that were not there before."""
    rows = [_message_row(message) for message in sorted(new, key=lambda each: each.inquiry_id)]
    once = _insert(tx, messages).on_conflict_do_nothing().returning(messages.c.message_id)
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


def remove_messages(tx: Write, moved: Mapping[UUID, UUID]) -> list[tuple[UUID, UUID]]:
    """Take messages away from the inquiries that they left; the ToDo of each that was there.

    `moved` has the inquiry that each message left; the answer pairs of ToDo and message.
    """
    gone = []
    for message_id, inquiry_id in sorted(moved.items(), key=lambda each: (each[1], each[0])):
        m, t = messages.c, todos.c
        lock = select(t.id).where(t.inquiry_id == inquiry_id).with_for_update()
        todo_id = tx.execute(lock).scalar()
        here = delete(messages).where(m.inquiry_id == inquiry_id, m.message_id == message_id)
        if todo_id is not None and tx.execute(here).rowcount:
            tx.execute(_count_again(inquiry_id))
            gone.append((todo_id, message_id))
    return gone


def remove_all_messages(tx: Write, inquiry_id: UUID) -> None:
    """The inquiry became part of another, which has its messages."""
    tx.execute(delete(messages).where(messages.c.inquiry_id == inquiry_id))
    tx.execute(_count_again(inquiry_id))


def _count_again(inquiry_id: UUID) -> Any:
    m = messages.c
    here = m.inquiry_id == inquiry_id
    latest = select(m.message_id).where(here).order_by(m.received_at.desc(), m.message_id.desc())
    return (
        update(todos)
        .where(todos.c.inquiry_id == inquiry_id)
        .values(
            message_count=select(func.count()).where(here).scalar_subquery(),
            latest_message_id=latest.limit(1).scalar_subquery(),
        )
    )


def _due_where_missing(tx: Write, inquiries: Sequence[UUID]) -> dict[UUID, datetime | None]:
    """The inquiries without a ToDo, each with the due time that came before it.

    Locks the place where the inquiry's deadline is kept, so that whoever else brings this inquiry
    or its deadline waits.
    """
    ensure_deadlines(tx, inquiries)
    rows = tx.execute(
        select(deadlines.c.inquiry_id, deadlines.c.due_at)
        .outerjoin(todos, todos.c.inquiry_id == deadlines.c.inquiry_id)
        .where(among(tx, deadlines.c.inquiry_id, inquiries), todos.c.id.is_(None))
    )
    return {row.inquiry_id: row.due_at for row in rows}


def ensure_deadlines(tx: Write, inquiries: Sequence[UUID]) -> None:
    """A row for each inquiry, locked; `inquiries` in the order of their ids."""
    if tx.dialect == "sqlite":
        # The one writer needs no lock, and can look first.
        known = select(deadlines.c.inquiry_id).where(among(tx, deadlines.c.inquiry_id, inquiries))
        there = frozenset(tx.execute(known).scalars())
        missing = dict.fromkeys(each for each in inquiries if each not in there)
        insert_rows(tx, deadlines, [{"inquiry_id": each} for each in missing])
        return
    meet = postgresql.insert(deadlines)
    meet = meet.on_conflict_do_update(
        index_elements=[deadlines.c.inquiry_id], set_={"inquiry_id": meet.excluded.inquiry_id}
    )
    tx.execute(meet, [{"inquiry_id": inquiry} for inquiry in inquiries])


def _count_message() -> Any:
    """One more; it is the latest unless one that was received later is there already."""
    m = messages.c
    shown = select(m.received_at).where(
        m.inquiry_id == todos.c.inquiry_id, m.message_id == todos.c.latest_message_id
    )
    later = shown.correlate(todos).scalar_subquery() > bindparam(
        "received", type_=m.received_at.type
    )
    message = bindparam("message", type_=todos.c.latest_message_id.type)
    return (
        update(todos)
        .where(todos.c.inquiry_id == bindparam("inquiry"))
        .values(
            message_count=todos.c.message_count + 1,
            latest_message_id=case((later, todos.c.latest_message_id), else_=message),
        )
    )


def _todo_row(todo: NewTodo, due_at: datetime | None) -> dict[str, Any]:
    message = todo.message
    return {
        "id": todo.id,
        "inquiry_id": message.inquiry_id,
        "conversation_id": todo.conversation_id,
        "channel": todo.channel,
        "desk": todo.desk,
        "first_desk": todo.desk,
        "state": "open",
        "kind": todo.kind,
        "confidence": todo.confidence,
        "reasons": todo.reasons,
        "received_at": message.received_at,
        "created_at": todo.created_at,
        "due_at": due_at or NEVER,
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
    }


def _insert(tx: Write, table: Any) -> Any:
    dialect: Any = postgresql if tx.dialect == "postgresql" else sqlite
    return dialect.insert(table)

"""What a customer changed of a message, or took back, as its ToDo shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from services.router.tables import history, messages, todos
from services.router.todos.store.work import ROUTER, What
from shared.db import Read, Write

_BY_PEOPLE = (
    What.CLAIMED, What.ASSIGNED, What.REROUTED, What.REOPENED, What.VERDICT, What.APPEALED,
)  # fmt: skip


def rewrite(
    tx: Write, inquiry_id: UUID, message_id: UUID, content: Mapping[str, str], *, at: datetime
) -> bool:
    """Whether the message reads so now: it is there, and nothing later is known of it."""
    m = messages.c
    newer = or_(m.edited_at.is_(None), m.edited_at <= at)
    row = update(messages).where(_is(inquiry_id, message_id), m.content.is_not(None), newer)
    return tx.execute(row.values(content=dict(content), edited_at=at)).rowcount > 0


def mark_withdrawn(tx: Write, inquiry_id: UUID, message_id: UUID, *, at: datetime) -> bool:
    """Whether it was not known before."""
    row = update(messages).where(_is(inquiry_id, message_id), messages.c.withdrawn_at.is_(None))
    return tx.execute(row.values(withdrawn_at=at)).rowcount > 0


def received_at(tx: Read, inquiry_id: UUID, message_id: UUID) -> datetime | None:
    query = select(messages.c.received_at).where(_is(inquiry_id, message_id))
    found: datetime | None = tx.execute(query).scalar()
    return found


def decides(tx: Read, inquiry_id: UUID, message_id: UUID) -> bool:
    """Whether the desk was chosen by this message, the inquiry's first."""
    m, t = messages.c, todos.c
    query = select(m.message_id).join_from(
        messages, todos, and_(t.inquiry_id == m.inquiry_id, t.received_at == m.received_at)
    )
    return tx.execute(query.where(_is(inquiry_id, message_id))).first() is not None


def in_hands(tx: Read, todo_id: UUID) -> bool:
    """Whether a person has ever claimed the ToDo, or said where it belongs."""
    h = history.c
    by_person = or_(h.who != ROUTER, h.key_name.is_not(None))
    line = exists().where(h.todo_id == todo_id, h.what.in_(_BY_PEOPLE), by_person)
    return bool(tx.execute(select(line)).scalar())


def decide_again(tx: Write, todo_id: UUID, decided: Mapping[str, Any]) -> None:
    """`decided`: the columns of a decision."""
    tx.execute(update(todos).where(todos.c.id == todo_id).values(dict(decided)))


def _is(inquiry_id: UUID, message_id: UUID) -> ColumnElement[bool]:
    return and_(messages.c.inquiry_id == inquiry_id, messages.c.message_id == message_id)

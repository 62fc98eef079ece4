"""What a customer wrote goes from ToDos that ended long ago; the ToDos stay, without words.

As at intake a conversation goes as a whole: while another ToDo of it goes on, or has ended
recently, its words are still needed. What was dismissed for some reasons may go sooner; its history
says that it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, tuple_, update

from services.router.similar.usecases import index
from services.router.tables import history, messages, todos
from services.router.todos.store.work import ROUTER, Note, What, note
from shared.db import Read, Write
from shared.db.among import among
from shared.db.by_reason import moment_by_reason

_SAID = (
    What.ASSIGNED, What.RELEASED, What.REROUTED, What.REOPENED, What.VERDICT, What.APPEALED,
)  # fmt: skip
"""What somebody says of these is in their own words."""
AT_ONCE = 50
"""ToDos that are looked at, and stripped, together."""

Place = tuple[datetime, UUID]
Moments = Mapping[str, datetime]
"""By the reason of a dismissal."""


@dataclass(frozen=True, slots=True)
class Found:
    """ToDos whose words may go, and the place at which the search goes on (None: the end)."""

    todos: Sequence[UUID]
    after: Place | None


def old(
    tx: Read, *, before: datetime, after: Place | None, sooner: Moments = MappingProxyType({})
) -> Found:
    """The next page of those that may go, and whose conversations may: what ended before that
    moment, or before that of the reason for which it was dismissed.
    """
    t = todos.c
    latest = max([before, *sooner.values()])
    query = select(t.received_at, t.id).where(t.received_at < latest, *_gone(before, sooner))
    if after is not None:
        query = query.where(tuple_(t.received_at, t.id) > after)
    page = tx.execute(query.order_by(t.received_at, t.id).limit(AT_ONCE)).all()
    place = (page[-1].received_at, page[-1].id) if len(page) == AT_ONCE else None
    return Found([row.id for row in page], place)


def remove(
    tx: Write,
    todo_ids: Sequence[UUID],
    *,
    before: datetime,
    now: datetime,
    sooner: Moments = MappingProxyType({}),
) -> int:
    """Take the words from those that still may go; how many."""
    t = todos.c
    ended = (
        select(t.id, t.inquiry_id, t.dismiss_reason)
        .where(among(tx, t.id, todo_ids), *_gone(before, sooner))
        .order_by(t.inquiry_id)
        .with_for_update(skip_locked=True)
    )
    rows = tx.execute(ended).all()
    ids = [row.id for row in rows]
    words = among(tx, messages.c.inquiry_id, [row.inquiry_id for row in rows])
    left = or_(messages.c.content.is_not(None), messages.c.url.is_not(None))
    tx.execute(update(messages).where(words, left).values(content=None, url=None))
    tx.execute(
        update(history)
        .where(among(tx, history.c.todo_id, ids), history.c.what.in_(_SAID))
        .values(why=None)
    )
    gone = {"reasons": [], "removed_at": now, "version": t.version + 1}
    tx.execute(update(todos).where(among(tx, t.id, ids)).values(gone))
    dismissed = [row for row in rows if row.dismiss_reason in sooner]
    note(
        tx,
        [Note(row.id, now, ROUTER, What.WORDS_REMOVED, row.dismiss_reason) for row in dismissed],
    )
    index.forget(tx, [row.inquiry_id for row in rows])
    return len(rows)


def remove_late_words(tx: Write, inquiry_ids: Sequence[UUID]) -> None:
    """Where the words were removed: those that came after that, as of a dead letter."""
    t = todos.c
    removed = exists().where(t.inquiry_id == messages.c.inquiry_id, t.removed_at.is_not(None))
    theirs = among(tx, messages.c.inquiry_id, inquiry_ids)
    tx.execute(update(messages).where(theirs, removed).values(content=None, url=None))


def _gone(before: datetime, sooner: Moments) -> tuple[ColumnElement[bool], ...]:
    """Ended before that moment, in a conversation in which nothing has been going on since."""
    t, other = todos.c, todos.alias("other")
    own = moment_by_reason(t.dismiss_reason, before, sooner)
    others = moment_by_reason(other.c.dismiss_reason, before, sooner)
    goes_on = exists().where(
        other.c.conversation_id == t.conversation_id,
        or_(
            other.c.ended_at.is_(None),
            other.c.ended_at >= others,
            other.c.received_at >= others,
            exists().where(
                messages.c.inquiry_id == other.c.inquiry_id, messages.c.received_at >= others
            ),
        ),
    )
    return t.ended_at < own, t.removed_at.is_(None), ~goes_on


def is_removed(tx: Read, todo_id: UUID) -> bool:
    found = tx.execute(select(todos.c.removed_at).where(todos.c.id == todo_id)).scalar()
    return found is not None

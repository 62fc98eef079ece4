"""What a platform's terms let us keep for a short time only goes from ToDos at that age, also while
they are open (docs/decisions/platform-terms.md). The address on the platform stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_, update

from services.router.similar.usecases import index
from services.router.tables import messages, todos
from shared.db import Read, Write
from shared.db.among import among

AT_ONCE = 500
"""ToDos on one page of the search, whatever their channel."""

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Found:
    """By channel the inquiries with words that have to go, and where the search goes on (None: the
    end).
    """

    inquiries: Mapping[str, Sequence[UUID]]
    after: Place | None


def with_old_words(tx: Read, before: Mapping[str, datetime], *, after: Place | None) -> Found:
    """The next page; `before` is the moment of each channel with such terms."""
    t = todos.c
    query = select(t.received_at, t.id, t.inquiry_id, t.channel).where(
        t.received_at < max(before.values())
    )
    if after is not None:
        query = query.where(tuple_(t.received_at, t.id) > after)
    page = tx.execute(query.order_by(t.received_at, t.id).limit(AT_ONCE)).all()
    found = {}
    for channel, moment in before.items():
        mine = [row.inquiry_id for row in page if row.channel == channel]
        wanted = select(messages.c.inquiry_id).where(*_old_words(tx, mine, moment)).distinct()
        if mine and (inquiries := sorted(tx.execute(wanted).scalars())):
            found[channel] = inquiries
    place = (page[-1].received_at, page[-1].id) if len(page) == AT_ONCE else None
    return Found(found, place)


def remove_words(tx: Write, inquiry_ids: Sequence[UUID], *, before: datetime, now: datetime) -> int:
    """Take the old words from the ToDos of these inquiries; from how many messages. What somebody
    has just now waits for the next search.
    """
    t = todos.c
    free = select(t.inquiry_id).where(among(tx, t.inquiry_id, inquiry_ids)).order_by(t.inquiry_id)
    ids = list(tx.execute(free.with_for_update(skip_locked=True)).scalars())
    gone = tx.execute(update(messages).where(*_old_words(tx, ids, before)).values(content=None))
    removed = {"reasons": [], "words_removed_at": now, "version": t.version + 1}
    tx.execute(update(todos).where(among(tx, t.inquiry_id, ids)).values(removed))
    index.refresh(tx, ids)
    return gone.rowcount


def _old_words(
    tx: Read, inquiry_ids: Sequence[UUID], before: datetime
) -> tuple[ColumnElement[bool], ...]:
    m = messages.c
    return among(tx, m.inquiry_id, inquiry_ids), m.received_at < before, m.content.is_not(None)

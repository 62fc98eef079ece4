"""Conversations that ended long ago are removed: words, people and the ids of the platform go.

What stays has no words and names nobody: the inquiry with its channel, its times, its state and its
hashtags, so that every count stays, and of each message a hash of its id on the channel, so that
the same delivery changes nothing when it is sent again. A conversation is first taken off its
thread, in the transaction that looks once more whether it has ended: what comes in later begins
another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, tuple_, update

from services.intake.files import store as files
from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER
from services.intake.inquiries.domain.message import mark_of
from services.intake.inquiries.store.versions import forget_versions
from services.intake.tables import (
    contacts,
    conversations,
    idempotency,
    identities,
    inquiries,
    leaving,
    messages,
    own_posts,
    removed,
)
from shared.db import Read, Write
from shared.db.among import among
from shared.db.by_reason import moment_by_reason
from shared.db.upsert import insert_into
from shared.runtime.ids import new_id

LOOKED_AT = 200
"""Inquiries on one page of the search."""
AT_ONCE = 500
"""Messages, or people, that go in one transaction, in which nobody else writes to SQLite."""

Place = tuple[datetime, UUID]
Moments = Mapping[str, datetime]
"""By the reason of a dismissal."""


@dataclass(frozen=True, slots=True)
class Found:
    """Conversations that may go, and the place at which the search goes on (None: the end)."""

    conversations: Sequence[UUID]
    after: Place | None


@dataclass(slots=True)
class Removed:
    """What one transaction has removed. `whole`: nothing is left of it that has to go."""

    conversations: int = 0
    messages: int = 0
    whole: bool = True


def old(
    tx: Read, *, before: datetime, after: Place | None, sooner: Moments = MappingProxyType({})
) -> Found:
    """The next page of conversations that ended before that moment, or before that of the reason
    for which they were dismissed, and in which nothing came.
    """
    i = inquiries.c
    query = select(i.received_at, i.id, i.conversation_id).where(
        i.received_at < max([before, *sooner.values()]), i.removed_at.is_(None)
    )
    if after is not None:
        query = query.where(tuple_(i.received_at, i.id) > after)
    page = tx.execute(query.order_by(i.received_at, i.id).limit(LOOKED_AT)).all()
    wanted = sorted({row.conversation_id for row in page})
    place = (page[-1].received_at, page[-1].id) if len(page) == LOOKED_AT else None
    return Found(_ended(tx, wanted, before=before, sooner=sooner), place)


def messages_in(tx: Read, conversation_ids: Sequence[UUID]) -> int:
    """How many messages these conversations hold."""
    m = messages.c
    query = select(func.count()).where(among(tx, m.conversation_id, conversation_ids))
    return int(tx.execute(query).scalar_one())


def remove(
    tx: Write,
    conversation_id: UUID,
    *,
    before: datetime,
    now: datetime,
    sooner: Moments = MappingProxyType({}),
) -> Removed:
    """Remove what of the conversation has still ended, as much as fits one transaction."""
    c = conversations.c
    # Whoever has it just now keeps it: the next search finds it again.
    free = select(c.id).where(c.id == conversation_id).with_for_update(skip_locked=True)
    if tx.execute(free).scalar() is None or not _ended(
        tx, [conversation_id], before=before, sooner=sooner
    ):
        return Removed()
    _take_off_its_thread(tx, conversation_id)
    count, rest = _remove_messages(tx, conversation_id)
    if rest:
        return Removed(0, count, whole=False)
    _strip(tx, conversation_id, now=now)
    return Removed(1, count)


def remove_without_inquiry(tx: Write, *, before: datetime) -> int:
    """Remove some old messages of conversations that never had an inquiry; how many."""
    m = messages.c
    alone = ~exists().where(inquiries.c.conversation_id == m.conversation_id)
    query = select(m.id, m.channel, m.external_id, m.conversation_id, m.contact_id).where(
        m.inquiry_id == m.conversation_id, m.received_at < before, alone
    )
    rows = tx.rows(query.order_by(m.received_at, m.id).limit(AT_ONCE))
    for row in rows:
        _keep_marks(tx, row["conversation_id"], [row])
    _let_go(tx, {row["contact_id"] for row in rows if row["contact_id"] is not None})
    ids = [row["id"] for row in rows]
    files.remove_of(tx, ids)
    forget_versions(tx, ids)
    tx.execute(delete(messages).where(among(tx, m.id, ids)))
    return len(rows)


def forget_people(tx: Write) -> tuple[int, int]:
    """Remove some of those who have neither messages nor an inquiry with words any more.

    How many went, and of how many that was decided: 0 when nobody is left to look at. Their
    identities are locked first, as whoever accepts a message of theirs does.
    """
    k, i, m = identities.c, inquiries.c, messages.c
    some = list(tx.execute(select(leaving.c.contact_id).limit(AT_ONCE)).scalars())
    if not some:
        return 0, 0
    tx.execute(
        select(k.key)
        .where(among(tx, k.contact_id, some))
        .order_by(k.channel, k.key)
        .with_for_update()
    ).all()
    words = select(i.contact_id).where(among(tx, i.contact_id, some), i.removed_at.is_(None))
    said = select(m.contact_id).where(among(tx, m.contact_id, some))
    needed = {*tx.execute(words).scalars(), *tx.execute(said).scalars()}
    gone = [each for each in some if each not in needed]
    tx.execute(delete(identities).where(among(tx, k.contact_id, gone)))
    tx.execute(delete(leaving).where(among(tx, leaving.c.contact_id, some)))
    return tx.execute(delete(contacts).where(among(tx, contacts.c.id, gone))).rowcount, len(some)


def _ended(
    tx: Read, conversation_ids: Sequence[UUID], *, before: datetime, sooner: Moments
) -> list[UUID]:
    if not conversation_ids:
        return []
    c, i, m = conversations.c, inquiries.c, messages.c
    until = moment_by_reason(i.reason, before, sooner)
    goes_on: ColumnElement[bool] = exists().where(
        i.conversation_id == c.id,
        or_(i.state.in_(AWAITS_ANSWER), i.received_at >= until, i.ended_at >= until),
    )
    said = exists().where(m.conversation_id == c.id, m.received_at >= _until(before, sooner))
    left = exists().where(i.conversation_id == c.id, i.removed_at.is_(None))
    query = select(c.id).where(
        among(tx, c.id, conversation_ids), c.merged_into.is_(None), left, ~goes_on, ~said
    )
    return sorted(tx.execute(query).scalars())


def _until(before: datetime, sooner: Moments) -> ColumnElement[datetime]:
    """Before which a message must have come: a message without an inquiry before the usual one."""
    usual = moment_by_reason(inquiries.c.reason, before, {})
    if not sooner:
        return usual
    mine = inquiries.alias("mine")
    own = select(moment_by_reason(mine.c.reason, before, sooner)).where(
        mine.c.id == messages.c.inquiry_id
    )
    return func.coalesce(own.scalar_subquery(), usual)


def _take_off_its_thread(tx: Write, conversation_id: UUID) -> None:
    """What comes in for that thread from now on begins another conversation.

    The names of conversations that became a part of it go with it. The new name can be guessed by
    nobody: threads are named by senders, and a name that is taken could not be given.
    """
    c, names = conversations.c, [conversation_id]
    while names:
        for each in names:
            nameless = {
                "thread": f"removed:{new_id()}",
                "open_inquiry_id": None,
                "contact_id": None,
            }
            tx.execute(update(conversations).where(c.id == each).values(nameless))
        parts = select(c.id).where(among(tx, c.merged_into, names))
        names = list(tx.execute(parts).scalars())


def _remove_messages(tx: Write, conversation_id: UUID) -> tuple[int, bool]:
    """How many messages went, and whether something is left."""
    m, p = messages.c, own_posts.c
    columns = (m.id, m.channel, m.external_id, m.inquiry_id, m.contact_id, m.opened)
    rows = tx.rows(select(*columns).where(m.conversation_id == conversation_id).limit(AT_ONCE))
    ids = [row["id"] for row in rows]
    _keep_marks(tx, conversation_id, rows)
    _let_go(tx, {row["contact_id"] for row in rows if row["contact_id"] is not None})
    tx.execute(delete(idempotency).where(among(tx, idempotency.c.message_id, ids)))
    files.remove_of(tx, ids)
    forget_versions(tx, ids)
    tx.execute(delete(messages).where(among(tx, m.id, ids)))
    if len(rows) == AT_ONCE:
        return len(rows), True
    posts = tx.rows(
        select(p.id, p.channel, p.external_id)
        .where(p.conversation_id == conversation_id)
        .limit(AT_ONCE)
    )
    _keep_marks(tx, conversation_id, posts)
    tx.execute(delete(own_posts).where(among(tx, p.id, [row["id"] for row in posts])))
    return len(rows), len(posts) == AT_ONCE


def _keep_marks(tx: Write, conversation_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        kept = [
            {
                "mark": mark_of(row["channel"], row["external_id"]),
                "message_id": row["id"],
                "inquiry_id": row.get("inquiry_id"),
                "conversation_id": conversation_id,
                "contact_id": row.get("contact_id"),
                "opened": row.get("opened", False),
            }
            for row in rows
        ]
        tx.execute(insert_into(tx, removed).on_conflict_do_nothing(), kept)


def _strip(tx: Write, conversation_id: UUID, *, now: datetime) -> None:
    """Take the words from its inquiries."""
    stripped = (
        update(inquiries)
        .where(inquiries.c.conversation_id == conversation_id)
        .values(subject=None, excerpt="", removed_at=now)
    )
    _let_go(tx, set(tx.execute(stripped.returning(inquiries.c.contact_id)).scalars()))


def _let_go(tx: Write, people: Collection[UUID]) -> None:
    """Note who may have to go: with the words, so that no stop in between keeps a person here."""
    if people:
        rows = [{"contact_id": each} for each in sorted(people)]
        tx.execute(insert_into(tx, leaving).on_conflict_do_nothing(), rows)

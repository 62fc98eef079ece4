"""What a platform's terms let us keep for a short time only goes at that age, also while its
inquiry is open (docs/decisions/platform-terms.md).

Of a message stay its ids, its moments and its address on the platform, of a person a hash that
tells them apart: so threads hold, what is sent again is known, and every count stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, exists, null, or_, select, tuple_, update

from services.intake.files import store as files
from services.intake.inquiries.domain.message import HASHED, hashed_identity
from services.intake.inquiries.store.versions import forget_versions
from services.intake.tables import (
    contacts,
    conversations,
    identities,
    inquiries,
    messages,
)
from shared.db import Read, Write
from shared.db.among import among

LOOKED_AT = 200
"""Inquiries, or messages without one, on one page of a search."""
AT_ONCE = 500
"""Messages, or people, that go in one transaction."""

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long what people write on a channel may be kept, and who they are (None: no end)."""

    channel: str
    words: timedelta | None = None
    profiles: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Conversations with words that have to go, and where the search goes on (None: the end)."""

    conversations: Sequence[UUID]
    after: Place | None


def with_old_words(tx: Read, *, channel: str, before: datetime, after: Place | None) -> Found:
    """The next page, by the inquiries that began before that moment."""
    i, m = inquiries.c, messages.c
    query = select(i.received_at, i.id, i.conversation_id).where(
        i.channel == channel, i.received_at < before
    )
    if after is not None:
        query = query.where(tuple_(i.received_at, i.id) > after)
    page = tx.execute(query.order_by(i.received_at, i.id).limit(LOOKED_AT)).all()
    if not page:
        return Found((), None)
    here = among(tx, m.conversation_id, sorted({row.conversation_id for row in page}))
    wanted = select(m.conversation_id).where(here, *_old_words(channel, before)).distinct()
    last = (page[-1].received_at, page[-1].id) if len(page) == LOOKED_AT else None
    return Found(sorted(tx.execute(wanted).scalars()), last)


def with_old_words_alone(tx: Read, *, channel: str, before: datetime, after: Place | None) -> Found:
    """The same by messages that belong to no inquiry, as what the staff write."""
    m = messages.c
    query = select(m.received_at, m.id, m.conversation_id).where(
        m.inquiry_id == m.conversation_id, *_old_words(channel, before)
    )
    if after is not None:
        query = query.where(tuple_(m.received_at, m.id) > after)
    page = tx.execute(query.order_by(m.received_at, m.id).limit(LOOKED_AT)).all()
    last = (page[-1].received_at, page[-1].id) if len(page) == LOOKED_AT else None
    return Found(sorted({row.conversation_id for row in page}), last)


def remove_words(
    tx: Write, conversation_id: UUID, *, channel: str, before: datetime, now: datetime
) -> int:
    """Take the words and files from some of its old messages; how many. 0: none is left, or
    somebody has the conversation just now, and the next search finds it again.
    """
    c, i, m = conversations.c, inquiries.c, messages.c
    free = select(c.id).where(c.id == conversation_id).with_for_update(skip_locked=True)
    if tx.execute(free).scalar() is None:
        return 0
    old = select(m.id).where(m.conversation_id == conversation_id, *_old_words(channel, before))
    ids = list(tx.execute(old.limit(AT_ONCE)).scalars())
    if not ids:
        return 0
    files.remove_of(tx, ids)
    forget_versions(tx, ids)
    nothing = {"text": "", "full_text": None, "subject": None, "attachments": None, "details": None}
    # Of the staff there is no profile to forget.
    author_name = case((m.kind == "staff", null()), else_=m.author_name)
    tx.execute(
        update(messages)
        .where(among(tx, m.id, ids))
        .values(**nothing, author_name=author_name, words_removed_at=now)
    )
    words = or_(i.words_removed_at.is_(None), i.excerpt != "", i.subject.is_not(None))
    theirs = and_(i.conversation_id == conversation_id, i.received_at < before, words)
    tx.execute(
        update(inquiries).where(theirs).values(subject=None, excerpt="", words_removed_at=now)
    )
    return len(ids)


def _old_words(channel: str, before: datetime) -> tuple[ColumnElement[bool], ...]:
    m = messages.c
    return (
        m.channel == channel,
        m.received_at < before,
        or_(m.words_removed_at.is_(None), m.text != ""),  # an edit may bring words again
        m.kind.in_(_OF_OTHERS),
    )


_OF_OTHERS = ("inbound", "staff")


def forget_profiles(
    tx: Write, *, channel: str, before: datetime, after: str
) -> tuple[int, str | None]:
    """Forget the names and addresses of some people who have written nothing since that moment: of
    how many, and after which key the next begin (None: there are no more).
    """
    k, m = identities.c, messages.c
    wrote = exists().where(
        m.contact_id == k.contact_id, m.channel == channel, m.received_at >= before
    )
    known = or_(k.name.is_not(None), k.handle.is_not(None), k.email.is_not(None))
    page = (
        select(k.key, k.contact_id)
        .where(k.channel == channel, k.key > after, k.created_at < before, known, ~wrote)
        .order_by(k.key)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=identities)
    )
    rows = tx.execute(page).all()
    if not rows:
        return 0, None
    mine = and_(k.channel == channel, among(tx, k.key, [row.key for row in rows]))
    tx.execute(update(identities).where(mine).values(name=None, handle=None, email=None))
    _forget_names(tx, channel, [row.contact_id for row in rows], before=before)
    return len(rows), rows[-1].key


def _forget_names(tx: Write, channel: str, people: Sequence[UUID], *, before: datetime) -> None:
    """A person keeps the name that another channel knows."""
    k, m, p = identities.c, messages.c, contacts.c
    elsewhere = (
        select(k.name)
        .where(k.contact_id == p.id, k.name.is_not(None))
        .order_by(k.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    tx.execute(update(contacts).where(among(tx, p.id, people)).values(name=elsewhere))
    said = and_(among(tx, m.contact_id, people), m.channel == channel, m.received_at < before)
    tx.execute(update(messages).where(said).values(author_name=None, details=None))


def hash_identities(tx: Write, *, channel: str, after: str) -> tuple[int, str | None]:
    """Hash the ids of some people from before the terms were known here, as those who write now
    come; as `forget_profiles`.
    """
    k = identities.c
    page = (
        select(k.key)
        .where(k.channel == channel, k.key > after, ~k.key.startswith(HASHED, autoescape=True))
        .order_by(k.key)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    keys = list(tx.execute(page).scalars())
    for key in keys:
        hashed, mine = hashed_identity(channel, key), and_(k.channel == channel, k.key == key)
        there = select(k.key).where(k.channel == channel, k.key == hashed)
        if tx.execute(there).first() is None:
            tx.execute(update(identities).where(mine).values(key=hashed))
        else:  # they have written again since
            tx.execute(delete(identities).where(mine))
    return len(keys), keys[-1] if keys else None

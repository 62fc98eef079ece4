"""Queries of inquiries and their messages for lists, details, and what is known of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    select,
    tuple_,
    update,
)

from services.intake.inquiries.domain.ends import DESK_DECISIONS, EndKind
from services.intake.inquiries.domain.inquiry import InquiryState
from services.intake.inquiries.domain.message import Accepted, mark_of
from services.intake.inquiries.store.versions import earlier_versions
from services.intake.tables import (
    contacts,
    conversations,
    ends,
    hashtags,
    idempotency,
    identities,
    inquiries,
    message_versions,
    messages,
    removed,
)
from shared.bounds import MOST_SHOWN
from shared.db import Read, Write
from shared.db.newest import Endless, Newest, Place, newest
from shared.db.upsert import insert_into

Values = Mapping[str, Any]

_EARLIER_WORDS = (
    select(func.sum(func.length(message_versions.c.text)))
    .where(message_versions.c.message_id == messages.c.id)
    .correlate(messages)
    .scalar_subquery()
)
_THREAD = Endless(
    messages,
    messages.c.received_at,
    messages.c.id,
    func.length(messages.c.text)
    + func.coalesce(func.length(messages.c.full_text), 0)
    + func.coalesce(func.length(cast(messages.c.attachments, Text)), 0)
    + func.coalesce(func.length(cast(messages.c.details, Text)), 0)
    + func.coalesce(_EARLIER_WORDS, 0),
)


@dataclass(frozen=True, slots=True)
class InquiryFilter:
    reference: str | None = None
    channel: str | None = None
    state: InquiryState | None = None
    contact_id: UUID | None = None
    hashtag: str | None = None
    year: int | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None


def add_message(tx: Write, values: Values) -> bool:
    """False when (channel, external id) is known already; nothing changed then."""
    row = insert_into(tx, messages).values(**values).on_conflict_do_nothing()
    return tx.execute(row.returning(messages.c.id)).scalar() is not None


def message_placed(tx: Read, message_id: UUID) -> Accepted:
    """Raises LookupError when there is no such message."""
    found = find_placed(tx, message_id)
    if found is None:
        raise LookupError(f"there is no message {message_id}")
    return found


def find_placed(tx: Read, message_id: UUID) -> Accepted | None:
    """Where the message is; None when it is not here any more."""
    m = messages.c
    row = tx.execute(
        select(m.id, m.inquiry_id, m.conversation_id, m.contact_id, m.opened).where(
            m.id == message_id
        )
    ).first()
    return None if row is None else Accepted(row[0], row[1], row[2], row[3], row[4])


def message_named(tx: Read, *, channel: str, external_id: str) -> dict[str, Any] | None:
    """The message with that id on the channel, as columns by name."""
    m = messages.c
    return tx.row(select(messages).where(m.channel == channel, m.external_id == external_id))


def message_removed(tx: Read, *, channel: str, external_id: str) -> Accepted | None:
    """What the message with that id was, when it has been removed; None when it has not."""
    r = removed.c
    row = tx.execute(
        select(r.message_id, r.inquiry_id, r.conversation_id, r.contact_id, r.opened).where(
            r.mark == mark_of(channel, external_id)
        )
    ).first()
    if row is None:
        return None
    return Accepted(row[0], row[1] or row[2], row[2], row[3], row[4], duplicate=True)


def thread_of(tx: Read, *, channel: str, external_id: str) -> str | None:
    """The conversation's name on the channel that this message belongs to."""
    m, c = messages.c, conversations.c
    return tx.execute(
        select(c.thread)
        .join_from(messages, conversations, c.id == m.conversation_id)
        .where(m.channel == channel, m.external_id == external_id)
    ).scalar()


def remembered(tx: Read, *, caller: str, key: str) -> tuple[str, UUID] | None:
    """The fingerprint and message of an earlier request with this Idempotency-Key."""
    c = idempotency.c
    row = tx.execute(
        select(c.fingerprint, c.message_id).where(c.caller == caller, c.key == key)
    ).first()
    return None if row is None else (row[0], row[1])


def remember(tx: Write, values: Values) -> bool:
    """False when the Idempotency-Key is taken; waits for a request that is using it now."""
    row = insert_into(tx, idempotency).values(**values).on_conflict_do_nothing()
    return tx.execute(row.returning(idempotency.c.message_id)).scalar() is not None


def forget_keys(tx: Write, *, before: datetime) -> int:
    return tx.execute(delete(idempotency).where(idempotency.c.created_at < before)).rowcount


def list_inquiries(
    tx: Read, wanted: InquiryFilter, *, limit: int, after: tuple[datetime, UUID] | None
) -> list[dict[str, Any]]:
    """Newest first; `after` is where the page before ended."""
    c = inquiries.c
    query = _filtered(select(inquiries), wanted)
    if after is not None:
        query = query.where(tuple_(c.received_at, c.id) < after)
    query = query.order_by(c.received_at.desc(), c.id.desc()).limit(limit)
    return tx.rows(query)


def _filtered(query: Select[*tuple[Any, ...]], wanted: InquiryFilter) -> Select[*tuple[Any, ...]]:
    c = inquiries.c
    for column, value in (
        (c.reference, wanted.reference),
        (c.channel, wanted.channel),
        (c.state, wanted.state),
        (c.contact_id, wanted.contact_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.received_from is not None:
        query = query.where(c.received_at >= wanted.received_from)
    if wanted.received_to is not None:
        query = query.where(c.received_at < wanted.received_to)
    if wanted.hashtag is not None:
        tagged = and_(hashtags.c.inquiry_id == c.id, hashtags.c.tag == wanted.hashtag)
        if wanted.year is not None:
            tagged = and_(tagged, hashtags.c.year == wanted.year)
        query = query.where(select(hashtags.c.tag).where(tagged).exists())
    return query


def inquiry_detail(tx: Read, inquiry_id: UUID) -> dict[str, Any] | None:
    """The inquiry's columns, `hashtags` and `ends` with their counts, `contact` with `identities`,
    and the newest of the conversation's messages as `thread`.
    """
    inquiry = tx.row(select(inquiries).where(inquiries.c.id == inquiry_id))
    if inquiry is None:
        return None
    return {
        **inquiry,
        "thread": _messages(tx, inquiry["conversation_id"]),
        **_ends(tx, inquiry),
        **_hashtags(tx, inquiry_id),
        "contact": _contact(tx, inquiry["contact_id"]),
    }


def thread_messages(
    tx: Read, inquiry_id: UUID, *, before: Place | None, limit: int
) -> Newest | None:
    """Messages of the inquiry's conversation, newest first; None for an unknown inquiry."""
    i = inquiries.c
    row = tx.execute(select(i.conversation_id).where(i.id == inquiry_id)).first()
    if row is None:
        return None
    return _messages(tx, row[0], before=before, limit=limit)


def _messages(
    tx: Read, conversation_id: UUID, *, before: Place | None = None, limit: int = MOST_SHOWN
) -> Newest:
    """Each with `earlier_versions`; its inquiry is None where it belongs to none."""
    here = messages.c.conversation_id == conversation_id
    found = newest(tx, _THREAD, here, before=before, limit=limit)
    earlier = earlier_versions(tx, [row["id"] for row in found.rows])
    for row in found.rows:
        row["earlier_versions"] = earlier.get(row["id"], [])
        if row["inquiry_id"] == row["conversation_id"]:
            row["inquiry_id"] = None
    return found


def _ends(tx: Read, inquiry: Values) -> dict[str, Any]:
    """The first by when they happened, because the earliest decides, and how many there are.

    What a desk had decided before a reopening is taken back.
    """
    e, reopened_at = ends.c, inquiry["reopened_at"]
    mine = e.inquiry_id == inquiry["id"]
    rows = tx.rows(select(ends).where(mine).order_by(e.at, e.id).limit(MOST_SHOWN))
    for row in rows:
        decided = reopened_at is not None and EndKind(row["kind"]) in DESK_DECISIONS
        row["taken_back"] = row["taken_back"] or (decided and row["at"] <= reopened_at)
    count = tx.execute(select(func.count()).where(mine)).scalar_one()
    return {"ends": rows, "end_count": count}


def _hashtags(tx: Read, inquiry_id: UUID) -> dict[str, Any]:
    h = hashtags.c
    mine = h.inquiry_id == inquiry_id
    rows = tx.execute(select(h.tag, h.year).where(mine).order_by(h.tag, h.year).limit(MOST_SHOWN))
    return {
        "hashtags": [{"tag": tag, "year": year or None} for tag, year in rows],
        "hashtag_count": tx.execute(select(func.count()).where(mine)).scalar_one(),
    }


def _contact(tx: Read, contact_id: UUID) -> Mapping[str, Any]:
    name = tx.execute(select(contacts.c.name).where(contacts.c.id == contact_id)).scalar()
    known = tx.rows(
        select(identities)
        .where(identities.c.contact_id == contact_id)
        .order_by(identities.c.channel, identities.c.key)
    )
    return {"id": contact_id, "name": name, "identities": known}


def set_desk(tx: Write, rows: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Which desk has the inquiries: (inquiry, ToDo, desk); nobody has claimed them there yet."""
    tx.execute(
        update(inquiries)
        .where(inquiries.c.id == bindparam("inquiry"))
        .values(
            todo_id=bindparam("todo"),
            desk=bindparam("at_desk"),
            assignee=None,
            assignee_key_name=None,
        ),
        [{"inquiry": inquiry, "todo": todo, "at_desk": desk} for inquiry, todo, desk in rows],
    )


def set_assignee(tx: Write, rows: Sequence[tuple[UUID, str | None, str | None]]) -> None:
    """Who has claimed the inquiries: (inquiry, person or None, the API key or None)."""
    tx.execute(
        update(inquiries)
        .where(inquiries.c.id == bindparam("inquiry"))
        .values(assignee=bindparam("assigned_to"), assignee_key_name=bindparam("through_key")),
        [
            {"inquiry": inquiry, "assigned_to": person, "through_key": key_name}
            for inquiry, person, key_name in rows
        ],
    )

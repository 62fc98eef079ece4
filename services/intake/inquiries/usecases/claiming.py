"""A thread that anybody may name is one person's: who writes in it first has its name."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, update

from services.intake.inquiries.domain.message import ID_LIMIT, Author
from services.intake.inquiries.store import queries, taking_part
from services.intake.inquiries.usecases.conversations import begin
from services.intake.tables import contacts, conversations, identities
from shared.db import Write
from shared.db.upsert import insert_into
from shared.runtime.ids import new_id


def claim_thread(
    tx: Write,
    *,
    channel: str,
    thread: str,
    external_id: str,
    identity: str,
    author: Author,
    audience: str,
    now: datetime,
) -> str:
    """`thread`, where the conversation of that name is the author's or nobody's, who has it from
    now on; else a name that only this author can have. For a message that has been removed nothing
    is claimed.
    """
    if queries.message_removed(tx, channel=channel, external_id=external_id) is not None:
        return thread
    contact_id = _contact(tx, channel, identity, author, now)
    conversation = begin(tx, channel=channel, thread=thread, audience=audience, now=now)
    c = conversations.c
    holder = tx.execute(select(c.contact_id).where(c.id == conversation.id)).scalar()
    if holder is None:
        mine = update(conversations).where(c.id == conversation.id)
        tx.execute(mine.values(contact_id=contact_id))
        return thread
    takes_part = holder == contact_id or taking_part.takes_part(
        tx, channel=channel, identity=identity, conversation_id=conversation.id
    )
    return thread if takes_part else _own_name(thread, identity)


def _own_name(thread: str, identity: str) -> str:
    """Of a length that an index takes."""
    name = f"{thread} {identity}"
    if len(name) <= ID_LIMIT:
        return name
    digest = sha256(name.encode()).hexdigest()[:32]
    return f"{name[: ID_LIMIT - len(digest) - 1]}~{digest}"


def _contact(tx: Write, channel: str, identity: str, author: Author, now: datetime) -> UUID:
    """Before the conversation, as whatever stores a message locks them."""
    fresh = new_id()
    row = insert_into(tx, identities).values(
        channel=channel,
        key=identity,
        contact_id=fresh,
        name=author.name,
        handle=author.handle,
        email=author.email,
        created_at=now,
    )
    there = row.on_conflict_do_update(index_elements=["channel", "key"], set_={"channel": channel})
    contact_id: UUID = tx.execute(there.returning(identities.c.contact_id)).scalar_one()
    if contact_id == fresh:
        made = insert_into(tx, contacts).values(id=fresh, name=author.name, created_at=now)
        tx.execute(made.on_conflict_do_nothing())
    return contact_id

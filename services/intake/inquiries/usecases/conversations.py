"""Conversations: found, begun, and put together when two turn out to be one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update

from services.intake.inquiries.domain.joining import merge_open, part_by_person, reconsider_posts
from services.intake.inquiries.store.loading import (
    Conversation,
    load,
    lock_conversation,
    lock_named,
)
from services.intake.inquiries.store.queries import message_removed
from services.intake.inquiries.store.storing import WriteContext, store
from services.intake.tables import (
    NEVER,
    awaited,
    conversations,
    inquiries,
    messages,
    own_posts,
    withdrawn_messages,
)
from shared.db import Read, Write
from shared.db.upsert import insert_into
from shared.runtime.ids import new_id


def of_message(tx: Read, *, channel: str, external_id: str) -> UUID | None:
    """The conversation of a message, or of an own post, with that id on the channel."""
    for table in (messages, own_posts):
        c = table.c
        found = tx.execute(
            select(c.conversation_id).where(c.channel == channel, c.external_id == external_id)
        ).scalar()
        if found is not None:
            return UUID(str(found))
    return None


def of_parent(
    tx: Write, *, channel: str, parent: str, audience: str, now: datetime
) -> Conversation:
    """The parent's conversation; while the parent has not come, one that is named after it."""
    found = of_message(tx, channel=channel, external_id=parent)
    if found is not None:
        return lock_conversation(tx, found)
    if message_removed(tx, channel=channel, external_id=parent) is not None:
        # It will not come again, and what is said under it from now on belongs together.
        return begin(tx, channel=channel, thread=parent, audience=audience, now=now)
    wait_for(tx, channel=channel, external_id=parent, now=now)
    return begin(tx, channel=channel, thread=parent, audience=audience, guessed=True, now=now)


def begin(
    tx: Write, *, channel: str, thread: str, audience: str, now: datetime, guessed: bool = False
) -> Conversation:
    """The conversation of that name, locked; made when there is none."""
    found = lock_named(tx, channel=channel, thread=thread)
    if found is not None:
        return found
    row = insert_into(tx, conversations).values(
        id=new_id(),
        channel=channel,
        thread=thread,
        audience=audience,
        guessed=guessed,
        careful_until=NEVER if audience == "public" else None,
        created_at=now,
    )
    tx.execute(row.on_conflict_do_nothing())
    made = lock_named(tx, channel=channel, thread=thread)
    if made is None:
        raise LookupError(f"the conversation {thread!r} of {channel} is gone")
    return made


def lock_with_guess(tx: Write, *, channel: str, external_id: str, home: UUID | None) -> None:
    """A message comes after which a conversation may be named: that one becomes a part of `home`.

    Both are locked here, in the order of all others; else whoever has the one waits for the other.
    """
    c = conversations.c
    guessed = tx.execute(
        select(c.id).where(c.channel == channel, c.thread == external_id, c.guessed.is_(True))
    ).scalar()
    if guessed is not None and home is not None:
        both = select(c.id).where(c.id.in_([guessed, home])).order_by(c.channel, c.thread)
        tx.execute(both.with_for_update()).all()


def named(tx: Read, *, channel: str, thread: str) -> UUID | None:
    c = conversations.c
    return tx.execute(select(c.id).where(c.channel == channel, c.thread == thread)).scalar()


def be_careful(tx: Write, conversation: Conversation, until: datetime) -> None:
    """Messages that are not later than this have to be placed with care."""
    if conversation.careful_until is not None and conversation.careful_until >= until:
        return
    tx.execute(
        update(conversations)
        .where(conversations.c.id == conversation.id)
        .values(careful_until=until)
    )


def wait_for(tx: Write, *, channel: str, external_id: str, now: datetime) -> None:
    row = insert_into(tx, awaited).values(channel=channel, external_id=external_id, since=now)
    tx.execute(row.on_conflict_do_nothing())


def withdrawn_before(tx: Write, *, channel: str, external_id: str) -> datetime | None:
    """When a message was withdrawn that comes now; that is known of the message from then on."""
    w = withdrawn_messages.c
    gone = delete(withdrawn_messages).where(w.channel == channel, w.external_id == external_id)
    found: datetime | None = tx.execute(gone.returning(w.withdrawn_at)).scalar()
    return found


def is_awaited(tx: Read, *, channel: str, external_id: str) -> bool:
    a = awaited.c
    found = select(a.since).where(a.channel == channel, a.external_id == external_id)
    return tx.execute(found).scalar() is not None


def awaited_no_more(tx: Write, *, channel: str, external_id: str) -> None:
    a = awaited.c
    tx.execute(delete(awaited).where(a.channel == channel, a.external_id == external_id))


def join_guessed(
    tx: Write, conversation: Conversation, *, external_id: str, context: WriteContext
) -> Conversation:
    """The message came after which a conversation was named: both are one from now on.

    The inquiries of the guessed one keep the key of their facts, so that the order of these holds.
    """
    c = conversations.c
    guessed = tx.execute(
        select(c.id).where(
            c.channel == conversation.channel, c.thread == external_id, c.guessed.is_(True)
        )
    ).scalar()
    if guessed is None:
        return conversation
    other = lock_conversation(tx, guessed)
    tx.execute(update(conversations).where(c.id == guessed).values(guessed=False))
    if other.id == conversation.id:
        return conversation
    _absorb(tx, conversation, other)
    whole = lock_conversation(tx, conversation.id)
    loaded = load(tx, whole)
    part_by_person(loaded.thread)
    merge_open(loaded.thread)
    reconsider_posts(loaded.thread)
    store(tx, loaded, context)
    return whole


def _absorb(tx: Write, conversation: Conversation, other: Conversation) -> None:
    i = inquiries.c
    tx.execute(
        update(inquiries)
        .where(i.conversation_id == other.id)
        .values(
            conversation_id=conversation.id,
            fact_key=func.coalesce(i.fact_key, i.conversation_id),
        )
    )
    m = messages.c
    of_no_inquiry = update(messages).where(m.conversation_id == other.id, m.inquiry_id == other.id)
    tx.execute(of_no_inquiry.values(inquiry_id=conversation.id))
    for table in (messages, own_posts):
        tx.execute(
            update(table)
            .where(table.c.conversation_id == other.id)
            .values(conversation_id=conversation.id)
        )
    c = conversations.c
    tx.execute(
        update(conversations)
        .where(c.id == other.id)
        .values(merged_into=conversation.id, open_inquiry_id=None, careful_until=NEVER)
    )
    tx.execute(update(conversations).where(c.id == conversation.id).values(careful_until=NEVER))

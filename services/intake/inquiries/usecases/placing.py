"""A message whose place depends on more than the open inquiry of its conversation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, update

from services.intake.inquiries.domain import covering
from services.intake.inquiries.domain.message import Accepted, Incoming
from services.intake.inquiries.domain.thread import Message
from services.intake.inquiries.store import queries as rows
from services.intake.inquiries.store.idempotency import IdempotencyRaceError
from services.intake.inquiries.store.loading import Conversation, load
from services.intake.inquiries.store.references import free_id
from services.intake.inquiries.store.storing import WriteContext, store
from services.intake.inquiries.usecases import conversations
from services.intake.inquiries.usecases.posts import settle
from services.intake.tables import contacts, identities, messages
from services.intake.tables import conversations as conversation_rows
from shared.db import Write
from shared.db.upsert import insert_into


def place(tx: Write, incoming: Incoming, *, context: WriteContext) -> Accepted:
    """Store the message with the inquiry to which it belongs, and tell what follows.

    Raises IdempotencyRaceError when its Idempotency-Key was taken a moment ago.
    """
    gone = rows.message_removed(tx, channel=incoming.channel, external_id=incoming.external_id)
    if gone is not None:
        return gone
    # The person before the conversation, as the hot path locks them.
    contact_id = _contact(tx, incoming)
    conversation = conversation_of(tx, incoming, context)
    known = rows.message_named(tx, channel=incoming.channel, external_id=incoming.external_id)
    if known is not None:
        return replace(rows.message_placed(tx, known["id"]), duplicate=True)
    conversation = settle(
        tx,
        conversation,
        external_id=incoming.external_id,
        context=context,
        contact_id=contact_id,
    )
    withdrawn_at = conversations.withdrawn_before(
        tx, channel=incoming.channel, external_id=incoming.external_id
    )
    if withdrawn_at is None:
        _find_place(tx, incoming, conversation, contact_id, context)
    else:
        insert_message(tx, incoming, conversation, contact_id=contact_id, withdrawn_at=withdrawn_at)
    if incoming.idempotency is not None:
        _remember(tx, incoming)
    return rows.message_placed(tx, incoming.message_id)


def _find_place(
    tx: Write,
    incoming: Incoming,
    conversation: Conversation,
    contact_id: UUID,
    context: WriteContext,
) -> None:
    loaded = load(
        tx,
        conversation,
        since=incoming.moment,
        contact_id=contact_id,
        coming=incoming.external_id,
    )
    message = Message(
        incoming.message_id,
        contact_id,
        incoming.external_id,
        incoming.received_at,
        incoming.sent_at,
    )
    inquiry_id = free_id(tx, incoming.inquiry_id)
    inquiry = covering.place(loaded.thread, message, inquiry_id=inquiry_id)
    insert_message(tx, incoming, conversation, contact_id=contact_id, inquiry_id=inquiry.id)
    store(tx, loaded, context)


def conversation_of(tx: Write, incoming: Incoming, context: WriteContext) -> Conversation:
    """The message's conversation, locked; begun where it is the first."""
    channel, audience = incoming.channel, incoming.audience
    parent = incoming.parent if incoming.guessed else None
    if parent is None:
        home = conversations.named(tx, channel=channel, thread=incoming.thread)
    else:
        home = conversations.of_message(tx, channel=channel, external_id=parent)
    conversations.lock_with_guess(tx, channel=channel, external_id=incoming.external_id, home=home)
    if parent is not None:
        return conversations.of_parent(
            tx, channel=channel, parent=parent, audience=audience, now=context.now
        )
    return conversations.begin(
        tx, channel=channel, thread=incoming.thread, audience=audience, now=incoming.moment
    )


def _contact(tx: Write, incoming: Incoming) -> UUID:
    """Who wrote; what is known of the person follows what is learned later."""
    who = incoming.author
    new = insert_into(tx, identities).values(
        channel=incoming.channel,
        key=incoming.identity,
        contact_id=incoming.contact_id,
        name=who.name,
        handle=who.handle,
        email=who.email,
        created_at=incoming.received_at,
    )
    learned = {
        name: value
        for name, value in (("name", who.name), ("handle", who.handle), ("email", who.email))
        if value is not None
    }
    upsert = new.on_conflict_do_update(
        index_elements=["channel", "key"], set_={"channel": incoming.channel, **learned}
    )
    contact_id: UUID = tx.execute(upsert.returning(identities.c.contact_id)).scalar_one()
    if contact_id == incoming.contact_id:
        # The hot path may have made it before it found that this message needs care.
        values = {"id": contact_id, "name": who.name, "created_at": incoming.received_at}
        tx.execute(insert_into(tx, contacts).values(values).on_conflict_do_nothing())
    elif who.name is not None:
        c = contacts.c
        tx.execute(update(contacts).where(c.id == contact_id).values(name=who.name))
    return contact_id


def insert_message(
    tx: Write,
    incoming: Incoming,
    conversation: Conversation,
    *,
    contact_id: UUID | None,
    inquiry_id: UUID | None = None,
    kind: Literal["inbound", "staff"] = "inbound",
    withdrawn_at: datetime | None = None,
) -> None:
    """Without an inquiry it is only shown in its conversation."""
    tx.execute(
        insert(messages).values(
            id=incoming.message_id,
            conversation_id=conversation.id,
            inquiry_id=inquiry_id or conversation.id,
            contact_id=contact_id,
            channel=incoming.channel,
            external_id=incoming.external_id,
            kind=kind,
            opened=False,
            author_name=incoming.author.name,
            key_name=incoming.key_name,
            text=incoming.text,
            full_text=incoming.full_text,
            details=incoming.details,
            subject=incoming.subject,
            url=incoming.url,
            attachments=list(incoming.attachments) or None,
            sent_at=incoming.sent_at,
            received_at=incoming.received_at,
            withdrawn_at=withdrawn_at,
        )
    )
    c = conversation_rows.c
    tx.execute(
        update(conversation_rows)
        .where(c.id == conversation.id, c.contact_id.is_(None))
        .values(contact_id=contact_id)
    )


def _remember(tx: Write, incoming: Incoming) -> None:
    key = incoming.idempotency
    if key is not None and not rows.remember(
        tx,
        {
            "caller": key.caller,
            "key": key.key,
            "fingerprint": key.fingerprint,
            "message_id": incoming.message_id,
            "created_at": incoming.received_at,
        },
    ):
        raise IdempotencyRaceError

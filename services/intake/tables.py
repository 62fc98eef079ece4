"""Intake's tables.

The tables that accepting a message fills have no foreign keys: their ids come out of one and the
same statement, and the checks would be the dearest part of it
(docs/decisions/accepting-messages.md).
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, Uuid

from shared.db.types import Json, Utc, new_metadata
from shared.inbox import inbox_table
from shared.outbox import outbox_table

metadata = new_metadata()

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text),
    Column("created_at", Utc, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("contact_id", Uuid, nullable=False, index=True),
    Column("name", Text),
    Column("handle", Text),
    Column("email", Text),
    Column("created_at", Utc, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("thread", Text, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("open_inquiry_id", Uuid),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("channel", "thread"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False, index=True),
    Column("inquiry_id", Uuid, nullable=False),
    Column("contact_id", Uuid),
    Column("channel", String(64), nullable=False),
    Column("external_id", Text, nullable=False),
    # `inbound`, `answer`, `holding`: what the message is in its conversation.
    Column("kind", String(10), nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("author_name", Text),
    Column("text", Text, nullable=False),
    Column("subject", Text),
    Column("url", Text),
    Column("attachments", Json),
    Column("sent_at", Utc),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("channel", "external_id"),
)

inquiries = Table(
    "inquiries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("subject", Text),
    Column("excerpt", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("answered_at", Utc),
    Column("follow_up_at", Utc),
    Column("closed_at", Utc),
    # Why it is closed or gets no answer.
    Column("reason", String(40)),
    # Who has it, as the router last said.
    Column("todo_id", Uuid),
    Column("desk", String(64)),
    Column("assignee", Text),
    Index("ix_inquiries_received_at", "received_at", "id"),
    Index("ix_inquiries_channel", "channel", "received_at", "id"),
    Index("ix_inquiries_state", "state", "received_at", "id"),
    Index("ix_inquiries_contact", "contact_id", "received_at", "id"),
    Index("ix_inquiries_conversation", "conversation_id"),
)

hashtags = Table(
    "inquiry_hashtags",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("tag", String(100), primary_key=True),
    # 0 where the tag carries no year: a primary key has no NULL.
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("received_at", Utc, nullable=False),
    Index("ix_inquiry_hashtags_tag", "tag", "received_at", "inquiry_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel", String(64), nullable=False),
    # A sender that repeats what is broken does not fill the table.
    Column("sha256", String(64), nullable=False),
    Column("raw", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("channel", "sha256"),
)

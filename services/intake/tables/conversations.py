"""People, what they write, and what becomes of it."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)

from services.intake.tables.base import metadata
from shared.db.types import Json, Utc

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
    # NULL while only posts of our own are known.
    Column("contact_id", Uuid),
    # In a private thread the inquiry that further messages join.
    Column("open_inquiry_id", Uuid),
    # `public` or `private`, as the first message said.
    Column("audience", String(8), nullable=False, server_default="private"),
    # A message that is not later than this needs a closer look: a post of our own may cover it. In
    # a public thread, and where conversations were merged, that is every message (NEVER).
    Column("careful_until", Utc),
    # Named after a message that has not come yet: it becomes one with that message's conversation.
    Column("guessed", Boolean, nullable=False, server_default=false()),
    # Two conversations turned out to be one: the other one has everything.
    Column("merged_into", Uuid),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("channel", "thread"),
)

# Partial: it costs nothing until two threads turn out to be one.
Index(
    "ix_conversations_merged_into",
    conversations.c.merged_into,
    postgresql_where=conversations.c.merged_into.is_not(None),
    sqlite_where=conversations.c.merged_into.is_not(None),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    # The conversation's id where it belongs to no inquiry: one of staff, or one that was withdrawn
    # before it came.
    Column("inquiry_id", Uuid, nullable=False),
    Column("contact_id", Uuid),
    Column("channel", String(64), nullable=False),
    Column("external_id", Text, nullable=False),
    # `inbound`, `answer`, `holding`, `post`, `staff`: what the message is in its conversation.
    Column("kind", String(10), nullable=False),
    # How often a reply was classified again.
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("opened", Boolean, nullable=False),
    Column("author_name", Text),
    # The API key through which it was handed in or recorded; NULL for what a webhook brought.
    Column("key_name", Text),
    Column("text", Text, nullable=False),
    # Where `text` is only a part of it: all of it.
    Column("full_text", Text),
    # What else is known of it: who wrote what was forwarded, what became of a reply's delivery.
    Column("details", Json),
    Column("subject", Text),
    Column("url", Text),
    Column("attachments", Json),
    Column("sent_at", Utc),
    Column("received_at", Utc, nullable=False),
    # When its words went because the platform's terms demand it.
    Column("words_removed_at", Utc),
    # Since when it says what it says, where that came as an edit.
    Column("edited_at", Utc),
    # When it was last edited by more than typing, until that is a message of its own.
    Column("restated_at", Utc),
    # It has the words that this message was given after its inquiry had ended.
    Column("edit_of", Uuid),
    # When its author took it back.
    Column("withdrawn_at", Utc),
    UniqueConstraint("channel", "external_id"),
    Index("ix_messages_conversation", "conversation_id", "inquiry_id"),
    Index("ix_messages_contact", "contact_id"),
)

# Partial: most messages are not edited, and belong to an inquiry.
Index(
    "ix_messages_edit_of",
    messages.c.edit_of,
    postgresql_where=messages.c.edit_of.is_not(None),
    sqlite_where=messages.c.edit_of.is_not(None),
)

Index(
    "ix_messages_without_inquiry",
    messages.c.received_at,
    messages.c.id,
    postgresql_where=messages.c.inquiry_id == messages.c.conversation_id,
    sqlite_where=messages.c.inquiry_id == messages.c.conversation_id,
)

message_versions = Table(
    "message_versions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("message_id", Uuid, nullable=False, index=True),
    # The platform's moment, where it says one, else that of the receipt.
    Column("since", Utc, nullable=False),
    # False for what the message said at first.
    Column("edited", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("full_text", Text),
    Column("subject", Text),
    Column("attachments", Json),
)

# Withdrawn before they came.
withdrawn_messages = Table(
    "withdrawn_messages",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("withdrawn_at", Utc, nullable=False),
    Column("received_at", Utc, nullable=False, index=True),
)

inquiries = Table(
    "inquiries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    # It follows from the id, and is kept to be found and to be unique. NULL until the inquiry of
    # an older program has got it.
    Column("reference", String(16)),
    # Told apart by this where two of those have the same; all others have 0.
    Column("reference_twin", Integer, nullable=False, server_default="0"),
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
    # When the end happened that decides; several ends are in `inquiry_ends`.
    Column("ended_at", Utc),
    # Until when what a desk had decided was taken back.
    Column("reopened_at", Utc),
    # It turned out to be part of this other inquiry.
    Column("merged_into", Uuid),
    # The conversation that it began in, whose id stays the key of its facts on the bus.
    Column("fact_key", Uuid),
    # Who has it, as the router last said.
    Column("todo_id", Uuid),
    Column("desk", String(64)),
    Column("assignee", Text),
    Column("assignee_key_name", Text),
    # When its words went because the platform's terms demand it, open or not.
    Column("words_removed_at", Utc),
    # When its words, its people and its messages were removed.
    Column("removed_at", Utc),
    Index("uq_inquiries_reference", "reference", "reference_twin", unique=True),
    Index("ix_inquiries_received_at", "received_at", "id"),
    Index("ix_inquiries_channel", "channel", "received_at", "id"),
    Index("ix_inquiries_state", "state", "received_at", "id"),
    Index("ix_inquiries_contact", "contact_id", "received_at", "id"),
    Index("ix_inquiries_conversation", "conversation_id", "contact_id", "received_at"),
)

# Partial: it is empty but for a while after an upgrade.
Index(
    "ix_inquiries_unnamed",
    inquiries.c.id,
    postgresql_where=inquiries.c.reference.is_(None),
    sqlite_where=inquiries.c.reference.is_(None),
)

ends = Table(
    "inquiry_ends",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    # The reply's or post's message, or the event that told of it.
    Column("id", Uuid, primary_key=True),
    # answer, holding, close, complete, dismiss
    Column("kind", String(10), nullable=False),
    Column("at", Utc, nullable=False),
    Column("by", Text, nullable=False),
    # The API key that acted; NULL for a post on the platform, and for ends of before.
    Column("key_name", Text),
    Column("reason", String(40)),
    Column("follow_up_at", Utc),
    # The last message that it covers, by receipt; NULL where a post covers by the platform's times.
    Column("covers_until", Utc),
    Column("covers_message_id", Uuid),
    # The last edit that it covers; NULL: all of before it.
    Column("edits_until", Utc),
    Column("taken_back", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("ix_inquiry_ends_id", "id"),
)

# What a message of a removed conversation was, found by the hash of its channel and external id.
removed = Table(
    "removed_messages",
    metadata,
    Column("mark", String(32), primary_key=True),
    Column("message_id", Uuid, nullable=False),
    # NULL for a post of ours that belonged to none.
    Column("inquiry_id", Uuid),
    Column("conversation_id", Uuid, nullable=False),
    Column("contact_id", Uuid),
    Column("opened", Boolean, nullable=False),
)

# People whose words were removed: whether they go, too, is decided in a transaction of its own.
leaving = Table(
    "leaving_contacts",
    metadata,
    Column("contact_id", Uuid, primary_key=True),
)

own_posts = Table(
    "own_posts",
    metadata,
    # Also the id of the message by which it is shown once it belongs to an inquiry.
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("external_id", Text, nullable=False),
    # The external id of the message under which it was written.
    Column("parent", Text),
    # The external id of the message that has to come before it is known whom it answers.
    Column("waits_for", Text),
    # Its parent, or that one's, says whom it answers.
    Column("named", Boolean, nullable=False),
    # answer, holding, ask, none
    Column("kind", String(10), nullable=False),
    # Whom it answers, where that is known.
    Column("contact_id", Uuid),
    # It belongs to an inquiry, and is a message there.
    Column("attached", Boolean, nullable=False),
    # A person recorded it here as well.
    Column("recorded", Boolean, nullable=False),
    # A person said what it counts as, and for which inquiry.
    Column("by_hand", Boolean, nullable=False),
    Column("author_name", Text),
    Column("text", Text, nullable=False),
    Column("sent_at", Utc),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("channel", "external_id"),
    Index("ix_own_posts_conversation", "conversation_id", "received_at"),
    Index("ix_own_posts_waits_for", "channel", "waits_for"),
    Index("ix_own_posts_received_at", "received_at"),
)

awaited = Table(
    "awaited_messages",
    metadata,
    # A message that has not come yet, and that others name as their parent, or that was withdrawn.
    Column("channel", String(64), primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("since", Utc, nullable=False, index=True),
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

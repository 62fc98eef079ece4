"""What comes in beside the messages themselves, and how it comes in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from services.intake.tables.base import metadata
from shared.db.types import Json, Utc

# What came with a message itself. Without its message for a moment: it is written first.
files = Table(
    "files",
    metadata,
    Column("channel", String(64), primary_key=True),
    # That of the message.
    Column("external_id", Text, primary_key=True),
    # Its place among the message's files.
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("type", String(160), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content_id", Text),
    Column("content", LargeBinary, nullable=False),
    Column("kept_at", Utc, nullable=False, index=True),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("message_id", Uuid, nullable=False, index=True),
    Column("created_at", Utc, nullable=False, index=True),
)

# What has proven a content beside it, and can prove no other one.
used_tokens = Table(
    "used_tokens",
    metadata,
    Column("channel", String(64), primary_key=True),
    # SHA-256 of the token, and of what it came with.
    Column("token", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
    # From then on it is too old to prove anything.
    Column("until", Utc, nullable=False, index=True),
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
    # The message's own id, where it could be read: what is repaired and sent again leaves by it.
    Column("external_id", Text),
    # The first receipt: from then on the clock counts.
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("channel", "sha256"),
    Index("ix_quarantine_channel", "channel", "received_at"),
    Index("ix_quarantine_external_id", "channel", "external_id"),
)

# What came in on each channel in an hour; `kind` is empty where there is but one. Every instance
# adds to the same rows.
channel_hours = Table(
    "channel_hours",
    metadata,
    Column("channel", String(64), primary_key=True),
    # delivery, message, failure, ignored
    Column("what", String(10), primary_key=True),
    Column("hour", Utc, primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

channel_latest = Table(
    "channel_latest",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("what", String(10), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("detail", Text, nullable=False),
)

# With which the form's tokens are signed: one row, made when the first form is handed out.
form_keys = Table(
    "form_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
)

# By when the inquiries of the form are answered, as sla said last.
form_deadlines = Table(
    "form_deadlines",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("due_at", Utc, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("reported_at", Utc, nullable=False),
)

# Who reads what is fetched on a channel, and how that goes; see `pulling/store.py`.
pulls = Table(
    "pulls",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("holder", Uuid),
    Column("leased_until", Utc),
    Column("begun_at", Utc, nullable=False),
    Column("polled_at", Utc),
    Column("read_at", Utc),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Utc),
    Column("error", Text),
    Column("not_before", Utc),
)

pull_cursors = Table(
    "pull_cursors",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("place", Text, primary_key=True),
    Column("cursor", Json, nullable=False),
    Column("moved_at", Utc, nullable=False),
)

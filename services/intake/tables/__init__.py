"""Intake's tables.

The tables that accepting a message fills have no foreign keys: their ids come out of one and the
same statement, and the checks would be the most expensive part of it
(docs/decisions/accepting-messages.md).
"""

from __future__ import annotations

from services.intake.tables.base import NEVER, dead_letters, inbox, metadata, outbox
from services.intake.tables.conversations import (
    awaited,
    contacts,
    conversations,
    ends,
    hashtags,
    identities,
    inquiries,
    leaving,
    message_versions,
    messages,
    own_posts,
    removed,
    withdrawn_messages,
)
from services.intake.tables.receiving import (
    channel_hours,
    channel_latest,
    files,
    form_deadlines,
    form_keys,
    idempotency,
    pull_cursors,
    pulls,
    quarantine,
    used_tokens,
)

__all__ = [
    "NEVER",
    "awaited",
    "channel_hours",
    "channel_latest",
    "contacts",
    "conversations",
    "dead_letters",
    "ends",
    "files",
    "form_deadlines",
    "form_keys",
    "hashtags",
    "idempotency",
    "identities",
    "inbox",
    "inquiries",
    "leaving",
    "message_versions",
    "messages",
    "metadata",
    "outbox",
    "own_posts",
    "pull_cursors",
    "pulls",
    "quarantine",
    "removed",
    "used_tokens",
    "withdrawn_messages",
]

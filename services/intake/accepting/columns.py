"""What the writers know of a message, column by column: a new column is added here.

`stored` is the column of `messages` that holds it. From this table come the row that PostgreSQL
takes as JSON with the types in which it reads it, and the row that SQLite inserts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.intake.accepting.facts import as_json, fields_of
from services.intake.inquiries.domain.message import Incoming
from shared.db.bulk import sqlite_moment
from shared.text.references import reference_of

Kind = Literal["text", "uuid", "timestamptz", "jsonb", "json"]


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is how PostgreSQL's statement calls it, `kind` the type that it has there."""

    name: str
    kind: Kind
    value: Callable[[Incoming], Any]
    stored: str | None = None


COLUMNS: tuple[Column, ...] = (
    Column("channel", "text", lambda m: m.channel, "channel"),
    Column("external_id", "text", lambda m: m.external_id, "external_id"),
    Column("thread", "text", lambda m: m.thread),
    Column("identity", "text", lambda m: m.identity),
    Column("name", "text", lambda m: m.author.name, "author_name"),
    Column("handle", "text", lambda m: m.author.handle),
    Column("email", "text", lambda m: m.author.email),
    Column("key_name", "text", lambda m: m.key_name, "key_name"),
    Column("text", "text", lambda m: m.text, "text"),
    Column("full_text", "text", lambda m: m.full_text, "full_text"),
    Column("details", "jsonb", lambda m: m.details or None, "details"),
    Column("subject", "text", lambda m: m.subject, "subject"),
    Column("url", "text", lambda m: m.url, "url"),
    Column("attachments", "jsonb", lambda m: m.attachments or None, "attachments"),
    Column("sent_at", "timestamptz", lambda m: m.sent_at, "sent_at"),
    Column("received_at", "timestamptz", lambda m: m.received_at, "received_at"),
    Column("message_id", "uuid", lambda m: m.message_id),
    Column("inquiry_id", "uuid", lambda m: m.inquiry_id),
    Column("reference", "text", lambda m: reference_of(m.inquiry_id)),
    Column("conversation_id", "uuid", lambda m: m.conversation_id),
    Column("contact_id", "uuid", lambda m: m.contact_id),
    Column("event_id", "uuid", lambda m: m.event_id),
    Column("fact", "json", fields_of),
    Column("traceparent", "text", lambda m: m.traceparent),
    Column("caller", "text", lambda m: m.idempotency and m.idempotency.caller),
    Column("idempotency_key", "text", lambda m: m.idempotency and m.idempotency.key),
    Column("fingerprint", "text", lambda m: m.idempotency and m.idempotency.fingerprint),
    Column("audience", "text", lambda m: m.audience),
    Column("mark", "text", lambda m: m.mark),
)
STORED: tuple[Column, ...] = tuple(column for column in COLUMNS if column.stored is not None)


def items(batch: Sequence[Incoming]) -> str:
    """The batch as a JSON array of objects that leave out what is NULL.

    Raises TypeError for text that is no Unicode.
    """
    return as_json([_item(message) for message in batch])


def _item(message: Incoming) -> dict[str, Any]:
    return {name: value for name, read in _READS if (value := read(message)) is not None}


def stored_values(message: Incoming) -> tuple[Any, ...]:
    """The values of STORED as SQLite keeps them."""
    return tuple(_sqlite(column, column.value(message)) for column in STORED)


def _sqlite(column: Column, value: Any) -> Any:
    if value is None:
        return None
    match column.kind:
        case "timestamptz":
            return sqlite_moment(value)
        case "jsonb" | "json":
            return as_json(value)
        case "uuid":
            return value.hex
        case "text":
            return value


_READS = tuple((column.name, column.value) for column in COLUMNS)

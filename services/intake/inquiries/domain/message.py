"""An inbound message as every connector hands it over, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

TEXT_LIMIT = 100_000
NAME_LIMIT = 200
ID_LIMIT = 500
URL_LIMIT = 2_000
CLOCKS_OFF = timedelta(minutes=5)
EXCERPT = 200  # characters of the text that a list shows


def mark_of(channel: str, external_id: str) -> str:
    """What a message is known by once it has been removed: a hash that does not show it."""
    return sha256(f"{channel}\0{external_id}".encode()).hexdigest()[:32]


HASHED = "hash:"


def hashed_identity(channel: str, key: str) -> str:
    """What tells a person apart where the platform's terms let us keep nothing else."""
    return HASHED + sha256(f"{channel}\0{key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote, as far as the channel says; at least one of the fields tells people apart."""

    id: str | None = None
    name: str | None = None
    handle: str | None = None
    email: str | None = None

    def key(self) -> str | None:
        """What identifies this person on a channel; None when only a name, or nothing, is known.

        A name alone identifies nobody: two strangers may share it.
        """
        if self.id:
            return f"id:{self.id}"
        if self.handle:
            return f"handle:{self.handle.removeprefix('@').casefold()}"
        if self.email:
            return f"email:{self.email.casefold()}"
        return None


@dataclass(frozen=True, slots=True)
class Incoming:
    """One inbound message, checked, with the ids that it gets if it turns out to be new.

    `thread` names the conversation on the channel. `identity` tells the author apart from others.
    `traceparent` belongs to the request that brought it. `parent` is the external id of the message
    that it answers, `guessed` says that only that names the thread, because the parent has not been
    seen. `full_text` is set where `text` is only a part of it; `details` is what else is known, as
    JSON. Without `visibility` it is private. `key_name` is the API key that handed it
    in; None for a webhook.
    """

    channel: str
    external_id: str
    thread: str
    identity: str
    author: Author
    text: str
    received_at: datetime
    message_id: UUID
    inquiry_id: UUID
    conversation_id: UUID
    contact_id: UUID
    event_id: UUID
    traceparent: str
    subject: str | None = None
    url: str | None = None
    sent_at: datetime | None = None
    attachments: tuple[dict[str, Any], ...] = ()
    hashtags: tuple[tuple[str, int | None], ...] = ()
    idempotency: Idempotency | None = field(default=None)
    visibility: Literal["public", "private"] | None = None
    parent: str | None = None
    guessed: bool = False
    full_text: str | None = None
    details: Mapping[str, Any] | None = None
    key_name: str | None = None

    @property
    def mark(self) -> str:
        return mark_of(self.channel, self.external_id)

    @property
    def audience(self) -> Literal["public", "private"]:
        return self.visibility or "private"

    @property
    def moment(self) -> datetime:
        """The earlier of when it was sent and when it was received (UTC)."""
        return self.received_at if self.sent_at is None else min(self.sent_at, self.received_at)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Which request of which caller a message came with, and what the body was (SHA-256)."""

    caller: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where a message is now. `duplicate`: it had been there before and nothing changed.

    `opened`: the message opened the inquiry, it did not join one. `contact_id` is None where the
    id is that of a message of our own.
    """

    message_id: UUID
    inquiry_id: UUID
    conversation_id: UUID
    contact_id: UUID | None
    opened: bool
    duplicate: bool = False

    @property
    def of_no_inquiry(self) -> bool:
        """It is only shown in its conversation: it was withdrawn before it came, or is staff's."""
        return self.inquiry_id == self.conversation_id

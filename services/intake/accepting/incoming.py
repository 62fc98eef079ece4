"""From an HTTP body to the message that the committer stores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from services.intake.connectors.items import Message
from services.intake.inquiries.domain.message import (
    CLOCKS_OFF,
    Author,
    Idempotency,
    Incoming,
    hashed_identity,
)
from services.intake.inquiries.fields import shown
from services.intake.inquiries.schemas import InquiryIn
from shared.errors import FieldProblem, InvalidError
from shared.policy import KnownHashtags, extract_hashtags
from shared.runtime.ids import new_id
from shared.runtime.trace import current_traceparent

ThreadAudience = Literal["public", "private"]


@dataclass(frozen=True, slots=True)
class ThreadName:
    """The conversation's name on the channel. `guessed`: only a parent that has not been seen could
    tell it, so the conversation is named after that.
    """

    name: str
    guessed: bool = False


def from_channel(
    message: Message,
    *,
    channel: str,
    thread: ThreadName,
    audience: ThreadAudience,
    known: KnownHashtags,
    now: datetime,
) -> Incoming:
    """`audience` is the channel's, for a message that says nothing of its visibility."""
    return _incoming(
        channel=channel,
        external_id=message.id,
        thread=thread,
        author=message.author,
        text=message.text,
        sent_at=message.sent_at,
        known=known,
        now=now,
        subject=message.subject,
        url=message.url,
        attachments=message.attachments,
        visibility=message.visibility or audience,
        parent=message.parent_id,
        full_text=message.full_text,
        details=message.details,
    )


def from_request(
    body: InquiryIn,
    *,
    external_id: str,
    thread: ThreadName,
    audience: ThreadAudience,
    known: KnownHashtags,
    now: datetime,
    key_name: str,
    idempotency: Idempotency | None,
) -> Incoming:
    """`audience` is the channel's, for a message that says nothing of its visibility.

    Raises InvalidError when the message comes out of the future.
    """
    if body.sent_at is not None and body.sent_at > now + CLOCKS_OFF:
        raise InvalidError(
            "invalid-request",
            "sent_at lies in the future",
            FieldProblem("sent_at", "lies in the future", "the moment at which it was sent"),
        )
    who = body.author
    return _incoming(
        channel=body.channel,
        external_id=external_id,
        thread=thread,
        author=Author(id=who.id, name=who.name, handle=who.handle, email=who.email),
        text=body.text,
        sent_at=body.sent_at,
        known=known,
        now=now,
        subject=body.subject,
        url=body.url,
        attachments=shown(body.attachments),
        visibility=body.visibility or audience,
        parent=body.parent_id,
        key_name=key_name,
        idempotency=idempotency,
    )


def known_by_hash(incoming: Incoming) -> Incoming:
    """The same message of a person who is known by a hash alone, as the platform's terms want."""
    return replace(incoming, identity=hashed_identity(incoming.channel, incoming.identity))


def _incoming(
    *,
    channel: str,
    external_id: str,
    thread: ThreadName,
    author: Author,
    text: str,
    sent_at: datetime | None,
    known: KnownHashtags,
    now: datetime,
    **others: Any,
) -> Incoming:
    subject = others.get("subject")
    tagged = f"{subject}\n{text}" if subject else text
    return Incoming(
        channel=channel,
        external_id=external_id,
        thread=thread.name,
        guessed=thread.guessed,
        identity=author.key() or f"message:{external_id}",
        author=author,
        text=text,
        received_at=now,
        message_id=new_id(),
        inquiry_id=new_id(),
        conversation_id=new_id(),
        contact_id=new_id(),
        event_id=new_id(),
        traceparent=current_traceparent(),
        sent_at=sent_at,
        hashtags=tuple((tag.tag, tag.year) for tag in extract_hashtags(tagged, known)),
        **others,
    )

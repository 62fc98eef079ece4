"""From a checked HTTP body to the message that the committer stores."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from services.intake.domain.message import Author, Idempotency, Incoming
from services.intake.schemas import InquiryIn, WebhookMessage
from shared.errors import FieldProblem, InvalidError
from shared.ids import new_id
from shared.policy import KnownHashtags, extract_hashtags
from shared.trace import current_traceparent

CLOCKS_OFF = timedelta(minutes=5)


def from_webhook(
    message: WebhookMessage,
    *,
    channel: str,
    thread: str,
    audience: Literal["public", "private"],
    known: KnownHashtags,
    now: datetime,
    guessed: bool = False,
) -> Incoming:
    """`audience` is the channel's. Raises InvalidError when the message comes out of the future."""
    who = message.author
    attachments = tuple(item.model_dump(exclude_none=True) for item in message.attachments or ())
    return _incoming(
        channel=channel,
        external_id=message.id,
        thread=thread,
        author=Author(id=who.id, name=who.name, handle=who.handle),
        text=message.text,
        sent_at=message.sent_at,
        known=known,
        now=now,
        url=message.url,
        attachments=attachments,
        visibility=audience,
        parent=message.parent_id,
        guessed=guessed,
    )


def from_request(
    body: InquiryIn,
    *,
    audience: Literal["public", "private"],
    known: KnownHashtags,
    now: datetime,
    idempotency: Idempotency | None,
) -> Incoming:
    """`audience` is the channel's. Raises InvalidError when the message comes out of the future."""
    # Without an id of its own the message gets one: only its Idempotency-Key can find it again.
    external_id = body.external_id or f"desk:{new_id()}"
    who = body.author
    return _incoming(
        channel=body.channel,
        external_id=external_id,
        thread=body.thread_id or external_id,
        author=Author(id=who.id, name=who.name, handle=who.handle, email=who.email),
        text=body.text,
        sent_at=body.sent_at,
        known=known,
        now=now,
        subject=body.subject,
        url=body.url,
        visibility=audience,
        idempotency=idempotency,
    )


def _incoming(
    *,
    channel: str,
    external_id: str,
    thread: str,
    author: Author,
    text: str,
    sent_at: datetime | None,
    known: KnownHashtags,
    now: datetime,
    **others: Any,
) -> Incoming:
    if sent_at is not None and sent_at > now + CLOCKS_OFF:
        raise InvalidError(
            "invalid-request",
            "sent_at lies in the future",
            FieldProblem("sent_at", "lies in the future", "the moment at which it was sent"),
        )
    subject = others.get("subject")
    tagged = f"{subject}\n{text}" if subject else text
    return Incoming(
        channel=channel,
        external_id=external_id,
        thread=thread,
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

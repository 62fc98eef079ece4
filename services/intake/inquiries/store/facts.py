"""The facts that a decision's effects become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from services.intake.inquiries.domain.ends import INTAKE, End, EndKind
from services.intake.inquiries.domain.thread import Added, Joined, Opened, Post, TakenBack
from shared.events.inquiries import (
    InquiryAnswered,
    InquiryClosed,
    InquiryFact,
    InquiryHeld,
    InquiryReceived,
    MessageAdded,
    MessageEdited,
    MessageWithdrawn,
    OwnPostSeen,
    ReplyWithdrawn,
)

ANSWER_LIMIT = 20_000
"""Characters of an answer that are told."""


class Ids(TypedDict):
    inquiry_id: UUID
    conversation_id: UUID


def message(
    effect: Opened | Joined,
    content: Mapping[str, Any],
    tags: Sequence[tuple[str, int | None]],
    ids: Ids,
) -> InquiryReceived | MessageAdded:
    """`content` is the message's row."""
    kind = InquiryReceived if isinstance(effect, Opened) else MessageAdded
    return kind.model_validate(
        {
            **ids,
            "contact_id": content["contact_id"],
            "message_id": content["id"],
            "channel": content["channel"],
            "received_at": content["received_at"],
            "text": content["text"],
            "subject": content["subject"],
            "url": content["url"],
            "hashtags": [{"tag": tag, "year": year} for tag, year in tags],
            "moved_from": effect.moved_from,
        }
    )


def edited(
    content: Mapping[str, Any], tags: Sequence[tuple[str, int | None]], ids: Ids
) -> MessageEdited:
    """`content` is the message's row as it reads now."""
    return MessageEdited.model_validate(
        {
            **ids,
            "message_id": content["id"],
            "channel": content["channel"],
            "edited_at": content["edited_at"],
            "text": content["text"],
            "subject": content["subject"],
            "hashtags": [{"tag": tag, "year": year} for tag, year in tags],
        }
    )


def withdrawn(content: Mapping[str, Any], ids: Ids) -> MessageWithdrawn:
    return MessageWithdrawn(**ids, message_id=content["id"], withdrawn_at=content["withdrawn_at"])


def end_facts(
    effect: Added | TakenBack, ids: Ids, now: datetime, *, text: str | None
) -> list[InquiryFact]:
    """None for what a desk did with its ToDo: the router has told that itself. `text` is that of an
    answer, where it is known.
    """
    end = effect.end
    if isinstance(effect, TakenBack):
        return [
            ReplyWithdrawn(
                **ids,
                message_id=end.id,
                revision=end.revision,
                withdrawn_at=now,
                withdrawn_by=effect.by,
                key_name=effect.key_name,
            )
        ]
    match end.kind:
        case EndKind.ANSWER:
            return [answered(end, ids, text)]
        case EndKind.HOLDING:
            return [_held(end, ids)]
        case EndKind.CLOSE:
            return [_closed(end, ids)]
        case EndKind.COMPLETE | EndKind.DISMISS:
            return []


def answered(end: End, ids: Ids, text: str | None) -> InquiryAnswered:
    return InquiryAnswered(
        **ids,
        message_id=end.id,
        answered_at=end.at,
        answered_by=end.by,
        key_name=end.key_name,
        revision=end.revision,
        text=text[:ANSWER_LIMIT] if text else None,
    )


def asked(post: Post, ids: Ids) -> OwnPostSeen:
    return OwnPostSeen(**ids, message_id=post.id, posted_at=post.moment, posted_by=post.author)


def merged(older: UUID, ids: Ids, now: datetime) -> InquiryClosed:
    return InquiryClosed(
        **ids, reason="duplicate", closed_at=now, closed_by=INTAKE, merged_into=older
    )


def _held(end: End, ids: Ids) -> InquiryHeld:
    return InquiryHeld(
        **ids,
        message_id=end.id,
        held_at=end.at,
        held_by=end.by,
        key_name=end.key_name,
        follow_up_at=end.follow_up_at,
        revision=end.revision,
    )


def _closed(end: End, ids: Ids) -> InquiryClosed:
    return InquiryClosed.model_validate(
        {
            **ids,
            "reason": end.reason,
            "closed_at": end.at,
            "closed_by": end.by,
            "key_name": end.key_name,
        }
    )

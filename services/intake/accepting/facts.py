"""The fact that an accepted message becomes, without the ids that only the statement knows."""

from __future__ import annotations

from typing import Any

import orjson

from services.intake.inquiries.domain.message import Incoming


def fields_of(message: Incoming) -> dict[str, Any]:
    """Fields of InquiryReceived and MessageAdded alike, but for the inquiry, conversation, contact.

    A plain dict: building the pydantic model and dumping it again would double the cost here; a
    test holds both forms together.
    """
    fact: dict[str, Any] = {
        "message_id": str(message.message_id),
        "channel": message.channel,
        "received_at": message.received_at.isoformat(),
        "text": message.text,
    }
    if message.subject is not None:
        fact["subject"] = message.subject
    if message.url is not None:
        fact["url"] = message.url
    if message.hashtags:
        fact["hashtags"] = [{"tag": tag, "year": year} for tag, year in message.hashtags]
    return fact


def as_json(value: Any) -> str:
    """Raises TypeError for text that is no Unicode, or a value that JSON does not have."""
    return orjson.dumps(value).decode()

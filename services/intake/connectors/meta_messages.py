"""Private messages on Messenger and Instagram: one event of `entry[].messaging[]`.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.items import Broken, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.meta import Update
from services.intake.connectors.values import elements, first, id_of, part, text_of, unix_ms

_OTHERS = ("delivery", "read", "reaction", "postback", "optin", "referral")
"""Events that are no messages and counted by these names."""


def read_event(update: Update) -> Item:
    event = update.data
    if not isinstance(event, dict):
        return Broken((lenient.NO_OBJECT,))
    if "message_edit" in event:
        return _edit(update, event["message_edit"])
    if "message" in event:
        return _message(update, event["message"])
    return Ignored(kind=next((name for name in _OTHERS if name in event), "unknown"))


def read_change(update: Update) -> Item:
    """The same event as a change, as the test button of Meta's dashboard sends it."""
    if part(update.data, "field") != "messages":
        return Ignored()
    return read_event(replace(update, data=part(update.data, "value")))


def message_id(update: Any) -> Any:
    """Of an event, or of a change that holds one."""
    event = first(part(update, "value"), update)
    return first(*(part(event, name, "mid") for name in ("message", "message_edit", "reaction")))


def _message(update: Update, message: Any) -> Item:
    now, at = update.reading.now, unix_ms(part(update.data, "timestamp"))
    if part(message, "is_deleted") is True:
        return lenient.withdrawn(part(message, "mid"), at=at, now=now)
    fields = {
        **_frame(update, message),
        "parent_id": part(message, "reply_to", "mid"),
        "sent_at": at,
        "attachments": list(_attachments(message)),
    }
    if part(message, "is_unsupported") is True and not _said(fields):
        return Ignored(kind="unsupported")
    kind = OwnPost if _is_own(update, message) else NewMessage
    return lenient.item_of(kind, fields, now=now)


def _edit(update: Update, edit: Any) -> Item:
    now, fields = update.reading.now, _frame(update, edit)
    if text_of(part(edit, "text")) is None:
        return Ignored(kind="edit-without-text")
    if _is_own(update, edit):
        return lenient.item_of(OwnPost, fields, now=now)
    return lenient.edited(fields, at=unix_ms(part(update.data, "timestamp")), now=now)


def _is_own(update: Update, message: Any) -> bool:
    """What Meta calls an echo, and what one of our accounts sends."""
    return part(message, "is_echo") is True or _sender(update.data) in update.own_ids


def _frame(update: Update, message: Any) -> dict[str, Any]:
    sender = _sender(update.data)
    recipient = id_of(part(update.data, "recipient", "id"))
    return {
        "id": part(message, "mid"),
        "thread_id": recipient if _is_own(update, message) else sender,
        "author": {"id": sender},
        "text": part(message, "text"),
        "visibility": "private",
    }


def _sender(event: Any) -> str | None:
    """Who has not spoken to the page itself is known by a reference only."""
    return id_of(first(part(event, "sender", "id"), part(event, "sender", "user_ref")))


def _said(fields: dict[str, Any]) -> bool:
    return bool(text_of(fields["text"]) or fields["attachments"])


def _attachments(message: Any) -> Iterator[dict[str, Any]]:
    for each in elements(part(message, "attachments")):
        yield {
            "url": first(part(each, "payload", "url"), part(each, "url")),
            "type": part(each, "type"),
            "name": first(part(each, "payload", "title"), part(each, "title")),
        }
    if (story := part(message, "reply_to", "story", "url")) is not None:
        yield {"url": story, "type": "story"}

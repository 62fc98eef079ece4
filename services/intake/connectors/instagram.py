"""Comments on Instagram, and direct messages: both come to one address.

https://developers.facebook.com/docs/instagram-platform/webhooks
"""

from __future__ import annotations

from typing import Any

from services.intake.connectors import lenient, meta, meta_messages
from services.intake.connectors.items import Broken, Item, NewMessage, OwnPost
from services.intake.connectors.meta import Update
from services.intake.connectors.values import first, id_of, part, unix_seconds


def read_change(update: Update) -> Item:
    if part(update.data, "field") not in ("comments", "live_comments"):
        return meta_messages.read_change(update)
    value = part(update.data, "value")
    if not isinstance(value, dict):
        return Broken((lenient.NO_OBJECT,))
    kind = OwnPost if _is_own(update, value) else NewMessage
    return lenient.item_of(kind, _fields(update, value), now=update.reading.now)


def message_id(update: Any) -> Any:
    return first(part(update, "value", "id"), meta_messages.message_id(update))


def _is_own(update: Update, value: dict[str, Any]) -> bool:
    """An account has two ids, of which Meta names the second to nobody else."""
    author = part(value, "from")
    second = part(author, "self_ig_scoped_id")
    return second is not None or id_of(part(author, "id")) in update.own_ids


def _fields(update: Update, value: dict[str, Any]) -> dict[str, Any]:
    root, name = id_of(value.get("parent_id")), part(value, "from", "username")
    return {
        "id": value.get("id"),
        "thread_id": root or id_of(value.get("id")),
        "parent_id": root,
        "author": {"id": part(value, "from", "id"), "name": name, "handle": name},
        "text": value.get("text"),
        # When it was written is nowhere; when Meta told of it is the nearest.
        "sent_at": unix_seconds(update.notified),
        "visibility": "public",
    }


CONNECTOR = meta.connector(
    "instagram",
    "instagram",
    changes=read_change,
    messaging=meta_messages.read_event,
    message_id=message_id,
    product="Webhooks, object Instagram, fields comments and messages",
)

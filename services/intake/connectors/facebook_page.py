"""Comments on a Facebook page (field `feed`), and the messages to it: both come to one address.

https://developers.facebook.com/docs/graph-api/webhooks/reference/page
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.intake.connectors import lenient, meta, meta_messages
from services.intake.connectors.items import Broken, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.meta import Update
from services.intake.connectors.values import first, id_of, part, text_of, unix_seconds

_ITEMS = {
    "reaction": "reaction", "like": "reaction", "post": "post", "status": "post", "photo": "post",
    "video": "post", "album": "post", "share": "share",
}  # fmt: skip
"""What else the field reports, and as what it is counted."""


def read_change(update: Update) -> Item:
    if part(update.data, "field") != "feed":
        return meta_messages.read_change(update)
    value = part(update.data, "value")
    if not isinstance(value, dict):
        return Broken((lenient.NO_OBJECT,))
    item = value.get("item")
    if item != "comment":
        return Ignored(kind=_ITEMS.get(item, "unknown") if isinstance(item, str) else "unknown")
    return _comment(update, value)


def message_id(update: Any) -> Any:
    return first(part(update, "value", "comment_id"), meta_messages.message_id(update))


def _comment(update: Update, value: dict[str, Any]) -> Item:
    now, notified = update.reading.now, unix_seconds(update.notified)
    own = id_of(part(value, "from", "id")) in update.own_ids
    match value.get("verb"):
        case "edited" | "edit" if text_of(value.get("message")) is None:
            # Its words were taken away, or are just not in here: nobody can tell.
            return Ignored(kind="edit-without-text")
        case "edited" | "edit" if not own:
            return lenient.edited(_fields(value), at=notified, now=now)
        case "add" | "edited" | "edit":
            return lenient.item_of(OwnPost if own else NewMessage, _fields(value), now=now)
        case "remove" | "delete":
            return lenient.withdrawn(value.get("comment_id"), at=notified, now=now)
    return Ignored()  # hidden, shown again, blocked


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    comment, root = id_of(value.get("comment_id")), _parent(value)
    return {
        "id": comment,
        "thread_id": root or comment,
        "parent_id": root,
        "author": {"id": part(value, "from", "id"), "name": part(value, "from", "name")},
        "text": value.get("message"),
        "sent_at": unix_seconds(value.get("created_time")),
        "url": part(value, "post", "permalink_url"),
        "visibility": "public",
        "attachments": list(_attachments(value)),
    }


def _parent(value: dict[str, Any]) -> str | None:
    """The comment that this one answers; None below the post itself."""
    parent, post = id_of(value.get("parent_id")), id_of(value.get("post_id"))
    # The id of a post is `<page>_<post>`, and may come without the page.
    if parent is None or (post is not None and parent in {post, post.rpartition("_")[2]}):
        return None
    return parent


def _attachments(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("photo", "video"):
        if (url := text_of(value.get(kind))) is not None:
            yield {"url": url, "type": kind}


CONNECTOR = meta.connector(
    "facebook_page",
    "page",
    changes=read_change,
    messaging=meta_messages.read_event,
    message_id=message_id,
    product="Webhooks, object Page, fields feed and messages",
)

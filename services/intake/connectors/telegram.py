"""Telegram: what the Bot API posts to a bot's webhook.

Nothing is signed; a token that we gave with `setWebhook` comes back in a header. The id of a
message is unique in its chat only, and the chat of a person with a business account has the same id
as theirs with the bot. https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import Broken, Edited, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import (
    Connector,
    Parts,
    Proof,
    Reading,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import same, secret_bytes
from services.intake.connectors.values import (
    composed,
    elements,
    first,
    id_of,
    part,
    text_of,
    unix_seconds,
)
from shared.web.problems import RefusedError

_HEADER = "x-telegram-bot-api-secret-token"
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{1,256}")
_NEW = frozenset({"message", "business_message"})
_EDITED = frozenset({"edited_message", "edited_business_message"})
_DELETED = "deleted_business_messages"
_FILES = ("document", "animation", "video", "video_note", "voice", "audio", "sticker")


def _keys(secrets: Sequence[str]) -> tuple[bytes, ...]:
    keys = secret_bytes(secrets)
    if not all(_TOKEN.fullmatch(each) for each in keys):
        raise ValueError("a secret of Telegram has letters, digits, _ and - only, at most 256")
    return keys


def _claim(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Proof:
    if not same([request.header(_HEADER) or b""], keys):
        raise not_proven(
            _HEADER, "is none of this channel's secrets", "the secret_token of setWebhook"
        )
    return lambda _body: None


def _split(update: Any) -> Parts:
    """An update is one item; only that messages are deleted concerns several."""
    if not _is_delivery(update):
        raise RefusedError(422, "invalid-request", "this is no update: it has no `update_id`")
    kind = next((each for each in (*_NEW, *_EDITED, _DELETED) if each in update), None)
    if kind is None:
        return Parts([{"kind": "other"}])
    content = update[kind]
    if kind != _DELETED:
        return Parts([{"kind": kind, "message": content}])
    place = {name: part(content, name) for name in ("business_connection_id", "chat")}
    gone = elements(part(content, "message_ids"))
    return Parts([{"kind": kind, "message": {**place, "message_id": each}} for each in gone])


def _is_delivery(document: Any) -> bool:
    return isinstance(document, dict) and "update_id" in document


def _id_of(item: Any) -> str | None:
    return lenient.id_of({"id": _in_chat(part(item, "message"), "message_id")})


def _in_chat(message: Any, *path: str) -> str | None:
    return composed(*_chat(message), part(message, *path))


def _chat(message: Any) -> tuple[Any, ...]:
    """Which one it is: the bot's own, or that of a business account, by its connection."""
    chat, account = part(message, "chat", "id"), id_of(part(message, "business_connection_id"))
    return (chat,) if account is None else (account, chat)


def _read(item: Any, reading: Reading) -> Item:
    kind, message = part(item, "kind"), part(item, "message")
    if kind == _DELETED:
        return lenient.withdrawn(_in_chat(message, "message_id"), at=None, now=reading.now)
    if kind not in (*_NEW, *_EDITED):
        return Ignored(kind="update")
    fields = _fields(message)
    if kind in _EDITED:
        at = unix_seconds(part(message, "edit_date"))
        return _by_author(lenient.edited(fields, at=at, now=reading.now), message, reading)
    return _by_author(lenient.message_of(fields, now=reading.now), message, reading)


def _by_author(found: NewMessage | Edited | Broken, message: Any, reading: Reading) -> Item:
    if isinstance(found, Broken):
        return found
    if found.message.empty:
        return Ignored(kind="service")  # somebody joined, a message was pinned
    if _speaks_for_the_chat(message):
        return OwnPost(found.message, found.adjusted)
    is_bot = part(message, "sender_chat") is None and part(message, "from", "is_bot") is True
    if is_bot and found.message.author.id not in reading.own_ids:
        return Ignored(kind="bot")
    return found


def _speaks_for_the_chat(message: Any) -> bool:
    """An administrator who stays unnamed, or the post of the channel that a group belongs to."""
    sender = id_of(part(message, "sender_chat", "id"))
    is_chat = sender is not None and sender == id_of(part(message, "chat", "id"))
    return is_chat or part(message, "is_automatic_forward") is True


def _fields(message: Any) -> dict[str, Any]:
    is_private = part(message, "chat", "type") == "private"
    in_topic = part(message, "is_topic_message") is True
    return {
        "id": _in_chat(message, "message_id"),
        "thread_id": _in_chat(message, "message_thread_id")
        if in_topic
        else composed(*_chat(message)),
        "parent_id": _parent(message),
        "author": _author(message),
        "text": _text(message),
        "sent_at": unix_seconds(part(message, "date")),
        "visibility": "private" if is_private else "public",
        "attachments": list(_attachments(message)),
    }


def _parent(message: Any) -> str | None:
    """What is written into a topic is a reply to its beginning, which nobody wrote."""
    if part(message, "reply_to_message", "forum_topic_created") is not None:
        return None
    return _in_chat(message, "reply_to_message", "message_id")


def _author(message: Any) -> dict[str, Any]:
    """In a group somebody may write as a channel of theirs, and `from` is a stand-in then."""
    channel = part(message, "sender_chat")
    who = part(message, "from") if channel is None else channel
    names = [text_of(part(who, name)) for name in ("first_name", "last_name")]
    name = first(part(who, "title"), " ".join(each for each in names if each))
    return {"id": part(who, "id"), "name": name, "handle": part(who, "username")}


def _text(message: Any) -> Any:
    return first(
        part(message, "text"),
        part(message, "caption"),
        _joined(part(message, "contact"), "first_name", "last_name", "phone_number"),
        _joined(part(message, "venue"), "title", "address"),
        _joined(part(message, "location"), "latitude", "longitude"),
    )


def _joined(content: Any, *names: str) -> str:
    """What is shared instead of words."""
    found = [part(content, name) for name in names]
    return " ".join(str(each) for each in found if isinstance(each, str | float))


def _attachments(message: Any) -> Iterator[dict[str, Any]]:
    # One picture in several sizes, the largest last; an animation is there as a document, too.
    photo = elements(part(message, "photo"))[-1:]
    files = [each for name in _FILES if (each := part(message, name)) is not None][:1]
    for each in (*photo, *files):
        yield {
            "id": part(each, "file_id"),
            "name": part(each, "file_name"),
            "type": part(each, "mime_type") or ("image/jpeg" if photo else None),
            "size": part(each, "file_size"),
        }


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="telegram",
    keys=_keys,
    claim=_claim,
    decode=json_document,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=_id_of,
    acknowledge=counted_as_ok,
    setup=Setup(
        address="`url` in a call of the Bot API's setWebhook",
        secrets="a secret of your own making, as `secret_token` in the same call",
        own_ids="the number before the colon in the bot's token",
    ),
)

"""LINE: messages to an official account, by the webhook of the Messaging API.

https://developers.line.biz/en/reference/messaging-api/#webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import Ignored, Item, NewMessage
from services.intake.connectors.port import Connector, Parts, Reading, Setup, counted_as_ok
from services.intake.connectors.signing import BodySignature, of_base64, secret_bytes
from services.intake.connectors.values import elements, first, part, unix_ms
from shared.web.problems import RefusedError

_SIGNATURE = BodySignature("x-line-signature", prefix=b"", encoding=of_base64)
_FILES = frozenset({"image", "video", "audio", "file"})


def _split(document: Any) -> Parts:
    """LINE tries the address with a delivery that has no events."""
    if not _is_delivery(document):
        raise RefusedError(422, "invalid-request", "this is no delivery of LINE: no list of events")
    return Parts(document["events"], named="events")


def _is_delivery(document: Any) -> bool:
    return isinstance(part(document, "events"), list)


def _read(event: Any, reading: Reading) -> Item:
    """In standby another program answers for the account, and hands over what is for people."""
    kind = part(event, "type")
    if part(event, "mode") == "standby":
        return Ignored(kind="standby")
    if kind == "unsend":
        gone = part(event, "unsend", "messageId")
        return lenient.withdrawn(gone, at=unix_ms(part(event, "timestamp")), now=reading.now)
    if kind != "message" and isinstance(kind, str):
        return Ignored(kind="event")
    return lenient.item_of(NewMessage, _fields(event), now=reading.now)


def _fields(event: Any) -> dict[str, Any]:
    message, source = part(event, "message"), part(event, "source")
    author = part(source, "userId")
    return {
        "id": part(message, "id"),
        # Of a group or a room, else the person's own.
        "thread_id": first(part(source, "groupId"), part(source, "roomId"), author),
        "parent_id": part(message, "quotedMessageId"),
        "author": {"id": author},
        "text": first(part(message, "text"), _named(message)),
        "sent_at": unix_ms(part(event, "timestamp")),
        "visibility": "private",
        "attachments": list(_attachments(message)),
    }


def _named(message: Any) -> Any:
    """A place has a title and an address, a sticker the words that it stands for."""
    place = [part(message, name) for name in ("title", "address")]
    words = [*place, *elements(part(message, "keywords"))]
    return ", ".join(each for each in words if isinstance(each, str)) or None


def _attachments(message: Any) -> Iterator[dict[str, Any]]:
    """LINE hands out the content by the message's id, to whoever has the channel's token."""
    kind = part(message, "type")
    if isinstance(kind, str) and kind in _FILES:
        yield {
            "id": part(message, "id"),
            "type": kind,
            "name": part(message, "fileName"),
            "size": part(message, "fileSize"),
            "url": part(message, "contentProvider", "originalContentUrl"),
        }


def _id_of(event: Any) -> str | None:
    return lenient.id_of(
        {"id": first(part(event, "message", "id"), part(event, "unsend", "messageId"))}
    )


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="line",
    keys=secret_bytes,
    claim=_SIGNATURE.claim,
    decode=json_document,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=_id_of,
    acknowledge=counted_as_ok,
    setup=Setup(
        address="Webhook URL of the channel in the LINE Developers Console, Messaging API",
        secrets="the channel secret that the console shows under Basic settings",
    ),
)

"""Slack: events of the Events API, as an app's request URL gets them.

A message is known by its channel and `ts`, whichever events bring it: one that names our app comes
as `message` and as `app_mention`. https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import (
    Answer,
    Connector,
    Parts,
    Proof,
    Reading,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import fits, of_hex, require_fresh, secret_bytes
from services.intake.connectors.values import composed, elements, first, part, text_of, unix_seconds
from services.intake.inquiries.fields import MOST_ATTACHMENTS
from shared.web.problems import RefusedError

_SIGNATURE = "x-slack-signature"
_TIMESTAMP = "x-slack-request-timestamp"
_VERSION = b"v0="
_LONGEST_CHALLENGE = 1_000
_REAL = frozenset({None, "file_share", "thread_broadcast", "me_message", "bot_message"})
"""Subtypes of what somebody wrote; the others are joins, pins, new names."""


def _claim(request: WebhookRequest, keys: Sequence[bytes], now: datetime) -> Proof:
    timestamp = request.header(_TIMESTAMP) or b""
    require_fresh(_TIMESTAMP, timestamp, now=now)
    value = request.header(_SIGNATURE) or b""
    digest = of_hex(value.removeprefix(_VERSION)) if value.startswith(_VERSION) else None
    if not digest:
        raise not_proven(_SIGNATURE, "is missing or no signature", "`v0=<hex>`")
    return partial(_prove, keys, digest, b"v0:%b:" % timestamp)


def _prove(keys: Sequence[bytes], digest: bytes, before: bytes, body: bytes) -> None:
    if not fits([digest], keys, before + body):
        expected = "`v0=<hex>`, the HMAC-SHA256 of `v0:<timestamp>:<raw body>`"
        raise not_proven(_SIGNATURE, "fits none of this channel's secrets", expected)


def _challenge(document: Any) -> Answer | None:
    """Slack asks for its own word back when the address is entered."""
    word = part(document, "challenge")
    if part(document, "type") != "url_verification" or not isinstance(word, str):
        return None
    return Answer(200, word[:_LONGEST_CHALLENGE].encode("utf-8", "replace"), "text/plain")


def _split(document: Any) -> Parts:
    match part(document, "type"):
        case "event_callback" if isinstance(document.get("event"), dict):
            known = {name: document.get(name) for name in ("api_app_id", "authorizations")}
            return Parts([{**known, "event": document["event"]}])
        case "app_rate_limited":
            return Parts((), ignored=1, kind="rate-limited")
    raise RefusedError(422, "invalid-request", "this is no event_callback with an `event`")


def _is_delivery(document: Any) -> bool:
    return isinstance(document, dict) and document.get("type") == "event_callback"


def _id_of(item: Any) -> str | None:
    event = part(item, "event")
    deleted, changed = part(event, "deleted_ts"), part(event, "message", "ts")
    return lenient.id_of({"id": _in_channel(event, first(deleted, changed, part(event, "ts")))})


def _in_channel(event: Any, ts: Any) -> str | None:
    return composed(part(event, "channel"), ts)


def _read(item: Any, reading: Reading) -> Item:
    event = part(item, "event")
    if text_of(part(event, "type")) not in {"message", "app_mention"}:
        return Ignored(kind="event")
    subtype = text_of(part(event, "subtype"))
    if subtype == "message_deleted":
        return _withdrawn(event, part(event, "deleted_ts"), reading)
    if subtype == "message_changed":
        return _changed(item, event, reading)
    if subtype not in _REAL:
        return Ignored(kind="channel-event")
    return _written(item, event, reading)


def _withdrawn(event: Any, ts: Any, reading: Reading) -> Item:
    at = unix_seconds(part(event, "event_ts"))
    return lenient.withdrawn(_in_channel(event, ts), at=at, now=reading.now)


def _changed(item: Any, event: Mapping[str, Any], reading: Reading) -> Item:
    """The message as it is now, inside the event. Slack itself changes some, to show links."""
    message = part(event, "message")
    if part(message, "subtype") == "tombstone":
        return _withdrawn(event, part(message, "ts"), reading)
    before, after = part(event, "previous_message", "text"), part(message, "text")
    if part(message, "edited") is None or before == after:
        return Ignored(kind="unfurled")
    whole = {"channel_type": event.get("channel_type"), **_table(message)}
    whole["channel"] = event.get("channel")
    found = _written(item, whole, reading)
    if not isinstance(found, NewMessage):
        return found
    at = unix_seconds(part(message, "edited", "ts"))
    return lenient.edited(_fields(whole), at=at, now=reading.now)


def _written(item: Any, event: Mapping[str, Any], reading: Reading) -> Item:
    if not _is_bot(item, event):
        return lenient.message_of(_fields(event), now=reading.now)
    if not _is_ours(item, event, reading):
        return Ignored(kind="bot")
    return lenient.item_of(OwnPost, _fields(event), now=reading.now)


def _is_bot(item: Any, event: Mapping[str, Any]) -> bool:
    subtype = event.get("subtype")
    return bool(event.get("bot_id")) or subtype == "bot_message" or _is_our_bot(item, event)


def _is_ours(item: Any, event: Mapping[str, Any], reading: Reading) -> bool:
    ids = {each for each in (event.get("bot_id"), event.get("user")) if isinstance(each, str)}
    app = event.get("app_id")
    own_app = isinstance(app, str) and app == part(item, "api_app_id")
    return bool(ids & reading.own_ids) or own_app or _is_our_bot(item, event)


def _is_our_bot(item: Any, event: Mapping[str, Any]) -> bool:
    """The event comes to us because of this user, which is our app's."""
    user = event.get("user")
    return isinstance(user, str) and any(
        part(each, "is_bot") is True and part(each, "user_id") == user
        for each in elements(part(item, "authorizations"))
    )


def _fields(event: Mapping[str, Any]) -> dict[str, Any]:
    is_direct = event.get("channel_type") == "im"
    root = first(event.get("thread_ts"), event.get("ts"))
    is_reply = root != event.get("ts")
    profile = event.get("user_profile")
    return {
        "id": _in_channel(event, event.get("ts")),
        # In a direct conversation people rarely use threads, and all of it is one.
        "thread_id": event.get("channel") if is_direct else _in_channel(event, root),
        "parent_id": _in_channel(event, root) if is_reply else None,
        "author": {
            "id": first(event.get("user"), event.get("bot_id")),
            "name": first(part(profile, "display_name"), part(profile, "real_name")),
        },
        "text": _text(event),
        "sent_at": unix_seconds(event.get("ts")),
        "visibility": "private" if event.get("channel_type") in ("im", "mpim") else None,
        "attachments": list(_attachments(event)),
    }


def _text(event: Mapping[str, Any]) -> Any:
    """Who passes a message on without words of their own has only that one's."""
    text = text_of(event.get("text"))
    if text is not None:
        return _unescaped(text)
    passed_on = elements(event.get("attachments"))[:MOST_ATTACHMENTS]
    texts = [first(part(each, "text"), part(each, "fallback")) for each in passed_on]
    return "\n\n".join(_unescaped(each) for each in texts if isinstance(each, str))


def _unescaped(text: str) -> str:
    """Slack escapes these three characters and no other."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _attachments(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in elements(event.get("files")):
        yield {
            "id": part(each, "id"),
            "url": first(part(each, "url_private"), part(each, "permalink")),
            "name": first(part(each, "name"), part(each, "title")),
            "type": part(each, "mimetype"),
            "size": part(each, "size"),
        }


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="slack",
    keys=secret_bytes,
    claim=_claim,
    decode=json_document,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=_id_of,
    challenge=_challenge,
    acknowledge=counted_as_ok,
    setup=Setup(
        address="the Request URL under Event Subscriptions of the app",
        secrets="the Signing Secret under Basic Information of the app",
        own_ids="the ids of your own people and bots (U..., B...)",
    ),
)

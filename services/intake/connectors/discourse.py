"""Discourse: the posts of a forum, as a webhook with the event `post`.

https://docs.discourse.org/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document, parsed_json
from services.intake.connectors.html_text import html_to_text
from services.intake.connectors.items import Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import (
    Connector,
    Parts,
    Reading,
    Setup,
    WebhookRequest,
    counted_as_ok,
)
from services.intake.connectors.signing import BodySignature, secret_bytes
from services.intake.connectors.values import first, id_of, part, text_of
from shared.web.problems import RefusedError

_SIGNATURE = BodySignature("x-discourse-event-signature")
_EVENT = "x-discourse-event"
_INSTANCE = "x-discourse-instance"
_FORM = b"application/x-www-form-urlencoded"
_CREATED = "post_created"
_WRITTEN_BY_SOMEBODY = 1
"""`post_type`; others are notes of the forum itself and whispers among its staff."""


def _decode(body: bytes, request: WebhookRequest | None) -> Any:
    """With what only the headers say. The content type may be set to that of a form: it is JSON."""
    if request is None:
        return parsed_json(body)
    is_form = (request.header("content-type") or b"").lower().startswith(_FORM)
    document = parsed_json(body) if is_form else json_document(body, request)
    if not isinstance(document, dict):
        return document
    return {**document, "headers": {name: _header(request, name) for name in (_EVENT, _INSTANCE)}}


def _header(request: WebhookRequest, name: str) -> str | None:
    value = request.header(name)
    return None if value is None else value.decode("latin-1")


def _split(document: Any) -> Parts:
    if not isinstance(document, dict):
        raise RefusedError(422, "invalid-request", "this is no event of Discourse")
    headers = document.get("headers")
    event = part(headers, _EVENT)
    if "post" in document:
        return Parts(
            [
                {
                    "event": _CREATED if event is None else event,
                    "instance": part(headers, _INSTANCE),
                    "content": document["post"],
                }
            ]
        )
    if event is None:
        raise RefusedError(422, "invalid-request", "this is no event: it has no post")
    return Parts((), ignored=1, kind="ping" if event == "ping" else "event")


def _read(item: Any, reading: Reading) -> Item:
    event, post = part(item, "event"), part(item, "content")
    if event == "post_destroyed":
        return lenient.withdrawn(part(post, "id"), at=part(post, "deleted_at"), now=reading.now)
    if event not in (_CREATED, "post_edited", "post_recovered"):
        return Ignored(kind="event")
    if part(post, "post_type") not in (None, _WRITTEN_BY_SOMEBODY):
        return Ignored(kind="note")
    fields = _fields(post, part(item, "instance"))
    # Accounts are known by their number or by their name; -1 is the forum itself.
    if {id_of(part(post, name)) for name in ("user_id", "username")} & reading.own_ids:
        return lenient.item_of(OwnPost, fields, now=reading.now)
    if event == "post_edited":
        return lenient.edited(fields, at=part(post, "updated_at"), now=reading.now)
    return lenient.item_of(NewMessage, fields, now=reading.now)


def _fields(post: Any, instance: Any) -> dict[str, Any]:
    name = part(post, "username")
    is_private = part(post, "topic_archetype") == "private_message"
    return {
        "id": part(post, "id"),
        # `reply_to_post_number` is a place in the topic and no id, so it names no parent.
        "thread_id": part(post, "topic_id"),
        "author": {
            "id": first(part(post, "user_id"), name),
            "name": first(text_of(part(post, "name")), name),
            "handle": name,
        },
        "subject": part(post, "topic_title"),
        "text": first(part(post, "raw"), _shown(part(post, "cooked"))),
        "sent_at": part(post, "created_at"),
        "url": _address(post, instance),
        "visibility": "private" if is_private else "public",
    }


def _shown(cooked: Any) -> Any:
    return html_to_text(cooked) if isinstance(cooked, str) else cooked


def _address(post: Any, instance: Any) -> str | None:
    topic, number = id_of(part(post, "topic_id")), id_of(part(post, "post_number"))
    if not isinstance(instance, str) or topic is None or number is None:
        return None
    return f"{instance.rstrip('/')}/t/{topic}/{number}"


def _is_delivery(document: Any) -> bool:
    return isinstance(document, Mapping) and "post" in document


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="discourse",
    keys=secret_bytes,
    claim=_SIGNATURE.claim,
    decode=_decode,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=lambda item: lenient.id_of(part(item, "content")),
    acknowledge=counted_as_ok,
    setup=Setup(
        address="Payload URL of a webhook under Admin, Advanced, Webhooks, with the post events",
        secrets="a secret of your own making, as Secret of that webhook",
        own_ids="the names or numbers of your own accounts, and -1, which is the forum itself",
    ),
)

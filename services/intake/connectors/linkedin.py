"""What LinkedIn tells of a company's page: comments on its posts, and posts that mention it.

Each admin of the page who is subscribed gets a copy; the URN of the comment or post is the same in
all of them. https://learn.microsoft.com/linkedin/shared/api-guide/webhook-validation
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import Broken, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import (
    Answer,
    Connector,
    Parts,
    Reading,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import BodySignature, secret_bytes
from services.intake.connectors.values import first, id_of, part, text_of, unix_ms
from shared.web.problems import RefusedError

SIGNATURE = BodySignature("x-li-signature", b"hmacsha256=", bare=True, before=b"hmacsha256=")
"""Readers of the documentation disagree whether the prefix is a part of the header."""
_CODE = re.compile(r"[A-Za-z0-9_.~-]{1,200}")
"""What is signed for anybody who asks: never what begins as a signed delivery does."""
_OTHERS = {"LIKE": "like", "SHARE": "share", "COMMENT_EDIT": "edit-without-text"}
_NOTIFICATIONS = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"


def _challenge(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Answer:
    """The response to `challengeCode`; of several secrets the first signs it."""
    code = request.parameters.get("challengeCode", "")
    if not _CODE.fullmatch(code):
        raise not_proven("challengeCode", "is missing or none", "as LinkedIn sends it", status=403)
    response = hmac.digest(keys[0], code.encode(), "sha256").hex()
    answer = {"challengeCode": code, "challengeResponse": response}
    return Answer(200, orjson.dumps(answer), "application/json")


def _is_delivery(document: Any) -> bool:
    return isinstance(part(document, "notifications"), list)


def _split(document: Any) -> Parts:
    kind = part(document, "type")
    if not _is_delivery(document):
        if isinstance(kind, str) and kind != _NOTIFICATIONS:
            return Parts((), ignored=1)
        raise RefusedError(422, "invalid-request", "no delivery: it has no list `notifications`")
    items = [{"type": kind, "notification": each} for each in document["notifications"]]
    return Parts(items, named="notifications")


def _read(item: Any, reading: Reading) -> Item:
    notification = part(item, "notification")
    if not isinstance(notification, dict):
        return Broken((lenient.NO_OBJECT,))
    fields, now, at = (
        _fields(notification),
        reading.now,
        unix_ms(notification.get("lastModifiedAt")),
    )
    own = _is_own(notification, fields["author"]["id"], reading)
    match notification.get("action"):
        case "COMMENT" | "SHARE_MENTION" | "ADMIN_COMMENT":
            kind = OwnPost if own else NewMessage
            return lenient.item_of(kind, {**fields, "sent_at": at}, now=now)
        case "COMMENT_EDIT" if text_of(fields["text"]) is not None:
            if own:
                return lenient.item_of(OwnPost, fields, now=now)
            return lenient.edited(fields, at=at, now=now)
        case "COMMENT_DELETE":
            return lenient.withdrawn(fields["id"], at=at, now=now)
        case other:
            return Ignored(
                kind=_OTHERS.get(other, "unknown") if isinstance(other, str) else "unknown"
            )


def _is_own(notification: dict[str, Any], author: str | None, reading: Reading) -> bool:
    if notification.get("action") == "ADMIN_COMMENT":
        return True
    company = id_of(notification.get("organizationalEntity"))
    return author is not None and (author == company or author in reading.own_ids)


def _fields(notification: dict[str, Any]) -> dict[str, Any]:
    post = notification.get("sourcePost")
    activity = _activity(notification)
    urn, parent = _id(notification), _parent(activity)
    return {
        "id": urn,
        "thread_id": parent or urn,
        "parent_id": parent,
        "author": {"id": id_of(part(activity, "owner"))},
        "text": first(part(activity, "text"), part(activity, "message", "text")),
        "url": f"https://www.linkedin.com/feed/update/{post}" if text_of(post) else None,
        "visibility": "public",
    }


def _activity(notification: dict[str, Any]) -> Any:
    decorated = notification.get("decoratedGeneratedActivity")
    return first(*(part(decorated, name) for name in ("comment", "share", "post")), decorated)


def _id(notification: Any) -> str | None:
    entity = part(_activity(notification), "entity") if isinstance(notification, dict) else None
    return _urn(first(part(notification, "generatedActivity"), entity))


def _parent(activity: Any) -> str | None:
    """The comment that this one answers; None below the post itself."""
    parent = first(part(activity, "parentComment"), part(activity, "object"))
    return _urn(parent) if isinstance(parent, str) and "comment:" in parent else None


def _urn(value: Any) -> str | None:
    """In one of its two spellings: `urn:li:comment:(activity:1,2)` has a second `urn:li:` in it."""
    urn = id_of(value)
    return urn and urn.replace("(urn:li:", "(")


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="linkedin",
    keys=secret_bytes,
    claim=SIGNATURE.claim,
    decode=json_document,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=lambda item: lenient.id_of({"id": _id(part(item, "notification"))}),
    handshakes={"GET": _challenge},
    acknowledge=counted_as_ok,
    setup=Setup(
        address="your app in LinkedIn's developer portal, Webhooks",
        secrets="the app's client secret",
    ),
)

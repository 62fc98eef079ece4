"""Posts that mention an account of ours on X, and direct messages to it.

X has two formats: Account Activity, with a list for each kind of events, and its successor X
Activity, with one event. Both are signed with the consumer secret, which also answers X's check
whether the address is ours. https://docs.x.com/x-api/webhooks/introduction
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from services.intake.connectors import lenient, x_events
from services.intake.connectors.decoding import json_document
from services.intake.connectors.port import (
    Answer,
    Connector,
    Parts,
    Proof,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import BodySignature, of_base64, secret_bytes
from services.intake.connectors.values import elements, first, id_of, part
from shared.web.problems import RefusedError

SIGNATURE = BodySignature("x-twitter-webhooks-signature", encoding=of_base64)
_TOKEN = re.compile(rb"[A-Za-z0-9+/=_.~-]{1,200}")
"""What the check asks to be signed. No delivery looks like that, for it is a JSON object."""


def _check(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Answer:
    """The response to `crc_token`; of several secrets the first signs it."""
    token = request.parameters.get("crc_token", "").encode()
    if not _TOKEN.fullmatch(token):
        raise not_proven("crc_token", "is missing or no token", "as X sends it", status=403)
    digest = base64.b64encode(hmac.digest(keys[0], token, "sha256")).decode()
    return Answer(200, orjson.dumps({"response_token": f"sha256={digest}"}), "application/json")


def _claim(request: WebhookRequest, keys: Sequence[bytes], now: datetime) -> Proof:
    return partial(_prove, SIGNATURE.claim(request, keys, now))


def _prove(proof: Proof, body: bytes) -> None:
    if _TOKEN.fullmatch(body):  # we sign those for anybody who asks
        raise not_proven(SIGNATURE.header, "is the one of a check", "sign a delivery")
    proof(body)


def _is_delivery(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    lists = any(name.endswith("_events") and isinstance(document[name], list) for name in document)
    return lists or part(document, "data", "event_type") is not None


def _split(document: Any) -> Parts:
    if part(document, "data", "event_type") is not None:
        return Parts(list(_activity(document)), named="data")
    if _is_delivery(document) or part(document, "for_user_id") is not None:
        return Parts(list(_account_activity(document)), named="the events")
    raise RefusedError(422, "invalid-request", "no delivery: it has no events")


def _account_activity(document: dict[str, Any]) -> Iterator[Any]:
    for name, events in document.items():
        if name.endswith(("_event", "_events")):
            for each in elements(events):
                yield _item(document.get("for_user_id"), name, each, document.get("users"))


def _activity(document: dict[str, Any]) -> Iterator[Any]:
    data = document["data"]
    account, payload = part(data, "filter", "user_id"), data.get("payload")
    messages = part(payload, "direct_message_events")
    if messages is not None:
        for each in elements(messages):
            yield _item(account, "direct_message_events", each, part(payload, "users"))
        return
    includes = first(data.get("includes"), document.get("includes"))
    users = (first(part(each, "data"), each) for each in elements(part(includes, "users")))
    known = {id_of(part(each, "id")): each for each in users}
    yield _item(account, data["event_type"], payload, known, elements(part(includes, "media")))


def _item(account: Any, event: Any, content: Any, users: Any, media: Any = ()) -> Any:
    """An event with who wrote it, for both formats the same."""
    writer = id_of(first(part(content, "message_create", "sender_id"), part(content, "author_id")))
    author = users.get(writer) if isinstance(users, dict) else None
    author = first(part(author, "data"), author, part(content, "user"))
    return {"account": account, "event": event, "content": content, "author": author} | (
        {"media": media} if media else {}
    )


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="x",
    keys=secret_bytes,
    claim=_claim,
    decode=json_document,
    split=_split,
    read=x_events.read,
    is_delivery=_is_delivery,
    id_of=lambda item: lenient.id_of({"id": x_events.id_in(part(item, "content"))}),
    handshakes={"GET": _check},
    acknowledge=counted_as_ok,
    setup=Setup(
        address="the webhook that your app registers by X's API",
        secrets="the app's consumer secret (API key secret)",
    ),
)

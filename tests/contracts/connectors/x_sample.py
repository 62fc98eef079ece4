"""Events of an account of ours on X, in the format of Account Activity."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from services.intake.connectors.port import Answer
from services.intake.connectors.x import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent

SECRETS = ("consumer-secret-one", "consumer-secret-two")
OURSELVES, CUSTOMER = "14930", "44196"
CODE = "9b45-a1b2+/="


def post(id_: str | None, author: Any = CUSTOMER, **changed: Any) -> Any:
    content = {
        "id_str": id_,
        "text": "@wir Grüße",
        "user": {"id_str": author, "name": "Harriet Vane", "screen_name": "hvane"},
        "created_at": "Tue Nov 24 11:59:00 +0000 2026",
        **changed,
    }
    return event("tweet_create_events", content, content["user"])


def event(name: str, content: Any, author: Any = None) -> Any:
    return {"account": OURSELVES, "event": name, "content": content, "author": author}


def delivery(items: Sequence[Any]) -> bytes:
    document: dict[str, Any] = {"for_user_id": OURSELVES}
    for item in items:
        document.setdefault(item["event"], []).append(item["content"])
    return json.dumps(document).encode()


def signed(body: bytes, secret: str, _now: datetime | None = None) -> Sent:
    signature = base64.b64encode(mac(secret, body))
    name = "x-twitter-webhooks-signature"
    return Sent(body, {"content-type": b"application/json", name: b"sha256=" + signature})


def mac(secret: str, text: bytes) -> bytes:
    return hmac.digest(secret.encode(), text, hashlib.sha256)


def asked(token: str) -> Sent:
    return Sent(method="GET", query=urlencode({"crc_token": token, "nonce": "x"}))


_RESPONSE = base64.b64encode(mac(SECRETS[0], CODE.encode())).decode()

SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger="consumer-secret-of-nobody",
    no_secrets=("short",),
    items={
        "message": post,
        "own_post": lambda id_: post(id_, OURSELVES),
        "withdrawn": lambda id_: event(
            "tweet_delete_events", {"status": {"id": id_, "user_id": CUSTOMER}}
        ),
        "ignored": lambda id_: event("favorite_events", {"id": id_}),
        "broken": lambda _: post(None),
    },
    delivery=delivery,
    sign=signed,
    proof=("x-twitter-webhooks-signature",),
    no_delivery=(b"", b"[]", b"{}", b'{"data": {"payload": {}}}', b'{"other_events": 7}'),
    handshakes=(
        (asked(CODE), Answer(200, json.dumps({"response_token": f"sha256={_RESPONSE}"},
                                             separators=(",", ":")).encode(), "application/json")),
    ),
    # What could be a delivery is signed for nobody.
    refused_handshakes=(asked('{"a1b2": 1}'), asked(""), asked("ü"), asked("a" * 201),
                        Sent(method="GET")),
)  # fmt: skip

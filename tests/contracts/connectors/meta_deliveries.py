"""How deliveries of Meta's webhooks are signed and put together, for each of their samples."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from services.intake.connectors.port import Answer, Connector
from tests.contracts.connectors.sample import Kind, Sample, Sent

SECRETS = ("app-secret-one", "app-secret-two")
TOKEN = "a-token-of-ours"


def signed(body: bytes, secret: str, _now: datetime | None = None) -> Sent:
    signature = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    headers = {
        "content-type": b"application/json",
        "x-hub-signature": b"sha1=" + b"0" * 40,
        "x-hub-signature-256": f"sha256={signature}".encode(),
    }
    return Sent(body, headers)


def delivery(items: Sequence[Any]) -> bytes:
    """In pure ASCII with escaped slashes, as Meta writes it."""
    entries = [_entry(item["entry"]) for item in items]
    text = json.dumps({"object": items[0]["object"], "entry": entries})
    return text.replace("/", "\\/").encode()


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    lists = ("changes", "messaging", "standby")
    return {name: [each] if name in lists else each for name, each in entry.items()}


def asked(token: str, *, mode: str = "subscribe") -> Sent:
    parameters = {"hub.mode": mode, "hub.challenge": "a1b2", "hub.verify_token": token}
    return Sent(method="GET", query=urlencode(parameters))


def sample(connector: Connector[Any], items: Mapping[Kind, Callable[[str], Any]]) -> Sample:
    return Sample(
        connector=connector,
        secrets=(*SECRETS, f"verify:{TOKEN}"),
        signing=SECRETS,
        stranger="app-secret-of-nobody",
        no_secrets=("short", "verify:short", f"verify:{TOKEN}", "a secret of\ntwo lines"),
        items=items,
        delivery=delivery,
        sign=signed,
        proof=("x-hub-signature-256",),
        no_delivery=(b"", b"[]", b"7", b"{}", b'{"object": "page"}', b'{"entry": []}'),
        handshakes=((asked(TOKEN), Answer(200, b"a1b2", "text/plain")),),
        refused_handshakes=(
            asked("a-token-of-nobody"), asked(SECRETS[0]), asked(""), asked("ü"),
            asked(TOKEN, mode="unsubscribe"), Sent(method="GET"),
        ),
    )  # fmt: skip

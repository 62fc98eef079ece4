"""Deliveries in the desk's own format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.standard_webhooks import CONNECTOR, TOLERANCE_SECONDS
from shared.web.signing import secret_key, sign
from tests.contracts.connectors.sample import Sample, Sent

_SECRETS = (
    "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE=",
    "whsec_YW5vdGhlci1rZXktd2hpbGUtcm90YXRpbmctMDAwMg==",
)
_AT = "2026-11-24T11:59:00Z"
_SAID = {"author": {"id": "u"}, "text": "Hallo"}


_CHANGED = ("message.edited", "message.deleted")


def _delivery(items: Sequence[Any]) -> bytes:
    """What is no new message travels in an event of its type, and is told apart by it alone."""
    type_ = next((name for name in _CHANGED if name in items[0]), "message.created")
    bare = [item.get(type_, item) for item in items]
    data = bare[0] if len(bare) == 1 else bare
    return json.dumps({"type": type_, "timestamp": _AT, "data": data}).encode()


def _changed(type_: str, message: dict[str, Any]) -> dict[str, Any]:
    return {type_: message, "timestamp": _AT}


def _sign(body: bytes, secret: str, now: datetime) -> Sent:
    at = int(now.timestamp())
    signature = sign(secret_key(secret), webhook_id="msg_1", timestamp=at, body=body)
    headers = {
        "content-type": b"application/json",
        "webhook-id": b"msg_1",
        "webhook-timestamp": b"%d" % at,
        "webhook-signature": signature.encode(),
    }
    return Sent(body, headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=_SECRETS,
    signing=_SECRETS,
    stranger="whsec_ZGllc2VyLVNjaGx1ZXNzZWwtaXN0LWZhbHNjaC0wMDA=",
    no_secrets=("whsec_%%%", "short"),
    items={
        "message": lambda id_: {"id": id_, "thread_id": id_, **_SAID},
        "edited": lambda id_: _changed("message.edited", {"id": id_, "thread_id": id_, **_SAID}),
        "withdrawn": lambda id_: _changed("message.deleted", {"id": id_}),
        "broken": lambda _: _SAID,
    },
    delivery=_delivery,
    sign=_sign,
    proof=("webhook-id", "webhook-timestamp", "webhook-signature"),
    tolerance=TOLERANCE_SECONDS,
    no_delivery=(
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"type": 1, "data": []}',
        b'{"type": "message.created"}',
    ),
)

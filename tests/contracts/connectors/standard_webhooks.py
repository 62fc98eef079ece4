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
_SAID = {"author": {"id": "u"}, "text": "Hallo"}


def _delivery(items: Sequence[Any]) -> bytes:
    data = items[0] if len(items) == 1 else items
    return json.dumps({"type": "message.created", "data": data}).encode()


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

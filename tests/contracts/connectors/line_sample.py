"""Messages to an account on LINE."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.line import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER
from tests.contracts.connectors.sample import Sample, Sent

_HEADER = "x-line-signature"


def event(kind: str = "message", **parts: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": 1795521598123,
        "source": {"type": "user", "userId": "U40"},
        "webhookEventId": "01HX",
        "deliveryContext": {"isRedelivery": False},
        **parts,
    }


def message(id_: Any, text: str = "Grüße") -> dict[str, Any]:
    return event(message={"id": id_, "type": "text", "text": text})


def _delivery(events: Sequence[Any]) -> bytes:
    return json.dumps({"destination": "U99", "events": list(events)}).encode()


def _sign(body: bytes, secret: str, _now: datetime) -> Sent:
    digest = base64.b64encode(hmac.digest(secret.encode(), body, "sha256"))
    return Sent(body, {"content-type": b"application/json", _HEADER: digest})


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": message,
        "withdrawn": lambda id_: event("unsend", unsend={"messageId": id_}),
        "ignored": lambda id_: {**message(id_), "mode": "standby"},
        "broken": lambda _: event(message={"type": "text", "text": "Hallo"}),
    },
    delivery=_delivery,
    sign=_sign,
    proof=(_HEADER,),
    no_delivery=(b"", b"{", b"[]", b"7", b"{}", b'{"events": 1}'),
)

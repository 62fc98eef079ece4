"""What LinkedIn tells of a company's page."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from services.intake.connectors.linkedin import CONNECTOR
from services.intake.connectors.port import Answer
from tests.contracts.connectors.sample import Sample, Sent

SECRETS = ("client-secret-one", "client-secret-two")
COMPANY, MEMBER = "urn:li:organization:801", "urn:li:person:zLq"
POST = "urn:li:activity:7261"
CODE = "890e-a1b2"
TYPE = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"


def notification(id_: str | None, action: Any = "COMMENT", **changed: Any) -> Any:
    said = {
        "action": action,
        "notificationId": 5603453321,
        "organizationalEntity": COMPANY,
        "subscriber": "urn:li:person:admin",
        "sourcePost": POST,
        "generatedActivity": id_,
        "lastModifiedAt": 1795521540000,
        "decoratedGeneratedActivity": {"comment": {"owner": MEMBER, "text": "Grüße"}},
        **changed,
    }
    return {"type": TYPE, "notification": said}


def _with(action: str) -> Callable[[str], Any]:
    return lambda id_: notification(id_, action)


def delivery(items: Sequence[Any]) -> bytes:
    notifications = [item["notification"] for item in items]
    return json.dumps({"type": TYPE, "notifications": notifications}).encode()


def signed(body: bytes, secret: str, _now: datetime | None = None) -> Sent:
    signature = mac(secret, b"hmacsha256=" + body).encode()
    return Sent(body, {"content-type": b"application/json", "x-li-signature": signature})


def mac(secret: str, text: bytes) -> str:
    return hmac.digest(secret.encode(), text, hashlib.sha256).hex()


def asked(code: str) -> Sent:
    return Sent(method="GET", query=urlencode({"challengeCode": code, "applicationId": "7"}))


_RESPONSE = {"challengeCode": CODE, "challengeResponse": mac(SECRETS[0], CODE.encode())}

SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger="client-secret-of-nobody",
    no_secrets=("short",),
    items={
        "message": notification,
        "own_post": _with("ADMIN_COMMENT"),
        "edited": _with("COMMENT_EDIT"),
        "withdrawn": _with("COMMENT_DELETE"),
        "ignored": _with("LIKE"),
        "broken": lambda _: notification(None),
    },
    delivery=delivery,
    sign=signed,
    proof=("x-li-signature",),
    no_delivery=(b"", b"[]", b"7", b"{}", b'{"type": 7}', b'{"notifications": {}}'),
    handshakes=(
        (asked(CODE), Answer(200, json.dumps(_RESPONSE, separators=(",", ":")).encode(),
                             "application/json")),
    ),
    # What could be a delivery is signed for nobody.
    refused_handshakes=(asked('hmacsha256={"a1b2": []}'), asked(""), asked("a1b2 ü"),
                        asked("a" * 201), Sent(method="GET")),
)  # fmt: skip

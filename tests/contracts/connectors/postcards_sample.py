"""Deliveries of the platform that does not exist."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlencode

from services.intake.connectors.port import Answer
from tests.contracts.connectors.postcards import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent


def _card(event: str) -> Callable[[str], str]:
    return lambda id_: urlencode({"id": id_, "from": "u", "text": "Grüße", "event": event})


def _delivery(cards: Sequence[str]) -> bytes:
    return urlencode([("card", card) for card in cards]).encode()


def _sign(body: bytes, secret: str, _now: datetime | None = None) -> Sent:
    signature = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    headers = {
        "content-type": b"application/x-www-form-urlencoded",
        "x-postcard-signature": f"sha256={signature}".encode(),
    }
    return Sent(body, headers)


def _asked(token: str, challenge: str = "a1b2") -> Sent:
    return Sent(method="GET", query=urlencode({"token": token, "challenge": challenge}))


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=("a-first-secret", "a-second-secret", "verify:a-token-of-ours"),
    signing=("a-first-secret", "a-second-secret"),
    stranger="a-third-secret",
    no_secrets=("short", "verify:short"),
    items={
        "message": _card("sent"),
        "own_post": _card("ours"),
        "edited": _card("edited"),
        "withdrawn": _card("removed"),
        "ignored": _card("stamped"),
        "broken": lambda _: "from=u&text=Hallo",
    },
    delivery=_delivery,
    sign=_sign,
    proof=("x-postcard-signature",),
    no_delivery=(b"", b"card", b"other=1", b"card=%ff"),
    handshakes=(
        (_asked("a-token-of-ours"), Answer(200, b"a1b2", "text/plain")),
        (_sign(b"ping=1", "a-second-secret"), Answer(200, b"pong", "text/plain")),
    ),
    refused_handshakes=(_asked("a-token-of-nobody"), _asked("ü"), _asked(""), Sent(method="GET")),
)

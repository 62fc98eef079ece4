"""What the samples of several platforms have in common: an HMAC of the raw body in a header."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

from tests.contracts.connectors.sample import Sent

SECRETS = ("a-first-secret", "a second ßecret")
STRANGER = "a-third-secret"
NO_SECRETS = ("short", "")


def signed_body(
    header: str,
    prefix: str,
    *,
    algorithm: str = "sha256",
    more: Mapping[str, bytes] | None = None,
) -> Callable[[bytes, str, datetime], Sent]:
    """Signs JSON as `header: <prefix><hex>`; `more` are further headers."""

    def sign(body: bytes, secret: str, _now: datetime) -> Sent:
        digest = hmac.digest(secret.encode(), body, algorithm).hex()
        headers = {"content-type": b"application/json", header: f"{prefix}{digest}".encode()}
        return Sent(body, {**headers, **(more or {})})

    return sign

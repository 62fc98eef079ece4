"""The signature of Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

The signed content is `id.timestamp.body` over the raw bytes: of what connectors send to the desk,
and of what the desk sends. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with, not a secret


def secret_key(secret: str) -> bytes:
    """The key bytes of `whsec_<base64>`; padding may be left out. Raises ValueError."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(
            "a webhook secret is whsec_ and base64, e.g. `openssl rand -base64 24`"
        ) from error
    if len(key) < 16:
        raise ValueError("a webhook secret needs at least 16 bytes (24 characters of base64)")
    return key


def sign(key: bytes, *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature as `webhook-signature` carries it, which holds one or more, by spaces."""
    signed = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

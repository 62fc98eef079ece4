"""The signature of Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

The signed content is `id.timestamp.body` over the raw bytes. Any of several secrets may match, so
that secrets can be rotated. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.errors import FieldProblem
from shared.web.problems import RefusedError

TOLERANCE_SECONDS = 300
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
    """The value of `webhook-signature`, as a sender makes it."""
    signed = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def verify(
    keys: Sequence[bytes], headers: Mapping[bytes, bytes], body: bytes, *, now: datetime
) -> None:
    """Raises RefusedError (401) that says which part is missing, stale or wrong."""
    webhook_id, timestamp, signatures = (
        _header(headers, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    _check_age(timestamp, now)
    signed = webhook_id + b"." + timestamp + b"." + body
    expected = [hmac.digest(key, signed, hashlib.sha256) for key in keys]
    # Every signature is compared with every key, so the time tells nothing about which one fits.
    matches = [hmac.compare_digest(e, given) for given in _given(signatures) for e in expected]
    if not any(matches):
        raise _refused(
            "webhook-signature",
            "fits none of this channel's secrets",
            "sign `id.timestamp.body` of the raw body with HMAC-SHA256, as `v1,<base64>`",
        )


def _header(headers: Mapping[bytes, bytes], name: str) -> bytes:
    value = headers.get(name.encode(), b"")
    if not value:
        raise _refused(name, "is missing", "sign by Standard Webhooks (standardwebhooks.com)")
    return value


def _check_age(timestamp: bytes, now: datetime) -> None:
    if not timestamp.isdigit() or len(timestamp) > 12:
        raise _refused("webhook-timestamp", "is not a number", "send Unix seconds in UTC")
    age = now.timestamp() - int(timestamp)
    if abs(age) > TOLERANCE_SECONDS:
        wrong = "is too old" if age > 0 else "lies in the future"
        raise _refused(
            "webhook-timestamp", wrong, f"sign anew; {TOLERANCE_SECONDS} seconds off are tolerated"
        )


def _given(signatures: bytes) -> list[bytes]:
    """The v1 signatures of the header; other versions and broken parts are passed over."""
    given = []
    for part in signatures.split(b" "):
        version, _, encoded = part.partition(b",")
        if version != b"v1":
            continue
        try:
            given.append(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            continue
    return given


def _refused(field: str, problem: str, expected: str) -> RefusedError:
    return RefusedError(
        401, "signature-invalid", f"{field} {problem}", FieldProblem(field, problem, expected)
    )

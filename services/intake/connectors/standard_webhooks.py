"""What a connector signed, checked: its headers, the age of its timestamp, and the signature.

How it is signed is in `shared.webhooks`. Any of several secrets may match, so that secrets can be
rotated.
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

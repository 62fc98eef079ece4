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
from dataclasses import dataclass
from datetime import datetime

from shared.errors import FieldProblem
from shared.web.problems import RefusedError

TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers of a delivery say of it; nothing is proven yet."""

    webhook_id: bytes
    timestamp: bytes
    signatures: bytes


def claim_of(headers: Mapping[bytes, bytes], *, now: datetime) -> Claim:
    """To be asked before the body is read: without it, no body can fit.

    Raises RefusedError (401) that says which header is missing, stale or wrong.
    """
    claim = Claim(
        *(_header(headers, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    )
    _check_age(claim.timestamp, now)
    return claim


def verify(keys: Sequence[bytes], claim: Claim, body: bytes) -> None:
    """Raises RefusedError (401) unless one of the keys made one of the signatures."""
    signed = claim.webhook_id + b"." + claim.timestamp + b"." + body
    expected = [hmac.digest(key, signed, hashlib.sha256) for key in keys]
    given = _given(claim.signatures)
    # Every signature is compared with every key, so the time tells nothing about which one fits.
    matches = [hmac.compare_digest(e, signature) for signature in given for e in expected]
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

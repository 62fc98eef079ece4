"""What a connector signed, checked: its headers, the age of its timestamp, and the signature.

How it is signed is in `shared.web.signing`. Any of several secrets may match, so that secrets can
be rotated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import FieldProblem
from shared.web.problems import RefusedError

TOLERANCE_SECONDS = 300
_LONGEST_TIMESTAMP = 19
_UNIX_SECONDS = "send Unix seconds in UTC"
_FINER_UNITS = {1_000: "milliseconds", 1_000_000: "microseconds", 1_000_000_000: "nanoseconds"}
_ROUGHLY_SECONDS = 10 * 365 * 86_400  # years off, and still no doubt about the unit


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers of a delivery say of it; nothing is proven yet."""

    webhook_id: bytes
    timestamp: bytes
    signatures: bytes


def claim_of(headers: Iterable[tuple[bytes, bytes]], *, now: datetime) -> Claim:
    """To be asked before the body is read: without it, no body can fit. Names are in lower case.

    Raises RefusedError (401) that says which header is missing, stale or wrong.
    """
    given: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name.startswith(b"webhook-") and value:
            given.setdefault(name, []).append(value)
    claim = Claim(
        webhook_id=_only(given, "webhook-id"),
        timestamp=_only(given, "webhook-timestamp"),
        # A list: on one line or on several it is the same (RFC 9110, section 5.3).
        signatures=b" ".join(_all(given, "webhook-signature")),
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


def _all(given: Mapping[bytes, Sequence[bytes]], name: str) -> Sequence[bytes]:
    values = given.get(name.encode(), ())
    if not values:
        raise _refused(name, "is missing", "sign by Standard Webhooks (standardwebhooks.com)")
    return values


def _only(given: Mapping[bytes, Sequence[bytes]], name: str) -> bytes:
    """What is signed must be one, or nobody knows which of them was."""
    values = _all(given, name)
    if len(set(values)) > 1:
        raise _refused(name, "is there twice, with two values", "send this header once")
    return values[0]


def _check_age(timestamp: bytes, now: datetime) -> None:
    if not timestamp.isdigit() or len(timestamp) > _LONGEST_TIMESTAMP:
        raise _refused("webhook-timestamp", "is not a number of seconds", _UNIX_SECONDS)
    age = now.timestamp() - int(timestamp)
    if abs(age) <= TOLERANCE_SECONDS:
        return
    for divisor, unit in _FINER_UNITS.items():
        if abs(now.timestamp() - int(timestamp) / divisor) <= _ROUGHLY_SECONDS:
            raise _refused("webhook-timestamp", f"is in {unit}", _UNIX_SECONDS)
    wrong = "is too old" if age > 0 else "lies in the future"
    raise _refused(
        "webhook-timestamp", wrong, f"sign anew; {TOLERANCE_SECONDS} seconds off are tolerated"
    )


def _given(signatures: bytes) -> list[bytes]:
    """The v1 signatures of the header; other versions and broken parts are passed over.

    They are separated by spaces; who joins two lines of a header puts a comma there as well.
    """
    given = []
    for part in signatures.split(b" "):
        version, _, encoded = part.partition(b",")
        if version != b"v1":
            continue
        try:
            given.append(base64.b64decode(encoded.rstrip(b","), validate=True))
        except (binascii.Error, ValueError):
            continue
    return given


def _refused(field: str, problem: str, expected: str) -> RefusedError:
    return RefusedError(
        401, "signature-invalid", f"{field} {problem}", FieldProblem(field, problem, expected)
    )

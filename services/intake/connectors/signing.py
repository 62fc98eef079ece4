"""What most signatures of deliveries have in common: HMAC, compared as bytes in constant time.

Whatever a sender puts into a header, nothing here raises.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence


def fits(
    given: Iterable[bytes], keys: Sequence[bytes], signed: bytes, *, algorithm: str = "sha256"
) -> bool:
    """Whether one of the keys made one of the signatures (raw digests) of what is signed."""
    expected = [hmac.digest(key, signed, algorithm) for key in keys]
    return same(given, expected)


def same(given: Iterable[bytes], expected: Sequence[bytes]) -> bool:
    """Whether one of what was given is one of what is expected."""
    # Each is compared with each, so the time tells nothing about which one fits.
    matches = [hmac.compare_digest(right, each) for each in given for right in expected]
    return any(matches)


def of_base64(text: bytes) -> bytes | None:
    """None for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def of_hex(text: bytes) -> bytes | None:
    """None for what is no hex."""
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        return None

"""What most signatures of deliveries have in common: HMAC, compared as bytes in constant time.

Whatever a sender puts into a header, nothing here raises anything but a refusal.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from services.intake.connectors.port import Proof, WebhookRequest, not_proven

SHORTEST_SECRET = 8
CLOCKS_OFF = timedelta(minutes=5)
_LONGEST_TIMESTAMP = 12  # digits of Unix seconds, and some to spare


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


def secret_bytes(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """Secrets that sign as they are. Raises ValueError for what cannot be one."""
    found = tuple(secret.encode() for secret in secrets)
    if any(len(each) < SHORTEST_SECRET for each in found):
        raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters")
    if any(each.splitlines() != [each] or each.strip() != each for each in found):
        raise ValueError("a secret is one line without white space around it")
    return found


def require_fresh(
    name: str, timestamp: bytes, *, now: datetime, oldest: timedelta = CLOCKS_OFF
) -> None:
    """For Unix seconds that are signed as well. Raises RefusedError (401) where they are none, are
    longer ago than that, or lie further in the future than clocks differ.
    """
    if not timestamp.isdigit() or len(timestamp) > _LONGEST_TIMESTAMP:
        raise not_proven(name, "is missing or no number of seconds", "Unix seconds in UTC")
    age = now.timestamp() - int(timestamp)
    if age > oldest.total_seconds():
        raise not_proven(name, "is too old", "sign anew, and compare the clocks")
    if age < -CLOCKS_OFF.total_seconds():
        raise not_proven(name, "lies in the future", "compare the clocks")


@dataclass(frozen=True, slots=True)
class BodySignature:
    """A header that holds `prefix` and a digest: the HMAC of `before` and the raw body.

    No time is signed, so a captured delivery stays valid: a repeat is harmless by the ids of its
    messages. `bare`: the prefix may be missing.
    """

    header: str
    prefix: bytes = b"sha256="
    bare: bool = False
    before: bytes = b""
    algorithm: str = "sha256"
    encoding: Callable[[bytes], bytes | None] = of_hex

    def claim(self, request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Proof:
        """As `Connector.claim`, where the keys are the secrets."""
        value = (request.header(self.header) or b"").strip()
        prefixed = value.startswith(self.prefix)
        digest = self.encoding(value.removeprefix(self.prefix)) if prefixed or self.bare else None
        if digest is None or len(digest) != hashlib.new(self.algorithm).digest_size:
            raise not_proven(self.header, "is missing or no signature", self._form)
        return partial(self._prove, keys, digest)

    def _prove(self, keys: Sequence[bytes], digest: bytes, body: bytes) -> None:
        if not fits([digest], keys, self.before + body, algorithm=self.algorithm):
            raise not_proven(self.header, "fits none of this channel's secrets", self._form)

    @property
    def _form(self) -> str:
        written = "hex" if self.encoding is of_hex else "base64"
        signed = f"`{self.before.decode()}` and the raw body" if self.before else "the raw body"
        return f"`{self.prefix.decode()}<{written}>`, the HMAC-{self.algorithm.upper()} of {signed}"

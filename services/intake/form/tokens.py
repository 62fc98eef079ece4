"""The token in each form that is handed out: it numbers the form, says when it was handed out, and
cannot be made by anybody else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

SOONEST = timedelta(seconds=2)
"""Nobody reads a form and fills it in within so little time; programs do."""
LONGEST = timedelta(days=1)
_NUMBER_BYTES = 16
_MAC_BYTES = 16
_TOKEN = re.compile(r"([\w-]{22})\.([0-9]{1,11})\.([\w-]{22})", re.ASCII)


class Fault(StrEnum):
    """Why what was sent has to be sent once more."""

    NOT_OURS = "not_ours"
    TOO_SOON = "too_soon"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class Token:
    """`number` cannot be guessed, `issued_at` is in whole seconds."""

    number: str
    issued_at: datetime

    def fault(self, now: datetime) -> Fault | None:
        age = now - self.issued_at
        if age < SOONEST:
            return Fault.TOO_SOON
        return Fault.TOO_LATE if age > LONGEST else None


def numbered(random: bytes, now: datetime) -> Token:
    """A new one. `random`: 16 bytes that nobody can guess."""
    return Token(_text(random[:_NUMBER_BYTES]), now.replace(microsecond=0))


def written(token: Token, key: bytes) -> str:
    signed = f"{token.number}.{token.issued_at.timestamp():.0f}"
    return f"{signed}.{_mac(signed, key)}"


def read(text: str, key: bytes) -> Token | None:
    """None for what was not signed with this key."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    signed = text.rpartition(".")[0]
    if not hmac.compare_digest(_mac(signed, key), found[3]):
        return None
    return Token(found[1], datetime.fromtimestamp(int(found[2]), UTC))


def _mac(signed: str, key: bytes) -> str:
    return _text(hmac.digest(key, signed.encode(), hashlib.sha256)[:_MAC_BYTES])


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

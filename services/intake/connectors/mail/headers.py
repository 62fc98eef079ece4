"""What the headers of a mail say, however they are written.

Not by the standard library's parser of structured headers: it raises for some that are broken, and
takes the square of their length for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import utils
from email.errors import HeaderParseError
from email.header import decode_header
from functools import cached_property
from typing import Any

from services.intake.connectors.mail.charsets import bytes_of, storable, text_of

LONGEST_WORDS = 5_000
"""Characters of a value in which encoded words are looked for."""
LONGEST_LISTS = 30_000
"""Characters of all lists of addresses of a mail together that are looked at: to find addresses
costs far more than anything else that is done with as many characters.
"""
_ADDRESSES = (
    "from", "sender", "reply-to", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to",
    "to", "cc",
)  # fmt: skip
"""Those that hold addresses: first what cannot be done without, last what is long."""
_MOST_INSIDE = 50
"""Comments and groups: the standard library's parser calls itself for each inside another."""
_WITHOUT_INSIDE = str.maketrans({"(": " ", ")": " ", ":": ","})
_LENIENT: Mapping[str, Any] = {"strict": False} if hasattr(utils, "supports_strict_parsing") else {}
"""Newer versions of Python give up a whole list for one broken address in it."""
_FOLDS = re.compile(r"\r\n?|\n")
_IDS = re.compile(r"<([^<>]+)>")
_SPACE = re.compile(r"\s+")
_LONGEST_DATE = 200


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody's address as it was written, and the name beside it."""

    email: str
    name: str | None = None

    @property
    def key(self) -> str:
        return self.email.lower()


class Headers:
    """Names are looked up in any case; values are unfolded text, encoded words as they came."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name.strip().lower(), value) for name, value in pairs]

    def all(self, name: str) -> list[str]:
        """Those of that name, which is given in lower case."""
        return [_text(value) for key, value in self._pairs if key == name]

    def first(self, name: str) -> str:
        """The first one, empty where there is none."""
        return next((_text(value) for key, value in self._pairs if key == name), "")

    def pairs(self) -> list[tuple[str, str]]:
        """All of them, names in lower case."""
        return [(name, _text(value)) for name, value in self._pairs]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self._pairs)

    def words(self, name: str) -> str:
        """The first one as a person reads it."""
        return words(self.first(name))

    def addresses(self, *names: str) -> list[Address]:
        """Those under these names, each of which is one of `_ADDRESSES`."""
        return [each for name in names for each in self._addresses[name]]

    @cached_property
    def _addresses(self) -> Mapping[str, Sequence[Address]]:
        """Looked for once, within `LONGEST_LISTS`."""
        found: dict[str, list[Address]] = {name: [] for name in _ADDRESSES}
        left = LONGEST_LISTS
        for name in _ADDRESSES:
            for value in self.all(name):
                listed = value[:left]
                left -= len(listed)
                found[name] += addresses(listed)
        return found

    def ids(self, name: str) -> tuple[str, ...]:
        return tuple(each for value in self.all(name) for each in ids(value))


def _text(value: str) -> str:
    """Unfolded (RFC 5322, section 2.2.3). Bytes that are no ASCII came as surrogates."""
    plain = _FOLDS.sub("", value).strip()
    return storable(plain if plain.isascii() else text_of(bytes_of(plain), None))


def words(value: str) -> str:
    """Encoded words decoded (RFC 2047), also where they should not stand, as inside quotes."""
    if "=?" not in value:
        return value
    try:
        parts = decode_header(value[:LONGEST_WORDS])
    except HeaderParseError:  # base64 that is none
        return value
    return storable("".join(_word(*part) for part in parts)) or value


def _word(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    if charset is None:  # between encoded words, as the standard library writes it
        return part.decode("raw-unicode-escape", "replace")
    return text_of(part, charset)


def addresses(value: str) -> list[Address]:
    """Those in a list of addresses (RFC 5322, section 3.4), as far as they can be made out."""
    listed = value[:LONGEST_LISTS]
    if listed.count("(") + listed.count(":") > _MOST_INSIDE:
        listed = listed.translate(_WITHOUT_INSIDE)
    found = utils.getaddresses([listed], **_LENIENT)
    return [
        Address(_SPACE.sub("", email), _SPACE.sub(" ", words(name)).strip() or None)
        for name, email in found
        if "@" in email
    ]


def ids(value: str) -> tuple[str, ...]:
    """Message-IDs without their brackets; what has no brackets is one as a whole."""
    found = _IDS.findall(value) or value.split()[:1]
    return tuple(clean for each in found if (clean := _SPACE.sub("", each)))


def moment(value: str) -> datetime | None:
    """In UTC; None for what is no date. A zone that is not known counts as UTC (RFC 5322, 4.3)."""
    try:
        found = utils.parsedate_to_datetime(value[:_LONGEST_DATE])
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def distinct(values: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(values))

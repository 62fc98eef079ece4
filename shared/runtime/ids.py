"""Identifiers: UUID version 7 (RFC 9562), so that new rows lie side by side in an index."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import uuid_utils.compat

_TIMESTAMP = 0xFFFFFFFFFFFF << 80
_VERSION, _VARIANT = 7 << 76, 0b10 << 62
_RANDOM = ~(_TIMESTAMP | 0xF << 76 | 0b11 << 62) & (1 << 128) - 1


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()


def derived_id(of: UUID, what: str) -> UUID:
    """The id of what belongs to that once, such as the ToDo of an inquiry: always the same.

    It has the other's moment, and for the random bits those of a hash of both.
    """
    hashed = int.from_bytes(sha256(what.encode() + b"\0" + of.bytes).digest()[:16], "big")
    return UUID(int=of.int & _TIMESTAMP | _VERSION | _VARIANT | hashed & _RANDOM)

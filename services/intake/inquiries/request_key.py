"""The header Idempotency-Key, which a client may send with what must happen once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from services.intake.inquiries.domain.message import Idempotency
from shared.access.keys import Caller
from shared.errors import FieldProblem, InvalidError

LONGEST_KEY = 255


def idempotency(values: Sequence[str], caller: Caller, path: str, raw: bytes) -> Idempotency | None:
    """The request's Idempotency-Key, if it has one. Raises InvalidError for what cannot be one.

    The path is part of the fingerprint: the same key for another operation is another request.
    """
    if not values:
        return None
    value, *more = values
    if more or not value.strip() or len(value) > LONGEST_KEY:
        raise InvalidError(
            "invalid-request",
            "this Idempotency-Key cannot be one",
            FieldProblem(
                "Idempotency-Key",
                "is empty, too long, or there twice",
                f"1 to {LONGEST_KEY} letters",
            ),
        )
    fingerprint = hashlib.sha256(path.encode() + b"\0" + raw).hexdigest()
    return Idempotency(caller.name, value, fingerprint)

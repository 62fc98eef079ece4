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
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.intake.connectors import lenient
from services.intake.connectors.lenient import Adjusted
from services.intake.inquiries.fields import (
    MOST_ATTACHMENTS,
    AttachmentFields,
    AuthorFields,
    ExternalId,
    MessageFields,
    MessageText,
)
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


class WebhookAttachment(AttachmentFields):
    """A new field of a sender must not cost a message, so unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore")


class WebhookAuthor(AuthorFields):
    model_config = ConfigDict(extra="ignore")


class WebhookMessage(MessageFields):
    """One message in `data` of a `message.created` event.

    What does not fit is cut, replaced or left out, and `adjusted` in the answer says so; only `id`
    has to be there. Without words, and without an attachment, a message is passed over.
    """

    model_config = ConfigDict(extra="ignore")

    id: ExternalId
    author: WebhookAuthor | None = None
    text: MessageText | None = None
    attachments: Annotated[list[WebhookAttachment], Field(max_length=MOST_ATTACHMENTS)] | None = (
        None
    )


class WebhookEvent(BaseModel):
    """What a connector posts; `data` is one message or a list, in which each stands alone."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "type": "message.created",
                    "timestamp": "2026-11-23T08:30:00Z",
                    "data": {
                        "id": "c-1001",
                        "thread_id": "t-77",
                        "author": {"id": "u-5", "name": "Erika Muster"},
                        "text": "Wann öffnet die Anmeldung zum #clouddevcamp2026?",
                        "sent_at": "2026-11-23T08:29:58Z",
                    },
                }
            ]
        },
    )

    type: Annotated[str, Field(max_length=200)]
    timestamp: Any = None
    data: Any


@dataclass(frozen=True, slots=True)
class Understood:
    """A webhook's message as it is kept, and what was done to make it fit.

    `full_text` is set where its text had to be cut.
    """

    message: WebhookMessage
    adjusted: tuple[Adjusted, ...] = ()
    full_text: str | None = None

    @property
    def empty(self) -> bool:
        """Neither words nor an attachment: nothing that anybody could answer."""
        said = self.message
        return said.text is None and not (said.subject or "").strip() and not said.attachments


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


def understood(data: Any, *, now: datetime) -> Understood:
    """`now` is when it was received. Raises ValidationError for what has no id of its own."""
    try:
        message = WebhookMessage.model_validate(data)
    except ValidationError:
        if not isinstance(data, dict):
            raise
    else:
        if lenient.plausible(message.sent_at, now):
            return Understood(message)
    mended = lenient.mend(data, now=now)
    return Understood(WebhookMessage.model_validate(mended.data), mended.told(), mended.full_text)

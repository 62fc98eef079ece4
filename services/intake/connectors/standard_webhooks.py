"""Messages in the desk's own format, signed by Standard Webhooks: `webhook-id`,
`webhook-timestamp`, `webhook-signature`.

How it is signed is in `shared.web.signing`. Any of several secrets may match, so that secrets can
be rotated. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import (
    NOBODY,
    Broken,
    Edited,
    Item,
    Message,
    NewMessage,
    Withdrawn,
)
from services.intake.connectors.port import (
    Connector,
    Parts,
    Proof,
    Reading,
    Setup,
    WebhookRequest,
    not_proven,
)
from services.intake.connectors.signing import fits, of_base64
from services.intake.inquiries.domain.message import Author
from services.intake.inquiries.fields import (
    MOST_ATTACHMENTS,
    AttachmentFields,
    AuthorFields,
    ExternalId,
    MessageFields,
    MessageText,
    shown,
)
from shared.web.problems import RefusedError, field_problems, summary
from shared.web.signing import secret_key

MESSAGE_CREATED = "message.created"
EDITED, DELETED = "message.edited", "message.deleted"
_MOMENTS = {EDITED: "edited_at", DELETED: "deleted_at"}
TOLERANCE_SECONDS = 300
_LONGEST_TIMESTAMP = 19
_UNIX_SECONDS = "send Unix seconds in UTC"
_FINER_UNITS = {1_000: "milliseconds", 1_000_000: "microseconds", 1_000_000_000: "nanoseconds"}
_ROUGHLY_SECONDS = 10 * 365 * 86_400  # years off, and still no doubt about the unit


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
    """What a connector posts; `data` is one message or a list, in which each stands alone.

    `type` is `message.created`, `message.edited` (the whole message as it reads now, with
    `edited_at`) or `message.deleted` (its `id`, with `deleted_at`). Where an edit or a deletion
    has no moment of its own, the event's `timestamp` is it. Other types are ignored.
    """

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
class Claim:
    """What the headers of a delivery say of it; nothing is proven yet."""

    webhook_id: bytes
    timestamp: bytes
    signatures: bytes


def _claim(request: WebhookRequest, keys: Sequence[bytes], now: datetime) -> Proof:
    return partial(verify, keys, claim_of(request.headers, now=now))


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
    if not fits(_given(claim.signatures), keys, signed):
        raise not_proven(
            "webhook-signature",
            "fits none of this channel's secrets",
            "sign `id.timestamp.body` of the raw body with HMAC-SHA256, as `v1,<base64>`",
        )


def _all(given: Mapping[bytes, Sequence[bytes]], name: str) -> Sequence[bytes]:
    values = given.get(name.encode(), ())
    if not values:
        raise not_proven(name, "is missing", "sign by Standard Webhooks (standardwebhooks.com)")
    return values


def _only(given: Mapping[bytes, Sequence[bytes]], name: str) -> bytes:
    """What is signed must be one, or nobody knows which of them was."""
    values = _all(given, name)
    if len(set(values)) > 1:
        raise not_proven(name, "is there twice, with two values", "send this header once")
    return values[0]


def _check_age(timestamp: bytes, now: datetime) -> None:
    if not timestamp.isdigit() or len(timestamp) > _LONGEST_TIMESTAMP:
        raise not_proven("webhook-timestamp", "is not a number of seconds", _UNIX_SECONDS)
    age = now.timestamp() - int(timestamp)
    if abs(age) <= TOLERANCE_SECONDS:
        return
    for divisor, unit in _FINER_UNITS.items():
        if abs(now.timestamp() - int(timestamp) / divisor) <= _ROUGHLY_SECONDS:
            raise not_proven("webhook-timestamp", f"is in {unit}", _UNIX_SECONDS)
    wrong = "is too old" if age > 0 else "lies in the future"
    raise not_proven(
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
        signature = of_base64(encoded.rstrip(b","))
        if signature is not None:
            given.append(signature)
    return given


def _split(document: Any) -> Parts:
    try:
        event = WebhookEvent.model_validate(document)
    except ValidationError as error:
        problems = field_problems(error.errors(include_url=False))
        raise RefusedError(422, "invalid-request", summary(problems), *problems) from error
    items = event.data if isinstance(event.data, list) else [event.data]
    if event.type in _MOMENTS:
        # Each has to stand alone, also where it is kept aside.
        items = [{event.type: item, "timestamp": event.timestamp} for item in items]
    elif event.type != MESSAGE_CREATED:
        return Parts((), ignored=len(items), named="data")
    return Parts(items, named="data")


def read(data: Any, reading: Reading) -> Item:
    """Strictly, and leniently only what does not fit: what is well-formed costs nothing more."""
    type_, message = _changed(data)
    if type_ is None:
        return _created(data, reading)
    at = _moment(type_, data, reading)
    if type_ == DELETED:
        fields = {"id": message} if isinstance(message, str | int) else message
        gone = lenient.message_of(fields, now=reading.now)
        return Withdrawn(gone.message.id, at) if isinstance(gone, NewMessage) else gone
    item = _created(message, reading)
    return Edited(item.message, item.adjusted, at) if isinstance(item, NewMessage) else item


def _changed(data: Any) -> tuple[str | None, Any]:
    """What was done to which message, in an item that is no new one."""
    if isinstance(data, dict) and len(data) == 2 and "timestamp" in data:
        for type_ in _MOMENTS:
            if type_ in data:
                return type_, data[type_]
    return None, data


def _moment(type_: str, data: dict[str, Any], reading: Reading) -> datetime | None:
    message = data[type_]
    own = message.get(_MOMENTS[type_]) if isinstance(message, dict) else None
    return lenient.moment_of(data["timestamp"] if own is None else own, now=reading.now)


def _created(data: Any, reading: Reading) -> NewMessage | Broken:
    try:
        posted = WebhookMessage.model_validate(data)
    except ValidationError:
        return lenient.message_of(data, now=reading.now)
    if not lenient.plausible(posted.sent_at, reading.now):
        return lenient.message_of(data, now=reading.now)
    return NewMessage(_message(posted))


def _message(posted: WebhookMessage) -> Message:
    who = posted.author
    return Message(
        id=posted.id,
        author=NOBODY
        if who is None
        else Author(id=who.id, name=who.name, handle=who.handle, email=who.email),
        text=posted.text or "",
        thread_id=posted.thread_id,
        parent_id=posted.parent_id,
        subject=posted.subject,
        sent_at=posted.sent_at,
        url=posted.url,
        visibility=posted.visibility,
        attachments=shown(posted.attachments),
    )


def _is_delivery(document: Any) -> bool:
    types = (MESSAGE_CREATED, *_MOMENTS)
    return isinstance(document, dict) and document.get("type") in types


def id_of(document: Any) -> str | None:
    """The id of one message, alone or in an event, as it would be stored."""
    type_, document = _changed(document)
    if type_ == DELETED and isinstance(document, str | int):
        return lenient.id_of({"id": document})
    if isinstance(document, dict) and "id" not in document and "data" in document:
        return lenient.id_of(document["data"])
    return lenient.id_of(document)


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="standard_webhooks",
    keys=lambda secrets: tuple(secret_key(secret) for secret in secrets),
    claim=_claim,
    decode=json_document,
    split=_split,
    read=read,
    is_delivery=_is_delivery,
    id_of=id_of,
    setup=Setup(
        address="the connector that you run",
        secrets="a secret of your own making, `whsec_` and what `openssl rand -base64 24` prints",
        needs_secret=False,
    ),
)

"""Twilio: SMS, MMS and WhatsApp messages, as a number's or a sender's webhook gets them.

The whole address is signed with the fields of the form, so the desk must know by which it is
called: see DESK_PUBLIC_URL. No time is sent. https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import form, json_document, parsed_json
from services.intake.connectors.items import Ignored, Item, NewMessage
from services.intake.connectors.port import (
    Answer,
    Connector,
    Parts,
    Proof,
    Reading,
    Setup,
    WebhookRequest,
    not_proven,
)
from services.intake.connectors.signing import fits, of_base64, same, secret_bytes
from services.intake.connectors.values import first, id_of, part
from services.intake.inquiries.fields import MOST_ATTACHMENTS
from shared.web.problems import RefusedError

_SIGNATURE = "x-twilio-signature"
_BODY_HASH = "bodySHA256"
_PORTS = {"https": ":443", "http": ":80"}
_NOTHING_TO_SAY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_RECEIVED = ("received", "receiving")


def _claim(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Proof:
    digest = of_base64(request.header(_SIGNATURE) or b"")
    if digest is None or len(digest) != hashlib.sha1(usedforsecurity=False).digest_size:
        raise not_proven(_SIGNATURE, "is missing or no signature", "HMAC-SHA1 in base64")
    return partial(_prove, request, keys, digest)


def _prove(request: WebhookRequest, keys: Sequence[bytes], digest: bytes, body: bytes) -> None:
    if _is_json(request):
        given = request.parameters.get(_BODY_HASH, "").lower().encode()
        if not same([given], [hashlib.sha256(body).hexdigest().encode()]):
            raise not_proven(_BODY_HASH, "is not the hash of the body", "SHA-256 in hex")
        fields = b""
    else:
        fields = _fields_signed(body, request)
    if not any(fits([digest], keys, url + fields, algorithm="sha1") for url in _urls(request.url)):
        raise not_proven(
            _SIGNATURE,
            "fits none of this channel's secrets",
            "the account's auth token, and DESK_PUBLIC_URL as the platform calls the desk",
        )


def _is_json(request: WebhookRequest | None) -> bool:
    kind = b"" if request is None else request.header("content-type") or b""
    return kind.lower().startswith(b"application/json")


def _fields_signed(body: bytes, request: WebhookRequest) -> bytes:
    """All fields by their names, each value of one once."""
    fields = {(each.name.encode(), each.value) for each in form(body, request)}
    return b"".join(name + value for name, value in sorted(fields))


def _urls(url: str) -> Iterator[bytes]:
    """As the sender may have called it: a proxy hides the scheme, and the port may be left out."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    name, _, port = host.rpartition(":")
    bare = name if name and port.isdigit() else host
    for used, spelled in product(dict.fromkeys((scheme, *_PORTS)), ("", "given", "usual")):
        chosen = {"": bare, "given": host, "usual": bare + _PORTS.get(used, "")}[spelled]
        yield f"{used}://{chosen}{slash}{path}".encode()


def _decode(body: bytes, request: WebhookRequest | None) -> Any:
    if _is_json(request):
        return json_document(body, request)
    if request is None and body.startswith(b"{"):
        return parsed_json(body)
    # Of a field that is there twice the first counts.
    return {each.name: each.text for each in reversed(form(body, request))}


def _split(document: Any) -> Parts:
    if _is_delivery(document):
        return Parts([{"fields": document}])
    if part(document, "AccountSid") is None:
        raise RefusedError(422, "invalid-request", "this is no message: it has no MessageSid")
    return Parts((), ignored=1, kind="event")


def _is_delivery(document: Any) -> bool:
    """Whether somebody's words are in it, or it concerns a message by its id."""
    return _message_id(document) is not None or part(document, "Body") is not None


def _message_id(fields: Any) -> str | None:
    return id_of(first(*(part(fields, name) for name in ("MessageSid", "SmsMessageSid", "SmsSid"))))


def _read(item: Any, reading: Reading) -> Item:
    fields = part(item, "fields")
    if _is_status(fields):
        return Ignored(kind="status")
    return lenient.item_of(NewMessage, _fields(fields), now=reading.now)


def _is_status(fields: Any) -> bool:
    """What became of a message of ours."""
    if part(fields, "Body") is not None:
        return False
    status = first(part(fields, "MessageStatus"), part(fields, "SmsStatus"))
    return status is not None and status not in _RECEIVED


def _fields(fields: Any) -> dict[str, Any]:
    sender = part(fields, "From")
    return {
        "id": _message_id(fields),
        "thread_id": sender,
        "parent_id": part(fields, "OriginalRepliedMessageSid"),
        "author": {"id": sender, "name": part(fields, "ProfileName")},
        "text": first(part(fields, "Body"), part(fields, "ButtonText"), _place(fields)),
        "visibility": "private",
        "attachments": list(_attachments(fields)),
    }


def _place(fields: Any) -> str:
    """A place that was shared on WhatsApp."""
    names = ("Label", "Address", "Latitude", "Longitude")
    found = [part(fields, name) for name in names]
    return " ".join(each for each in found if isinstance(each, str))


def _attachments(fields: Any) -> Iterator[dict[str, Any]]:
    for number in range(MOST_ATTACHMENTS):
        url = part(fields, f"MediaUrl{number}")
        if url is None:
            return
        yield {"url": url, "type": part(fields, f"MediaContentType{number}")}


def _empty(body: Mapping[str, Any], *, repeated: bool) -> Answer:  # noqa: ARG001
    """No reply by the platform; anything but TwiML would be an error to it."""
    return Answer(200, _NOTHING_TO_SAY, "text/xml")


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="twilio",
    keys=secret_bytes,
    claim=_claim,
    decode=_decode,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=lambda item: lenient.id_of({"id": _message_id(part(item, "fields"))}),
    acknowledge=_empty,
    setup=Setup(
        address="`A message comes in` of the number, or the webhook of the WhatsApp sender",
        secrets="the auth token of the account",
    ),
)

"""CloudEvents 1.0 over HTTP, in all three modes: binary, structured and batched.

`data` is a message in the desk's own fields (docs/connectors.md); the end of `type` says what
became of it. https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

from services.intake.connectors import lenient
from services.intake.connectors.decoding import parsed_json
from services.intake.connectors.items import Broken, Ignored, Item, NewMessage
from services.intake.connectors.mail.charsets import text_of as decoded
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
from services.intake.connectors.signing import same, secret_bytes
from services.intake.connectors.tokens import require_bearer
from services.intake.connectors.values import composed, part, text_of
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

_STRUCTURED = "application/cloudevents+json"
_BATCHED = "application/cloudevents-batch+json"
_ATTRIBUTE = b"ce-"
_REQUIRED = ("specversion", "type", "source", "id")
_VERSION = "1.0"
_CREATED = "message.created"
_EDITED = "message.edited"
_DELETED = "message.deleted"
_LONGEST_ORIGIN = 255


def _claim(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Proof:
    """RFC 6750: the token in a header, or where a sender can set none, in the address."""
    token = request.parameters.get("access_token")
    if token is None or request.header("authorization") is not None:
        require_bearer(request, keys)
    elif not same([token.encode("utf-8", "replace")], keys):
        raise not_proven("access_token", "is none of this channel's secrets", "the secret")
    return lambda _body: None


def _allow(request: WebhookRequest, _keys: Sequence[bytes], _now: datetime) -> Answer:
    """Abuse protection: whoever asks may send, for only who knows the secret is taken seriously.

    https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
    """
    origin = request.header("webhook-request-origin") or b""
    if not 0 < len(origin) <= _LONGEST_ORIGIN or not origin.decode("latin-1").isprintable():
        expected = "the name of the sending system"
        raise not_proven("WebHook-Request-Origin", "is missing or no name", expected, status=403)
    headers = {"Allow": "OPTIONS, POST", "WebHook-Allowed-Origin": origin.decode("latin-1")}
    if request.header("webhook-request-rate") is not None:
        headers["WebHook-Allowed-Rate"] = "*"
    return Answer(200, headers=headers)


def _decode(body: bytes, request: WebhookRequest | None) -> Any:
    """An event, or a list of them."""
    if request is None:
        return parsed_json(body)
    content_type = (request.header("content-type") or b"").decode("latin-1")
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("application/cloudevents"):
        if kind not in (_STRUCTURED, _BATCHED):
            raise _not_understood(f"{_STRUCTURED} or {_BATCHED}")
        document = parsed_json(body)
        if isinstance(document, list) != (kind == _BATCHED):
            raise RefusedError(400, "bad-request", "a list is a batch, and nothing else is one")
        return document
    data = _data(body, content_type)
    return {**_attributes(request), "datacontenttype": content_type, "data": data}


def _attributes(request: WebhookRequest) -> dict[str, str]:
    """Those of the binary mode, with one round of percent-decoding."""
    return {
        name.removeprefix(_ATTRIBUTE).decode("latin-1"): unquote_to_bytes(value).decode(
            "utf-8", "replace"
        )
        for name, value in request.headers
        if name.startswith(_ATTRIBUTE)
    }


def _data(body: bytes, content_type: str) -> Any:
    named, parameters = parse_options_header(content_type.encode("latin-1", "replace"))
    kind = named.decode("latin-1")
    if _is_json(kind):
        return parsed_json(body)
    if kind.startswith("text/"):
        return decoded(body, parameters.get(b"charset", b"utf-8").decode("latin-1"))
    raise _not_understood("JSON or text")


def _is_json(kind: str) -> bool:
    return kind == "application/json" or (kind.startswith("application/") and kind[-5:] == "+json")


def _not_understood(expected: str) -> RefusedError:
    return RefusedError(
        415,
        "unsupported-content-type",
        "events in this format are not understood here",
        FieldProblem("Content-Type", "is not understood", expected),
    )


def _split(document: Any) -> Parts:
    if isinstance(document, list):
        return Parts([{"event": each} for each in document], named="the batch")
    if not _is_event(document):
        raise RefusedError(422, "invalid-request", "this is no event: it has no `specversion`")
    return Parts([{"event": document}])


def _is_event(document: Any) -> bool:
    return part(document, "specversion") is not None


def _read(item: Any, reading: Reading) -> Item:
    event = part(item, "event")
    if problems := tuple(_problems(event)):
        return Broken(problems)
    kind = ".".join(event["type"].split(".")[-2:])
    if kind not in (_CREATED, _EDITED, _DELETED):
        return Ignored(kind="type")
    fields = _fields(event)
    if fields is None:
        return Broken((FieldProblem("data", "is no message", "an object, or text"),))
    if kind == _DELETED:
        at = _moment(event, fields.get("deleted_at"), reading)
        return lenient.withdrawn(fields["id"], at=at, now=reading.now)
    if kind == _EDITED:
        at = _moment(event, fields.get("edited_at"), reading)
        return lenient.edited(fields, at=at, now=reading.now)
    return lenient.item_of(NewMessage, fields, now=reading.now)


def _moment(event: Any, said: Any, reading: Reading) -> Any:
    """When it happened: as the message says, else that of the event."""
    moment = lenient.moment_of(said, now=reading.now)
    return part(event, "time") if moment is None else moment


def _problems(event: Any) -> Iterator[FieldProblem]:
    """Of the attributes that every event has."""
    for name in _REQUIRED:
        if text_of(part(event, name)) is None:
            yield FieldProblem(name, "is missing", "text")
    version = text_of(part(event, "specversion"))
    if version is not None and version != _VERSION:
        yield FieldProblem("specversion", "is not understood", _VERSION)


def _fields(event: Any) -> dict[str, Any] | None:
    """Where the message has no id of its own, the event's is: by its source and its id."""
    data = _plain(event)
    if isinstance(data, str):
        data = {"text": data}
    if not isinstance(data, dict):
        return None
    identity = composed(part(event, "source"), part(event, "id"))
    given = {name: value for name, value in data.items() if value is not None}
    return {"id": identity, "sent_at": part(event, "time"), **given}


def _plain(event: Any) -> Any:
    encoded = part(event, "data_base64")
    if not isinstance(encoded, str):
        return part(event, "data")
    try:
        raw = base64.b64decode(encoded, validate=True)
        return _data(raw, text_of(part(event, "datacontenttype")) or "application/json")
    except (binascii.Error, ValueError, RefusedError):
        return None


def _id_of(item: Any) -> str | None:
    fields: Mapping[str, Any] = _fields(part(item, "event")) or {}
    return lenient.id_of(fields)


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="cloudevents",
    keys=secret_bytes,
    claim=_claim,
    decode=_decode,
    split=_split,
    read=_read,
    is_delivery=lambda document: isinstance(document, list) or _is_event(document),
    id_of=_id_of,
    handshakes={"OPTIONS": _allow},
    setup=Setup(
        address="the target of the subscription",
        secrets="a secret of your own making, as the bearer token of the subscription",
        own_ids="the authors' ids of your own accounts in the sending system",
    ),
)

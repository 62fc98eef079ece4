"""A platform that does not exist, and as a connector is all that it takes to add one.

It asks by GET whether the address is ours, signs by HMAC in hex, sends forms with a field for each
card, and wants nothing but a 200.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from services.intake.connectors.items import (
    Broken,
    Edited,
    Ignored,
    Item,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.connectors.lenient import message_of
from services.intake.connectors.port import (
    Answer,
    Connector,
    Parts,
    Proof,
    Reading,
    WebhookRequest,
    not_proven,
)
from services.intake.connectors.signing import fits, of_hex, same
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

_SIGNATURE = "x-postcard-signature"
_TOKEN = "verify:"


@dataclass(frozen=True, slots=True)
class _Keys:
    signing: tuple[bytes, ...]
    tokens: tuple[bytes, ...]


def _keys(secrets: Sequence[str]) -> _Keys:
    """`verify:...` is what the platform says when it asks; the others sign."""
    keys = _Keys(
        tuple(each.encode() for each in secrets if not each.startswith(_TOKEN)),
        tuple(each.removeprefix(_TOKEN).encode() for each in secrets if each.startswith(_TOKEN)),
    )
    if any(len(each) < 8 for each in (*keys.signing, *keys.tokens)):
        raise ValueError("a secret of postcards needs at least 8 characters")
    return keys


def _ours(request: WebhookRequest, keys: _Keys, _now: datetime) -> Answer:
    if not same([request.parameters.get("token", "").encode()], keys.tokens):
        raise not_proven("token", "is not ours", "the token of this channel", status=403)
    return Answer(200, request.parameters.get("challenge", "").encode(), "text/plain")


def _claim(request: WebhookRequest, keys: _Keys, _now: datetime) -> Proof:
    value = request.header(_SIGNATURE) or b""
    signature = of_hex(value.removeprefix(b"sha256="))
    if not signature:
        raise not_proven(_SIGNATURE, "is missing or no hex", "sha256=<hex>")
    return partial(_prove, keys, signature)


def _prove(keys: _Keys, signature: bytes, body: bytes) -> None:
    if not fits([signature], keys.signing, body):
        raise not_proven(_SIGNATURE, "fits none of this channel's secrets", "sign the raw body")


def _decode(body: bytes, request: WebhookRequest | None) -> Mapping[str, Sequence[str]]:
    if request and request.header("content-type") != b"application/x-www-form-urlencoded":
        raise RefusedError(415, "unsupported-content-type", "this is no form")
    return _form(body.decode("latin-1"))


def _form(text: str) -> Mapping[str, Sequence[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise RefusedError(400, "bad-request", f"this is no form: {error}") from error


def _challenge(form: Mapping[str, Sequence[str]]) -> Answer | None:
    return Answer(200, b"pong", "text/plain") if "ping" in form else None


def _split(form: Mapping[str, Sequence[str]]) -> Parts:
    if "card" not in form:
        raise RefusedError(422, "invalid-request", "this form has no card")
    return Parts(form["card"])


def _read(card: Any, reading: Reading) -> Item:
    fields = _fields(card)
    match fields.get("event"):
        case "removed":
            return Withdrawn(fields.get("id", ""))
        case "stamped":
            return Ignored()
    told = {"id": fields.get("id"), "text": fields.get("text"), "thread_id": fields.get("id")}
    item = message_of({**told, "author": {"id": fields.get("from")}}, now=reading.now)
    if isinstance(item, Broken):
        return Broken((FieldProblem("id", "is missing", "the number of the card"),))
    return _KINDS.get(fields.get("event", ""), NewMessage)(item.message, item.adjusted)


def _fields(card: Any) -> dict[str, str]:
    text = card if isinstance(card, str) else ""
    return {name: values[0] for name, values in parse_qs(text).items()}


_KINDS: Mapping[str, type[NewMessage | OwnPost | Edited]] = {"edited": Edited, "ours": OwnPost}


CONNECTOR: Connector[_Keys] = Connector(
    name="postcards",
    keys=_keys,
    claim=_claim,
    decode=_decode,
    split=_split,
    read=_read,
    is_delivery=lambda _document: False,
    id_of=lambda card: _fields(card).get("id"),
    handshakes={"GET": _ours},
    challenge=_challenge,
    acknowledge=lambda body, *, repeated: Answer(200),  # noqa: ARG005
)

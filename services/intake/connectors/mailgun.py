"""Mails that Mailgun's routes forward as forms, parsed or raw.

Signed are a time and a token in the form, not the body: so each token proves one mail only. Mailgun
sends again for nearly eight hours, and then signs nothing anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from services.intake.connectors.decoding import Field, form, parsed_json
from services.intake.connectors.items import File
from services.intake.connectors.mail.kept import BODY_LIMIT, id_of, item, raw_item, read
from services.intake.connectors.port import (
    Connector,
    Once,
    Parts,
    Proof,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import fits, of_hex, require_fresh, secret_bytes
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

OLDEST = timedelta(hours=9)
"""A mail that is sent again keeps its signature, so this is longer than Mailgun tries."""
_SIGNED = ("timestamp", "token", "signature")
_NO_HEADERS = ("attachment", "body-", "content-id-map", "message-headers", "stripped-", *_SIGNED)


def _claim(request: WebhookRequest, keys: Sequence[bytes], now: datetime) -> Proof:
    return partial(_prove, request, keys, now)


def _prove(request: WebhookRequest, keys: Sequence[bytes], now: datetime, body: bytes) -> Once:
    try:
        signed = form(body, request, only=_SIGNED)
    except RefusedError as error:
        if error.status == 415:
            raise
        raise _unsigned("cannot be read: this is no form") from error
    timestamp, token, signature = (_only(signed, name) for name in _SIGNED)
    if not fits([of_hex(signature) or b""], keys, timestamp + token):
        raise _unsigned("fits none of this channel's secrets")
    require_fresh("timestamp", timestamp, now=now, oldest=OLDEST)
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    return Once(token, _digest(form(body, request)), signed_at + OLDEST)


def _unsigned(problem: str) -> RefusedError:
    return not_proven("signature", problem, "sign with the channel's HTTP webhook signing key")


def _only(fields: Sequence[Field], name: str) -> bytes:
    """What is signed must be one, or nobody knows which of them was."""
    values = {field.value for field in fields if field.name == name}
    if len(values) != 1 or not min(values):
        raise _unsigned(f"cannot be checked: {name} has to be there once")
    return min(values)


def _digest(fields: Sequence[Field]) -> bytes:
    """What the token proves: the contents, however they are wrapped when they are sent again."""
    digest = sha256()
    for field in fields:
        for part in (field.name.encode("utf-8", "replace"), field.value):
            digest.update(b"%d:" % len(part) + part)
    return digest.digest()


def _split(fields: Sequence[Field]) -> Parts:
    named = {field.name.lower(): field.text for field in reversed(fields) if not field.filename}
    raw = next((field.value for field in fields if field.name == "body-mime"), None)
    if raw is not None:
        return Parts([raw_item(raw)], named="body-mime")
    if not {"from", "sender", "message-id", "message-headers"} & named.keys():
        problem = FieldProblem("from", "is missing", "the form of a route's forward()")
        raise RefusedError(422, "invalid-request", "this form is no mail", problem)
    mail = item(
        _headers(named),
        text=named.get("body-plain", ""),
        html=named.get("body-html", ""),
        written=named.get("stripped-text", ""),
        files=_files(fields, named),
        recipients=[named.get("recipient", "")],
    )
    return Parts([mail], named="the form")


def _headers(named: Mapping[str, str]) -> list[tuple[str, str]]:
    """Those of `message-headers`, and of the form's own fields what is not among them."""
    listed = _json(named.get("message-headers", ""))
    pairs = [
        (each[0], each[1])
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, list) and len(each) == 2 and all(isinstance(x, str) for x in each)
    ]
    there = {name.lower() for name, _ in pairs}
    others = [
        (name, value)
        for name, value in named.items()
        if name not in there and not name.startswith(_NO_HEADERS)
    ]
    if named.get("x-envelope-from", "").strip() == "<>":
        others.append(("return-path", "<>"))
    return pairs + others


def _files(fields: Sequence[Field], named: Mapping[str, str]) -> list[File]:
    mapped = _json(named.get("content-id-map", ""))
    pairs = mapped.items() if isinstance(mapped, dict) else ()
    ids = {part: cid.strip("<>") for cid, part in pairs if isinstance(part, str)}
    return [
        File(field.value, field.filename, field.type, ids.get(field.name, ""))
        for field in fields
        if field.name.startswith("attachment-") and field.filename is not None
    ]


def _json(text: str) -> Any:
    """None for what is no JSON."""
    try:
        return parsed_json(text.encode("utf-8", "replace"))
    except RefusedError:
        return None


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="mailgun",
    keys=secret_bytes,
    claim=_claim,
    decode=form,
    split=_split,
    read=read,
    is_delivery=lambda _document: False,
    id_of=id_of,
    acknowledge=counted_as_ok,
    body_limit=BODY_LIMIT,
    setup=Setup(
        address="Receiving > Create Route > Forward",
        secrets="the HTTP webhook signing key of Settings > API Security",
        own_ids="every address of yours that mail is sent from",
    ),
)

"""Mails that SendGrid's Inbound Parse posts as forms, parsed or raw.

Signed by ECDSA (the header names are those of its event webhook), or with an OAuth token, or both:
of what the channel has keys for, each has to fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.intake.connectors.decoding import Field, form, parsed_json
from services.intake.connectors.items import File
from services.intake.connectors.mail.charsets import text_of
from services.intake.connectors.mail.kept import (
    BODY_LIMIT,
    header_lines,
    id_of,
    item,
    raw_item,
    read,
)
from services.intake.connectors.port import (
    Connector,
    Parts,
    Proof,
    Setup,
    WebhookRequest,
    counted_as_ok,
    not_proven,
)
from services.intake.connectors.signing import of_base64, require_fresh, secret_bytes
from services.intake.connectors.tokens import require_bearer
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_PUBLIC_KEY = "MFkw"
"""So begins the base64 of every public key for P-256 (SubjectPublicKeyInfo)."""
OLDEST = timedelta(days=3, hours=1)
"""It sends again for three days, and does not say that it signs anew. A repeat changes nothing."""
_ATTACHMENT = re.compile(r"attachment\d+")


@dataclass(frozen=True, slots=True)
class Keys:
    signing: tuple[ec.EllipticCurvePublicKey, ...]
    tokens: tuple[bytes, ...]


def _keys(secrets: Sequence[str]) -> Keys:
    public = [each for each in secrets if each.startswith(_PUBLIC_KEY)]
    others = [each for each in secrets if not each.startswith(_PUBLIC_KEY)]
    return Keys(tuple(_public_key(each) for each in public), secret_bytes(others))


def _public_key(secret: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(of_base64(secret.encode()) or b"")
    except ValueError as error:
        raise ValueError("a secret that begins with MFkw is no public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("a secret is a public key of another kind than ECDSA")  # noqa: TRY004
    return key


def _claim(request: WebhookRequest, keys: Keys, now: datetime) -> Proof:
    if keys.tokens:
        require_bearer(request, keys.tokens)
    if not keys.signing:
        return lambda _body: None
    signature = of_base64(request.header(_SIGNATURE) or b"")
    if not signature:
        raise not_proven(_SIGNATURE, "is missing or no base64", "switch on the signature")
    timestamp = request.header(_TIMESTAMP) or b""
    require_fresh(_TIMESTAMP, timestamp, now=now, oldest=OLDEST)
    return partial(_prove, keys.signing, signature, timestamp)


def _prove(
    keys: Sequence[ec.EllipticCurvePublicKey], signature: bytes, timestamp: bytes, body: bytes
) -> None:
    if not any(_fits(key, signature, timestamp + body) for key in keys):
        raise not_proven(_SIGNATURE, "fits none of this channel's secrets", "compare the keys")


def _fits(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _split(fields: Sequence[Field]) -> Parts:
    found = {field.name: field for field in reversed(fields)}
    if "email" in found:
        return Parts([raw_item(found["email"].value)], named="email")
    if not {"headers", "from", "envelope"} & found.keys():
        problem = FieldProblem("headers", "is missing", "the form of Inbound Parse")
        raise RefusedError(422, "invalid-request", "this form is no mail", problem)
    charsets = _json_object(found, "charsets")
    texts = {
        name: text_of(field.value, _as_text(charsets.get(name))) for name, field in found.items()
    }
    envelope = _json_object(found, "envelope")
    to = envelope.get("to")
    mail = item(
        _headers(found, texts, envelope),
        text=texts.get("text", ""),
        html=texts.get("html", ""),
        files=_files(fields, _json_object(found, "attachment-info")),
        recipients=[each for each in to if isinstance(each, str)] if isinstance(to, list) else [],
    )
    return Parts([mail], named="the form")


def _headers(
    found: Mapping[str, Field], texts: Mapping[str, str], envelope: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Those of the mail, and of the form's fields what is not among them."""
    pairs = header_lines(found["headers"].value) if "headers" in found else []
    there = {name.lower() for name, _ in pairs}
    others = [(name, texts[name]) for name in ("from", "to", "cc", "subject") if name in texts]
    if envelope.get("from") == "":
        others.append(("return-path", "<>"))
    return pairs + [(name, value) for name, value in others if name not in there]


def _files(fields: Sequence[Field], described: Mapping[str, Any]) -> list[File]:
    files = []
    for field in fields:
        if _ATTACHMENT.fullmatch(field.name):
            about = described.get(field.name)
            said = about if isinstance(about, dict) else {}
            name = _as_text(said.get("filename")) or field.filename
            media_type = _as_text(said.get("type")) or field.type
            files.append(File(field.value, name, media_type, _as_text(said.get("content-id"))))
    return files


def _json_object(found: Mapping[str, Field], name: str) -> Mapping[str, Any]:
    """Empty for what is none."""
    try:
        value = parsed_json(found[name].value) if name in found else None
    except RefusedError:
        return {}
    return value if isinstance(value, dict) else {}


def _as_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


CONNECTOR: Connector[Keys] = Connector(
    name="sendgrid",
    keys=_keys,
    claim=_claim,
    decode=form,
    split=_split,
    read=read,
    is_delivery=lambda _document: False,
    id_of=id_of,
    acknowledge=counted_as_ok,
    body_limit=BODY_LIMIT,
    setup=Setup(
        address="Settings > Inbound Parse > Add Host & URL",
        secrets="the public key of its security policy, or an OAuth token",
        own_ids="every address of yours that mail is sent from",
    ),
)

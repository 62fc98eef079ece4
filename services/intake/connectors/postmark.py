"""Mails that Postmark parsed and posts as JSON, with user and password in the address.

Nothing is signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.decoding import json_document
from services.intake.connectors.items import File
from services.intake.connectors.mail.kept import BODY_LIMIT, id_of, item, read
from services.intake.connectors.port import (
    Connector,
    Parts,
    Proof,
    Setup,
    WebhookRequest,
    counted_as_ok,
)
from services.intake.connectors.signing import of_base64, secret_bytes
from services.intake.connectors.tokens import require_basic
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

_OWN_FIELDS = ("Subject", "Date", "To", "Cc", "Reply-To")
_FILED = {"Reply-To": "ReplyTo"}


def _keys(secrets: Sequence[str]) -> tuple[bytes, ...]:
    if any(":" not in secret for secret in secrets):
        raise ValueError("a secret of Postmark is user:password, as in the address")
    return secret_bytes(secrets)


def _claim(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Proof:
    require_basic(request, keys)
    return lambda _body: None


def _is_delivery(document: Any) -> bool:
    return isinstance(document, dict) and not {"From", "FromFull", "MessageID"}.isdisjoint(document)


def _split(document: Any) -> Parts:
    if not _is_delivery(document):
        problem = FieldProblem("From", "is missing", "the JSON of an inbound mail")
        raise RefusedError(422, "invalid-request", "this is no mail of Postmark", problem)
    mail = item(
        _headers(document),
        text=_text(document, "TextBody"),
        html=_text(document, "HtmlBody"),
        written=_text(document, "StrippedTextReply"),
        files=[file for each in _list(document, "Attachments") if (file := _file(each))],
        recipients=[
            _text(document, "OriginalRecipient"),
            f"+{_text(document, 'MailboxHash')}@",
        ],
    )
    return Parts([mail], named="the mail")


def _headers(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The mail's own, and what Postmark has taken out of them. Its own id is the last resort."""
    pairs = [
        (_text(each, "Name"), _text(each, "Value"))
        for each in _list(document, "Headers")
        if isinstance(each, dict)
    ]
    there = {name.lower() for name, _ in pairs}
    pairs += [
        (name, value)
        for name in _OWN_FIELDS
        if name.lower() not in there and (value := _text(document, _FILED.get(name, name)))
    ]
    if "from" not in there:
        pairs.append(("From", _from(document)))
    if "message-id" not in there and (given := _text(document, "MessageID")):
        pairs.append(("Message-ID", f"<{given}>"))
    return pairs


def _from(document: Mapping[str, Any]) -> str:
    full = document.get("FromFull")
    if not isinstance(full, dict) or not _text(full, "Email"):
        return _text(document, "From")
    name = _text(full, "Name").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{_text(full, "Email")}>'


def _file(value: Any) -> File | None:
    """None for what holds nothing that can be read. Its test posts have `Data` for `Content`."""
    if not isinstance(value, dict):
        return None
    content = of_base64((_text(value, "Content") or _text(value, "Data")).encode())
    if content is None:
        return None
    said = (_text(value, key) or None for key in ("Name", "ContentType", "ContentID"))
    return File(content, *said)


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _list(part: Mapping[str, Any], name: str) -> list[Any]:
    value = part.get(name)
    return value if isinstance(value, list) else []


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="postmark",
    keys=_keys,
    claim=_claim,
    decode=json_document,
    split=_split,
    read=read,
    is_delivery=_is_delivery,
    id_of=id_of,
    acknowledge=counted_as_ok,
    body_limit=BODY_LIMIT,
    setup=Setup(
        address="Inbound stream > Settings > Webhook, with user:password@ before the host",
        secrets="user:password of your own, as in the address",
        own_ids="every address of yours that mail is sent from",
    ),
)

"""Raw mails, posted by a mail server or a relay that has a token of ours.

The token proves who sends; the body is not signed. https://www.rfc-editor.org/rfc/rfc5322
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.mail.kept import BODY_LIMIT, id_of, raw_item, read
from services.intake.connectors.port import Connector, Parts, Proof, Setup, WebhookRequest
from services.intake.connectors.signing import secret_bytes
from services.intake.connectors.tokens import require_bearer
from shared.errors import FieldProblem
from shared.web.problems import RefusedError

_TYPES = frozenset({b"message/rfc822", b"message/global"})


def _claim(request: WebhookRequest, keys: Sequence[bytes], _now: datetime) -> Proof:
    require_bearer(request, keys)
    return lambda _body: None


def _decode(body: bytes, request: WebhookRequest | None) -> Any:
    if request is not None:
        kind = (request.header("content-type") or b"").partition(b";")[0].strip().lower()
        if kind not in _TYPES:
            raise RefusedError(
                415,
                "unsupported-content-type",
                "this content type is not understood here",
                FieldProblem("Content-Type", "is not that of a mail", "send message/rfc822"),
            )
    if not body.strip():
        problem = FieldProblem("body", "is empty", "send the mail as it came")
        raise RefusedError(400, "malformed-mail", "the body is empty", problem)
    return raw_item(body)


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="email",
    keys=secret_bytes,
    claim=_claim,
    decode=_decode,
    split=lambda document: Parts([document], named="the mail"),
    read=read,
    is_delivery=lambda _document: False,
    id_of=id_of,
    body_limit=BODY_LIMIT,
    setup=Setup(
        address="what posts the mails: the mail server or relay",
        secrets="a token of your own, which is sent as `Authorization: Bearer`",
        own_ids="every address of yours that mail is sent from",
    ),
)

"""GitHub: comments below issues and pull requests, as a webhook with the event `issue_comment`.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import form, json_document, parsed_json
from services.intake.connectors.items import Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import (
    Connector,
    Parts,
    Reading,
    Setup,
    WebhookRequest,
    counted_as_ok,
)
from services.intake.connectors.signing import BodySignature, secret_bytes
from services.intake.connectors.values import id_of, part, text_of
from shared.web.problems import RefusedError

_SIGNATURE = BodySignature("x-hub-signature-256")
_EVENT = "x-github-event"
_COMMENT = "issue_comment"
_FORM = b"application/x-www-form-urlencoded"
_NAMED = "github_event"


def _decode(body: bytes, request: WebhookRequest | None) -> Any:
    """With the name of the event, which is in a header, and in a kept body nowhere."""
    document = _document(body, request)
    event = None if request is None else request.header(_EVENT)
    if isinstance(document, dict) and event is not None:
        return {**document, _NAMED: event.decode("latin-1")}
    return document


def _document(body: bytes, request: WebhookRequest | None) -> Any:
    kind = b"" if request is None else request.header("content-type") or b""
    is_form = body.startswith(b"payload=") if request is None else kind.lower().startswith(_FORM)
    if not is_form:
        return json_document(body, request)
    payload = next((each.value for each in form(body, request) if each.name == "payload"), b"")
    return parsed_json(payload)


def _split(document: Any) -> Parts:
    if not isinstance(document, dict):
        raise RefusedError(422, "invalid-request", "the payload is no object")
    event = document.get(_NAMED, _COMMENT if "comment" in document else None)
    if event == "ping":
        return Parts((), ignored=1, kind="ping")
    if event != _COMMENT:
        if event is None:
            raise RefusedError(422, "invalid-request", "this is no event: it has no comment")
        return Parts((), ignored=1, kind="event")
    names = ("action", "comment", "issue", "repository")
    return Parts([{"event": {name: document[name] for name in names if name in document}}])


def _read(item: Any, reading: Reading) -> Item:
    event = part(item, "event")
    comment = part(event, "comment")
    action = part(event, "action")
    if action == "deleted":
        return lenient.withdrawn(part(comment, "id"), at=None, now=reading.now)
    if action not in ("created", "edited"):
        return Ignored(kind="action")
    fields = _fields(event, comment)
    if _is_ours(comment, reading):
        return lenient.item_of(OwnPost, fields, now=reading.now)
    if part(comment, "user", "type") == "Bot":
        return Ignored(kind="bot")
    if action == "edited":
        return lenient.edited(fields, at=part(comment, "updated_at"), now=reading.now)
    return lenient.item_of(NewMessage, fields, now=reading.now)


def _is_ours(comment: Any, reading: Reading) -> bool:
    """Accounts are known by their number or by their login, apps by their number or their slug."""
    user, app = part(comment, "user"), part(comment, "performed_via_github_app")
    ids = (part(user, "id"), part(user, "login"), part(app, "id"), part(app, "slug"))
    return any(id_of(each) in reading.own_ids for each in ids)


def _fields(event: Any, comment: Any) -> dict[str, Any]:
    repository, number = part(event, "repository", "full_name"), part(event, "issue", "number")
    login = part(comment, "user", "login")
    is_public = part(event, "repository", "private") is False
    return {
        "id": part(comment, "id"),
        "thread_id": _issue(repository, number),
        "author": {"id": part(comment, "user", "id"), "name": login, "handle": login},
        "subject": part(event, "issue", "title"),
        "text": part(comment, "body"),
        "sent_at": part(comment, "created_at"),
        "url": part(comment, "html_url"),
        "visibility": "public" if is_public else None,
    }


def _issue(repository: Any, number: Any) -> str | None:
    name, number = text_of(repository), id_of(number)
    return None if name is None or number is None else f"{name}#{number}"


def _is_delivery(document: Any) -> bool:
    return isinstance(document, Mapping) and "comment" in document


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="github",
    keys=secret_bytes,
    claim=_SIGNATURE.claim,
    decode=_decode,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=lambda item: lenient.id_of(part(item, "event", "comment")),
    acknowledge=counted_as_ok,
    setup=Setup(
        address="Payload URL of a webhook of the repository or organisation, content type JSON",
        secrets="a secret of your own making, as Secret of that webhook",
        own_ids="the logins or numbers of your own accounts and apps",
    ),
)

"""Mastodon: posts, as the webhook of an instance's administration reports them, and mentions of an
account, as its API lists them.

https://docs.joinmastodon.org/admin/webhooks/ and https://docs.joinmastodon.org/entities/Status/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.decoding import json_document
from services.intake.connectors.html_text import html_to_text
from services.intake.connectors.items import Edited, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.port import Connector, Parts, Reading, Setup, counted_as_ok
from services.intake.connectors.signing import BodySignature, secret_bytes
from services.intake.connectors.values import elements, first, id_of, part, text_of
from shared.web.problems import RefusedError

_SIGNATURE = BodySignature("x-hub-signature")
_CREATED = "status.created"
_UPDATED = "status.updated"
_NOT_ADDRESSED = Ignored(kind="not-addressed")


def _split(document: Any) -> Parts:
    """A webhook's event, or a list of notifications."""
    if isinstance(document, list):
        return Parts([_of_notification(each) for each in document], named="the list")
    if not isinstance(document, dict) or not isinstance(document.get("event"), str):
        raise RefusedError(422, "invalid-request", "this is no event: it has no `event`")
    if not document["event"].startswith("status."):
        return Parts((), ignored=1, kind="event")
    if "object" not in document:
        raise RefusedError(422, "invalid-request", "this is no event: it has no `object`")
    return Parts([{"change": document["event"], "status": document["object"]}])


def _of_notification(notification: Any) -> Any:
    is_mention = part(notification, "type") == "mention"
    return {"change": _CREATED if is_mention else "other", "status": part(notification, "status")}


def _read(item: Any, reading: Reading) -> Item:
    change, status = part(item, "change"), part(item, "status")
    if change not in (_CREATED, _UPDATED):
        return Ignored(kind="event")
    if part(status, "reblog") is not None:
        return Ignored(kind="boost")
    if id_of(part(status, "account", "id")) in reading.own_ids:
        return lenient.item_of(OwnPost, _fields(status), now=reading.now)
    if change == _UPDATED:
        return _edited(status, reading)
    if not _is_addressed(status, reading):
        return _NOT_ADDRESSED
    return lenient.item_of(NewMessage, _fields(status), now=reading.now)


def _edited(status: Any, reading: Reading) -> Item:
    """What spoke to us, and does so no longer, is edited all the same."""
    found = lenient.edited(_fields(status), at=part(status, "edited_at"), now=reading.now)
    if _is_addressed(status, reading):
        return found
    return replace(found, if_unknown=_NOT_ADDRESSED) if isinstance(found, Edited) else found


def _is_addressed(status: Any, reading: Reading) -> bool:
    """Whether it speaks to us: the webhook reports whatever is written on the instance.

    Where nobody says which accounts are ours, or whom it mentions, everything does.
    """
    mentions = part(status, "mentions")
    if not reading.own_ids or not isinstance(mentions, list):
        return True
    named = {id_of(part(each, "id")) for each in mentions}
    return bool((named | {id_of(part(status, "in_reply_to_account_id"))}) & reading.own_ids)


def _fields(status: Any) -> dict[str, Any]:
    account = part(status, "account")
    handle = part(account, "acct")
    is_private = part(status, "visibility") in ("direct", "private")
    parent = id_of(part(status, "in_reply_to_id"))
    return {
        "id": part(status, "id"),
        "thread_id": part(status, "id") if parent is None else None,
        "parent_id": parent,
        "author": {
            "id": part(account, "id"),
            "name": first(text_of(part(account, "display_name")), handle),
            "handle": handle,
        },
        "text": _text(status),
        "sent_at": part(status, "created_at"),
        "url": first(part(status, "url"), part(status, "uri")),
        "visibility": "private" if is_private else "public",
        "attachments": list(_attachments(status)),
    }


def _text(status: Any) -> Any:
    """The warning stands before the text, which is folded away below it."""
    content = part(status, "content")
    if not isinstance(content, str):
        return content
    warning = text_of(part(status, "spoiler_text"))
    return "\n\n".join(each for each in (warning, html_to_text(content)) if each)


def _attachments(status: Any) -> Iterator[dict[str, Any]]:
    for each in elements(part(status, "media_attachments")):
        yield {
            "id": part(each, "id"),
            "url": first(part(each, "url"), part(each, "remote_url")),
            "name": part(each, "description"),
            "type": part(each, "type"),
        }


def _is_delivery(document: Any) -> bool:
    return isinstance(document, list) or (isinstance(document, Mapping) and "event" in document)


CONNECTOR: Connector[tuple[bytes, ...]] = Connector(
    name="mastodon",
    keys=secret_bytes,
    claim=_SIGNATURE.claim,
    decode=json_document,
    split=_split,
    read=_read,
    is_delivery=_is_delivery,
    id_of=lambda item: lenient.id_of(part(item, "status")),
    acknowledge=counted_as_ok,
    setup=Setup(
        address="Endpoint URL of a webhook under Administration, Webhooks, with the status events",
        secrets="the Signing secret that the instance shows for that webhook",
        own_ids="the numbers of your own accounts, as the instance's API shows them",
    ),
)

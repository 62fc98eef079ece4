"""Messages to our numbers on WhatsApp, by the Cloud API.

Each is kept with the contact who sent it and the number that it went to.
https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.intake.connectors import lenient, meta
from services.intake.connectors.items import Broken, Ignored, Item, NewMessage, OwnPost
from services.intake.connectors.meta import Update
from services.intake.connectors.values import elements, first, id_of, part, text_of, unix_seconds

BODY_LIMIT = 4 * 2**20
"""Bytes. Meta's deliveries may have 3 MB, and the largest come when many people write."""
_LISTS = ("messages", "message_echoes", "statuses")


def apart(change: Any) -> Iterator[Any]:
    """A change once for each message, echo and status in it."""
    value = part(change, "value")
    if not isinstance(value, dict):
        yield change
        return
    about = {name: value[name] for name in ("metadata",) if name in value}
    contacts = _Contacts(value)
    items = [(name, each) for name in _LISTS for each in elements(value.get(name))]
    for name, each in items or [("errors", None)]:
        contact = contacts.of(each) if name == "messages" else None
        joined = {} if contact is None else {"contacts": contact}
        yield {"field": change.get("field"), "value": {**about, **joined, name: each}}


class _Contacts:
    """Who sent what, of a change. Somebody may have no telephone number, but an id of a user."""

    def __init__(self, value: dict[str, Any]) -> None:
        contacts = elements(value.get("contacts"))
        # Numbers of Brazil and Mexico are spelled in two ways: alone, the two belong together.
        alone = len(contacts) == len(elements(value.get("messages"))) == 1
        self._only = contacts[0] if alone else None
        self._by_id = {
            known: each
            for each in contacts
            for known in (id_of(part(each, "wa_id")), id_of(part(each, "user_id")))
            if known is not None
        }

    def of(self, message: Any) -> Any:
        ids = (id_of(part(message, "from")), id_of(part(message, "from_user_id")))
        return next((self._by_id[each] for each in ids if each in self._by_id), self._only)


def read_change(update: Update) -> Item:
    value = part(update.data, "value")
    if not isinstance(value, dict):
        return Broken((lenient.NO_OBJECT,))
    if "messages" in value:
        return _message(update, value["messages"], NewMessage)
    if "message_echoes" in value:  # written in the app on our own telephone
        return _message(update, value["message_echoes"], OwnPost)
    return Ignored(kind="status" if "statuses" in value else "unknown")


def message_id(change: Any) -> Any:
    value = part(change, "value")
    message = first(*(part(value, name) for name in _LISTS))
    return first(_changed(message), part(message, "id"))


def _changed(message: Any) -> Any:
    """The id of the message that this one edits or takes back."""
    return first(*(part(message, name, "original_message_id") for name in ("edit", "revoke")))


def _message(update: Update, message: Any, kind: type[NewMessage | OwnPost]) -> Item:
    if not isinstance(message, dict):
        return Broken((lenient.NO_OBJECT,))
    if _went_elsewhere(update):
        return Ignored(kind="other-account")
    now, at = update.reading.now, unix_seconds(message.get("timestamp"))
    match message.get("type"):
        case "revoke":
            return lenient.withdrawn(_changed(message), at=at, now=now)
        case "edit":
            return _edit(update, message, kind)
    if (content := _content(message)) is None:
        return _other(message.get("type"))
    fields = {**_frame(update, message, kind), "id": message.get("id"), "sent_at": at, **content}
    return lenient.item_of(kind, fields, now=now)


def _other(kind: Any) -> Ignored:
    return Ignored(kind=kind) if kind in ("reaction", "system", "unsupported") else Ignored()


def _edit(update: Update, message: dict[str, Any], kind: type[NewMessage | OwnPost]) -> Item:
    content, now = _content(part(message, "edit", "message")), update.reading.now
    if content is None or text_of(content["text"]) is None:
        return Ignored(kind="edit-without-text")
    fields = {**_frame(update, message, kind), "id": _changed(message), **content}
    if kind is OwnPost:
        return lenient.item_of(OwnPost, fields, now=now)
    return lenient.edited(fields, at=unix_seconds(message.get("timestamp")), now=now)


def _went_elsewhere(update: Update) -> bool:
    """All numbers of an app share an address; the channel's `own_ids` say which are meant."""
    metadata = part(update.data, "value", "metadata")
    numbers = {id_of(part(metadata, n)) for n in ("phone_number_id", "display_phone_number")}
    known, meant = _digits(numbers), _digits(update.reading.own_ids)
    return bool(known and meant) and not known & meant and update.account not in meant


def _digits(numbers: Iterable[str | None]) -> set[str]:
    """People write a telephone number with a plus and blanks, Meta without."""
    plain = {"".join(each for each in number or "" if each not in "+ -()/") for number in numbers}
    return {each for each in plain if each.isdecimal()}


def _frame(update: Update, message: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    sender = id_of(first(message.get("from"), message.get("from_user_id")))
    contact = part(update.data, "value", "contacts")
    return {
        "thread_id": id_of(message.get("to")) if kind is OwnPost else sender,
        "parent_id": part(message, "context", "id"),
        "author": {
            "id": sender,
            "name": part(contact, "profile", "name"),
            "handle": part(contact, "profile", "username"),
        },
        "visibility": "private",
    }


def _content(message: Any) -> dict[str, Any] | None:
    """Text and attachments by the type of the message; None for types that hold neither."""
    kind = part(message, "type")
    read = _CONTENTS.get(kind) if isinstance(kind, str) else None
    return None if read is None else read(part(message, kind))


def _media(body: Any) -> dict[str, Any]:
    """The file has to be fetched by its id, with a token of the app."""
    names = {"id": "id", "type": "mime_type", "name": "filename", "url": "url"}
    file = {ours: part(body, theirs) for ours, theirs in names.items()}
    return {"text": part(body, "caption"), "attachments": [file]}


def _chosen(body: Any) -> Any:
    """What stood on the button or the line of the list; of a form that was filled in, all of it."""
    answers = list(body.values()) if isinstance(body, dict) else []
    return first(*(part(each, "title") for each in answers), body)


def _place(body: Any) -> str:
    where = [text_of(part(body, name)) for name in ("name", "address")]
    point = [part(body, name) for name in ("latitude", "longitude")]
    if all(isinstance(each, int | float) for each in point):
        where.append(", ".join(map(str, point)))
    return "\n".join(each for each in where if each)


_CONTENTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "text": lambda body: {"text": part(body, "body")},
    "button": lambda body: {"text": part(body, "text")},
    "interactive": lambda body: {"text": _chosen(body)},
    "location": lambda body: {"text": _place(body)},
    # No sentence is in these; as JSON a person can read them.
    "contacts": lambda body: {"text": body},
    "order": lambda body: {"text": body},
    **dict.fromkeys(("image", "video", "document", "audio", "voice", "sticker"), _media),
}
"""By the type of the message."""

CONNECTOR = replace(
    meta.connector(
        "whatsapp",
        "whatsapp_business_account",
        changes=read_change,
        messaging=lambda _update: Ignored(),
        message_id=message_id,
        apart=apart,
        product="WhatsApp, Configuration, field messages",
    ),
    body_limit=BODY_LIMIT,
)

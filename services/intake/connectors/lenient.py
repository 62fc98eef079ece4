"""What a message may get wrong without being lost: one table, a line for each field.

Only the message's own id decides whether it can be kept; by it a repeat is known. Every other value
that does not fit is cut, replaced or left out, and the sender is told what was done. Each function
here takes whatever JSON can hold and costs time in proportion to its length.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from services.intake.connectors.items import (
    NOBODY,
    Adjusted,
    Broken,
    Edited,
    Message,
    NewMessage,
    OwnPost,
    Withdrawn,
)
from services.intake.inquiries.domain.message import (
    CLOCKS_OFF,
    ID_LIMIT,
    NAME_LIMIT,
    TEXT_LIMIT,
    URL_LIMIT,
    Author,
)
from services.intake.inquiries.fields import (
    EMAIL_LIMIT,
    MOST_ATTACHMENTS,
    SUBJECT_LIMIT,
    TYPE_LIMIT,
    ExternalId,
    Size,
    is_handle,
    is_web_address,
)
from shared.errors import FieldProblem
from shared.text.names import clean_name
from shared.text.wording import EMAIL
from shared.web.problems import field_problems

EARLIEST_SENT = datetime(2000, 1, 1, tzinfo=UTC)
CUT_MARK = "\n[…]"
"""Stands where a text was cut; the whole of it is kept beside."""

NO_OBJECT = FieldProblem("body", "is not an object", "an object with fields")
NO_ID = FieldProblem("id", "is missing", "the id of the message")

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HASHED = 16  # hexadecimal digits: enough to keep ids with the same beginning apart
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_BYTES: TypeAdapter[int] = TypeAdapter(Size)

Repaired = tuple[Any, str | None]
"""The value that fits, or None, and what was done to the one that came (None: nothing)."""


@dataclass(slots=True)
class Repairs:
    """`data` is the message as it fits. `full_text` is set where the text had to be cut."""

    data: dict[str, Any]
    adjusted: dict[str, str] = field(default_factory=dict)
    full_text: str | None = None


class _Identified(BaseModel):
    """What a message cannot be without."""

    id: ExternalId


def message_of(fields: Any, *, now: datetime) -> NewMessage | Broken:
    """The message of these fields, by the names of docs/connectors.md, with each made to fit.

    `now` is when it was received. Broken is what has no id of its own.
    """
    if not isinstance(fields, dict):
        return Broken((NO_OBJECT,))
    repaired = repair(fields, now=now)
    try:
        identifier = _Identified.model_validate(repaired.data).id
    except ValidationError as error:
        return Broken(field_problems(error.errors(include_url=False)))
    fitting = repaired.data
    message = Message(
        id=identifier,
        author=_person(fitting["author"]),
        text=fitting["text"] or "",
        attachments=tuple(_known(each, ATTACHMENT) for each in fitting["attachments"] or ()),
        full_text=repaired.full_text,
        **_known(fitting, _message(now)),
    )
    adjusted = tuple(Adjusted(name, done) for name, done in repaired.adjusted.items())
    return NewMessage(message, adjusted)


def item_of(
    kind: type[NewMessage | OwnPost], fields: Any, *, now: datetime
) -> NewMessage | OwnPost | Broken:
    """As `message_of`, for somebody's message or a post of our own."""
    found = message_of(fields, now=now)
    return found if isinstance(found, Broken) else kind(found.message, found.adjusted)


def edited(fields: Any, *, at: Any, now: datetime) -> Edited | Broken:
    """As `message_of`, for what was edited at that moment, where it is one."""
    found = message_of(fields, now=now)
    if isinstance(found, Broken):
        return found
    return Edited(found.message, found.adjusted, moment_of(at, now=now))


def withdrawn(identifier: Any, *, at: Any, now: datetime) -> Withdrawn | Broken:
    """The message with this id is gone since that moment; Broken is what has no id."""
    found = id_of({"id": identifier})
    return Broken((NO_ID,)) if found is None else Withdrawn(found, moment_of(at, now=now))


def _person(author: Mapping[str, Any] | None) -> Author:
    return NOBODY if author is None else Author(**_known(author, AUTHOR))


def _known(part: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """What was said of the table's fields, in its order."""
    return {name: part[name] for name in table if part.get(name) is not None}


def plausible(sent_at: datetime | None, now: datetime) -> bool:
    return sent_at is None or EARLIEST_SENT <= sent_at <= now + CLOCKS_OFF


def moment_of(value: Any, *, now: datetime) -> datetime | None:
    """When something happened, as the platform says; None where that cannot be."""
    found: datetime | None = None if value is None else _sent_at(now)(value)[0]
    return found


def repair(data: Mapping[str, Any], *, now: datetime) -> Repairs:
    """The message with each field made to fit. An id that cannot be one stays as it is."""
    repaired = Repairs(dict(data))
    _each(repaired, repaired.data, _message(now), "")
    if (identifier := _id(data.get("id"))[0]) is not None:
        repaired.data["id"] = identifier
        _note(repaired, "id", _id(data["id"])[1])
    repaired.data["author"] = _author(repaired, data.get("author"))
    repaired.data["attachments"] = _attachments(repaired, data.get("attachments"))
    repaired.data["text"] = _text(repaired, data.get("text"))
    return repaired


def id_of(data: Any) -> str | None:
    """The message's own id as it would be stored, where it can be read."""
    if not isinstance(data, dict):
        return None
    found: str | None = _id(data.get("id"))[0]
    return found


def _each(repaired: Repairs, part: dict[str, Any], table: Table, prefix: str) -> None:
    for name, function in table.items():
        if part.get(name) is not None:
            part[name], done = function(part[name])
            _note(repaired, prefix + name, done)


def _note(repaired: Repairs, name: str, done: str | None) -> None:
    if done is not None:
        repaired.adjusted.setdefault(name, done)


def _author(repaired: Repairs, value: Any) -> dict[str, Any] | None:
    """None for somebody of whom nothing is known."""
    if value is None:
        return None
    if not isinstance(value, dict):
        _note(repaired, "author", "left out: not an object")
        return None
    author = dict(value)
    _each(repaired, author, AUTHOR, "author.")
    return author


def _attachments(repaired: Repairs, value: Any) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST_ATTACHMENTS:
        _note(repaired, "attachments", f"cut to {MOST_ATTACHMENTS}")
    kept = []
    for item in items[:MOST_ATTACHMENTS]:
        if isinstance(item, str):  # nothing but its address
            attachment = {"url": item}
        elif isinstance(item, dict):
            attachment = dict(item)
        else:
            _note(repaired, "attachments", "left out: not an object")
            continue
        _each(repaired, attachment, ATTACHMENT, "attachments.")
        kept.append(attachment)
    return kept


def _text(repaired: Repairs, value: Any) -> str | None:
    """None where there are no words."""
    if not isinstance(value, str):
        if value is None or value in ([], {}) or value is False:
            return None
        # Somebody's words may be in it, and a person can read them.
        value = json.dumps(value, ensure_ascii=False)
        _note(repaired, "text", "kept as JSON: not text")
    text, done = _clean(value)
    _note(repaired, "text", done)
    if not text.strip():
        return None
    if len(text) > TEXT_LIMIT:
        repaired.full_text = text
        _note(repaired, "text", f"cut to {TEXT_LIMIT} characters; the whole is kept")
        return str(text[: TEXT_LIMIT - len(CUT_MARK)]) + CUT_MARK
    return str(text)


def _clean(text: str) -> tuple[str, str | None]:
    if text.isascii() and "\0" not in text:
        return text, None
    clean = _UNSTORABLE.sub("\ufffd", text)
    return clean, None if clean == text else "what is no character was replaced by U+FFFD"


def _string(value: Any) -> Repaired:
    """Text without what cannot be stored; what is blank says nothing."""
    if not isinstance(value, str):
        return None, "left out: not text"
    text, done = _clean(value)
    return (text, done) if text.strip() else (None, done)


def _cut(limit: int) -> Repair:
    def cut(value: Any) -> Repaired:
        text, done = _string(value)
        if text is None or len(text) <= limit:
            return text, done
        return text[:limit], f"cut to {limit} characters"

    return cut


def _name(value: Any) -> Repaired:
    name, done = _cut(NAME_LIMIT)(value)
    return (name if name is None else clean_name(name)), done


def _distinct(limit: int) -> Repair:
    """For what tells things apart: whatever had to be changed in it, two stay two."""

    def distinct(value: Any) -> Repaired:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        text, done = _string(value)
        if text is None or (text == value and len(text) <= limit):
            return text, done
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:_HASHED]
        return f"{text[: limit - _HASHED - 1]}~{digest}", "shortened to its beginning and a hash"

    return distinct


def _handle(value: Any) -> Repaired:
    handle, done = _distinct(NAME_LIMIT)(value)
    return (handle, done) if handle is None or is_handle(handle) else (None, "left out: empty")


def _email(value: Any) -> Repaired:
    address, _ = _string(value)
    if address is None:
        return None, None if isinstance(value, str) else "left out: not text"
    # Cut or repaired it would be somebody else's.
    if address != value or len(address) > EMAIL_LIMIT or not re.fullmatch(EMAIL, address):
        return None, "left out: not an e-mail address"
    return address, None


def _link(value: Any) -> Repaired:
    url, done = _string(value)
    if url is None:
        return None, done
    if url != value or not is_web_address(url):
        return None, "left out: not a web address"
    return (url, None) if len(url) <= URL_LIMIT else (None, f"left out: over {URL_LIMIT} letters")


def _visibility(value: Any) -> Repaired:
    return (value, None) if value in ("public", "private") else (None, "left out: not known")


def _size(value: Any) -> Repaired:
    try:
        return _BYTES.validate_python(value), None
    except ValidationError:
        return None, "left out: not a number of bytes"


def _sent_at(now: datetime) -> Repair:
    def sent_at(value: Any) -> Repaired:
        if isinstance(value, str) and not value.strip():
            return None, None
        try:
            moment = _MOMENT.validate_python(value).astimezone(UTC)
        except (ValidationError, ValueError, OverflowError):
            return None, "left out: not a moment with a zone"
        if moment < EARLIEST_SENT:
            return None, f"left out: before {EARLIEST_SENT.year}"
        if moment > now + CLOCKS_OFF:
            return None, "left out: lies in the future"
        return moment, None

    return sent_at


Repair = Callable[[Any], Repaired]
Table = Mapping[str, Repair]

_id = _distinct(ID_LIMIT)
AUTHOR: Table = {"id": _id, "name": _name, "handle": _handle, "email": _email}
ATTACHMENT: Table = {
    "url": _link,
    "id": _id,
    "name": _name,
    "type": _cut(TYPE_LIMIT),
    "size": _size,
}


def _message(now: datetime) -> Table:
    return {
        "thread_id": _id,
        "parent_id": _id,
        "visibility": _visibility,
        "subject": _cut(SUBJECT_LIMIT),
        "sent_at": _sent_at(now),
        "url": _link,
    }

"""Mails as items of a delivery: JSON with all that reading them needs.

Either a whole mail, or what a mail service made of one. Bytes are text of one character each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.intake.connectors import lenient
from services.intake.connectors.html_text import html_to_text
from services.intake.connectors.items import Broken, File, Item
from services.intake.connectors.mail import item as items
from services.intake.connectors.mail.charsets import storable
from services.intake.connectors.mail.headers import Headers
from services.intake.connectors.mail.mail import Mail
from services.intake.connectors.mail.mime import headers_of
from services.intake.connectors.port import Reading

BODY_LIMIT = 36 * 1_048_576
"""Bytes of a delivery: a mail of 25 MB, which base64 makes a third larger, and its envelope."""
_BYTES = "latin-1"


def raw_item(raw: bytes) -> dict[str, Any]:
    return {"mime": raw.decode(_BYTES)}


def item(
    headers: Iterable[tuple[str, str]],
    *,
    text: str = "",
    html: str = "",
    written: str = "",
    files: Sequence[File] = (),
    recipients: Sequence[str] = (),
) -> dict[str, Any]:
    """`written` is what the service takes for newly written."""
    return {
        "headers": [list(pair) for pair in headers],
        "text": text,
        "html": html,
        "written": written,
        "files": [_kept_file(each) for each in files],
        "recipients": list(recipients),
    }


def read(kept: Any, reading: Reading) -> Item:
    raw = _raw(kept)
    if raw is not None:
        return items.message_of(raw, reading)
    mail = _mail(kept)
    return Broken((lenient.NO_OBJECT,)) if mail is None else items.item_of(mail, reading)


def id_of(kept: Any) -> str | None:
    """The id of the message that it would be; None for what is no item of a mail."""
    raw = _raw(kept)
    if raw is not None:
        return items.id_of(raw)
    mail = _mail(kept)
    return None if mail is None else lenient.id_of({"id": mail.id})


def header_lines(block: bytes) -> list[tuple[str, str]]:
    """The headers of a block of them, as text."""
    return headers_of(block).pairs()


def _raw(kept: Any) -> bytes | None:
    return _bytes(kept.get("mime")) if isinstance(kept, dict) else None


def _mail(kept: Any) -> Mail | None:
    if not isinstance(kept, dict) or not isinstance(kept.get("headers"), list):
        return None
    files = tuple(file for each in _list(kept, "files") if (file := _file(each)) is not None)
    enclosed = [headers_of(file.content) for file in files if file.type in _MAILS]
    return Mail(
        Headers(pair for each in kept["headers"] if (pair := _pair(each)) is not None),
        _text(kept, "text") if _text(kept, "text").strip() else html_to_text(_text(kept, "html")),
        written=_text(kept, "written") or None,
        files=files,
        enclosed=tuple(enclosed),
        recipients=tuple(
            storable(each) for each in _list(kept, "recipients") if isinstance(each, str)
        ),
    )


_MAILS = frozenset({"message/rfc822", "text/rfc822-headers"})


def _pair(value: Any) -> tuple[str, str] | None:
    match value:
        case [str(name), str(text)]:
            return name, text
    return None


def _text(kept: dict[str, Any], name: str) -> str:
    value = kept.get(name)
    return storable(value) if isinstance(value, str) else ""


def _list(kept: dict[str, Any], name: str) -> list[Any]:
    value = kept.get(name)
    return value if isinstance(value, list) else []


def _kept_file(file: File) -> dict[str, Any]:
    return {
        "name": file.name,
        "type": file.type,
        "content_id": file.content_id,
        "content": file.content.decode(_BYTES),
    }


def _file(value: Any) -> File | None:
    content = _bytes(value.get("content")) if isinstance(value, dict) else None
    if content is None:
        return None
    return File(content, *(_text(value, name) or None for name in ("name", "type", "content_id")))


def _bytes(value: Any) -> bytes | None:
    """None for what is no text of bytes."""
    try:
        return value.encode(_BYTES) if isinstance(value, str) else None
    except UnicodeEncodeError:
        return None

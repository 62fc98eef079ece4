"""Mails for tests, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.intake.connectors.items import Item, Message, NewMessage
from services.intake.connectors.mail.item import message_of
from services.intake.connectors.port import Reading

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DESK = "Help@desk.example"
READING = Reading(NOW, frozenset({DESK}))
HEADERS = {
    "From": "Erika Muster <erika@kunde.example>",
    "To": "help@desk.example",
    "Subject": "Frage",
    "Date": "Tue, 24 Nov 2026 10:00:00 +0100",
    "Message-ID": "<m-1@kunde.example>",
}


def mail(body: bytes | str = "Guten Tag", /, **headers: str | None) -> bytes:
    """`content_type` is Content-Type; None leaves a header out."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    kept = {name.title(): value for name, value in HEADERS.items()} | named
    lines = [f"{name}: {value}\r\n" for name, value in kept.items() if value is not None]
    content = body.encode() if isinstance(body, str) else body
    return "".join(lines).encode("utf-8", "surrogateescape") + b"\r\n" + content


def parts(*each: bytes | str, kind: str = "mixed", **headers: str | None) -> bytes:
    """Each with its own headers, an empty line, and its content."""
    content = [part.encode() if isinstance(part, str) else part for part in each]
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in content) + b"--b--\r\n"
    return mail(body, content_type=f'multipart/{kind}; boundary="b"', **headers)


def item(raw: bytes, reading: Reading = READING) -> Item:
    return message_of(raw, reading)


def message(raw: bytes, reading: Reading = READING) -> Message:
    found = item(raw, reading)
    assert isinstance(found, NewMessage)
    return found.message


def details(raw: bytes) -> dict[str, Any]:
    return dict(message(raw).details or {})

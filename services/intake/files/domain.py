"""What of a message's files is kept, and what a file may be called: pure rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID

from shared.text.composing import composed
from shared.text.names import clean_name

MOST_FILES = 100
"""Files of one message that are named at all."""
NAMELESS = "file"
NAME_LIMIT = 150
NAME_BYTES = 200
"""Of a name in UTF-8: file systems take 255, and whoever saves it may put something behind it."""
CONTENT_ID_LIMIT = 200
UNKNOWN_TYPE = "application/octet-stream"

_LONGEST_SUFFIX = 16
_LOOKED_AT = 4 * NAME_LIMIT
_PATHS = re.compile(r"[/\\\u2044\u2215\u29f5\u29f8\uff0f\uff3c]")
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
# Devices of Windows, whatever stands behind the first dot.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)",
    re.IGNORECASE,
)
_WORD = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}"
_MEDIA_TYPE = re.compile(rf" *({_WORD}/{_WORD}) *(?:;|$)", re.IGNORECASE)
_NOT_IN_QUOTES = re.compile(r'[^\x20-\x7e]|["\\%]')


class ReceivedFile(Protocol):
    """As a connector hands it over: `name`, `type` and `content_id` are the sender's words."""

    @property
    def content(self) -> bytes: ...
    @property
    def name(self) -> str | None: ...
    @property
    def type(self) -> str | None: ...
    @property
    def content_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of one file, and of all files of one message together."""

    of_a_file: int
    of_a_message: int


@dataclass(frozen=True, slots=True)
class File:
    """One that is kept, at its place among the files of its message."""

    position: int
    name: str
    type: str
    sha256: str
    content_id: str | None
    content: bytes


def sorted_out(
    received: Sequence[ReceivedFile], limits: Limits
) -> tuple[list[File], list[dict[str, Any]]]:
    """The files to keep, and what the message's attachments say of each, also of those that are
    too large: these are `omitted`.
    """
    kept: list[File] = []
    attachments: list[dict[str, Any]] = []
    left = limits.of_a_message
    for position, each in enumerate(received[:MOST_FILES]):
        size = len(each.content)
        attachment: dict[str, Any] = {
            "name": clean_file_name(each.name or ""),
            "type": media_type(each.type),
            "size": size,
        }
        if size > min(limits.of_a_file, left):
            attachments.append({**attachment, "omitted": "too large"})
            continue
        left -= size
        file = File(
            position,
            attachment["name"],
            attachment["type"],
            sha256(each.content).hexdigest(),
            _content_id(each.content_id),
            each.content,
        )
        kept.append(file)
        attachments.append({**attachment, **_identified(file), "file": position})
    if len(received) > MOST_FILES:
        attachments.append({"omitted": f"{len(received) - MOST_FILES} more files"})
    return kept, attachments


def _identified(file: File) -> dict[str, Any]:
    known = {"sha256": file.sha256}
    return known if file.content_id is None else {**known, "content_id": file.content_id}


def _content_id(text: str | None) -> str | None:
    if text is None:
        return None
    return clean_name(_unicode(text[:CONTENT_ID_LIMIT])).strip("<>") or None


def with_paths(
    attachments: Sequence[dict[str, Any]], *, inquiry_id: UUID, message_id: UUID
) -> list[dict[str, Any]]:
    """The attachments as readers get them: a file that is kept with the path to it as `url`."""
    folder = f"/intake/v1/inquiries/{inquiry_id}/messages/{message_id}/files"
    return [
        {"url": f"{folder}/{each['file']}", **_without(each, "file")} if "file" in each else each
        for each in attachments
    ]


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def media_type(given: str | None) -> str:
    """The sender's word for what it is, without its parameters; unknown where it is none."""
    found = _MEDIA_TYPE.match(given[:_LOOKED_AT]) if given else None
    return found[1].lower() if found else UNKNOWN_TYPE


def clean_file_name(name: str) -> str:
    """A name that any system can take: no folders, nothing unseen, no device, not too long.

    Its end is kept, because that says what the file is.
    """
    last = _PATHS.split(_unicode(name[-_LOOKED_AT:]))[-1]
    text = _NOT_IN_NAMES.sub("_", clean_name(composed(last))).strip(" .")
    if _DEVICE.match(text):
        text = f"_{text}"
    return _short(text) or NAMELESS


def _unicode(text: str) -> str:
    """Without lone surrogates, which no database and no header takes."""
    return text.encode("utf-8", "replace").decode()


def _short(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > _LONGEST_SUFFIX:
        stem, suffix = name, ""
    else:
        suffix = f".{suffix}"
    room = NAME_BYTES - len(suffix.encode())
    cut = stem[: NAME_LIMIT - len(suffix)].encode()[:room].decode(errors="ignore")
    return f"{cut.rstrip(' .')}{suffix}"


def content_disposition(name: str) -> str:
    """A download under that name (RFC 6266); beyond ASCII as RFC 5987 has it, with a name in ASCII
    for those who do not know that.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    quoted = _NOT_IN_QUOTES.sub("_", plain).strip(" .") or NAMELESS
    if quoted == name:
        return f'attachment; filename="{quoted}"'
    return f"attachment; filename=\"{quoted}\"; filename*=UTF-8''{quote(name, safe='')}"

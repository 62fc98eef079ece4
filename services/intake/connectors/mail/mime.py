"""A raw mail (RFC 5322, MIME) taken apart. Nothing is refused: what is damaged is read as far as it
goes, and kept as a file where that is not all of it.

The standard library's parser under its old policy, which takes every header as it is: the new one
raises for some broken headers. Its cost grows with the lines times the depth, and with the square
of some headers; both are bounded here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from email import policy
from email.message import Message
from email.parser import BytesFeedParser, BytesHeaderParser
from string import ascii_letters, digits

from services.intake.connectors.html_text import LONGEST, html_to_text
from services.intake.connectors.items import Adjusted, File
from services.intake.connectors.mail.charsets import bytes_of, storable, text_of
from services.intake.connectors.mail.headers import Headers, words
from services.intake.connectors.mail.mail import Mail
from services.intake.inquiries.fields import MOST_ATTACHMENTS

LONGEST_TEXT = 2_000_000
"""Bytes of a part that are read as text."""
MOST_NESTED = 100
"""Parts that may hold others: the parser calls itself for each inside another."""
MOST_LINES = 1_500_000
MOST_WORK = 20_000_000
"""Lines times the parts that may hold others."""
MOST_DELIMITERS = 100_000
_HEAD_END = re.compile(rb"\n\r?\n|\r\r")
_HOLDS_OTHERS = re.compile(rb"multipart/|message/", re.IGNORECASE)
_NO_BASE64 = bytes(set(range(256)) - set(ascii_letters.encode() + digits.encode() + b"+/"))
_LINE_ENDS = re.compile("\r\n?")
_LONGEST_HEADER = 20_000
_LONGEST_CONTENT_HEADER = 2_000  # the square of it is taken when its parameters are read
_PIECE = 65_536
_WHOLE = ("message.eml", "message/rfc822")


class _AsItIs(policy.Compat32):
    """Headers are text as it came, of a length that can be worked with; a Message-ID is whole."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        lower = name.lower()
        if lower == "message-id":
            return name, value
        content = lower.startswith("content-")
        return name, value[: _LONGEST_CONTENT_HEADER if content else _LONGEST_HEADER]

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002
        return value


_POLICY = _AsItIs()


@dataclass(slots=True)
class _Taken:
    """What the parts hold. `texts` are the words, with whether they are HTML."""

    texts: list[tuple[str, bool]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    enclosed: list[Headers] = field(default_factory=list)

    def says_in_plain_text(self) -> bool:
        return any(text.strip() and not is_html for text, is_html in self.texts)


def parsed(raw: bytes) -> Mail:
    if _costs_too_much(raw):
        return _as_a_whole(raw)
    try:
        message = _message(raw)
    except RecursionError:
        return _as_a_whole(raw)
    taken = _Taken()
    _take(message, taken, is_root=True)
    text = "\n\n".join(part for part in _plain(taken) if part.strip())
    mail = Mail(_headers(message), text, files=tuple(taken.files), enclosed=tuple(taken.enclosed))
    return _with_fewer_files(mail, raw)


def _message(raw: bytes) -> Message:
    """Piece by piece: as a whole, the parser would hold it in four bytes for each of its own."""
    parser = BytesFeedParser(policy=_POLICY)
    for start in range(0, len(raw), _PIECE):
        parser.feed(raw[start : start + _PIECE])
    return parser.close()


def headers_of(raw: bytes) -> Headers:
    return _headers(_head(raw)[0])


def _head(raw: bytes) -> tuple[Message, bytes]:
    """The headers alone, and the body as it is: the parser would read that line by line."""
    end = _HEAD_END.search(raw)
    place = len(raw) if end is None else end.end()
    return BytesHeaderParser(policy=_POLICY).parsebytes(raw[:place]), raw[place:]


def _costs_too_much(raw: bytes) -> bool:
    lines = raw.count(b"\n") + raw.count(b"\r")
    nested = sum(1 for _ in _HOLDS_OTHERS.finditer(raw))
    return (
        nested > MOST_NESTED
        or lines > MOST_LINES
        or lines * nested > MOST_WORK
        or raw.count(b"\n--") > MOST_DELIMITERS
    )


def _as_a_whole(raw: bytes) -> Mail:
    message, body = _head(raw)
    shown = text_of(body[:LONGEST_TEXT], None)
    return Mail(
        _headers(message),
        _LINE_ENDS.sub("\n", shown),
        files=(File(raw, *_WHOLE),),
        adjusted=(Adjusted("text", "shown as it came: the mail has too many parts or lines"),),
    )


def _with_fewer_files(mail: Mail, raw: bytes) -> Mail:
    if len(mail.files) <= MOST_ATTACHMENTS:
        return mail
    kept = (*mail.files[: MOST_ATTACHMENTS - 1], File(raw, *_WHOLE))
    done = f"cut to {MOST_ATTACHMENTS}; the last is the whole mail"
    return replace(mail, files=kept, adjusted=(Adjusted("attachments", done),))


def _headers(message: Message) -> Headers:
    return Headers(message.raw_items())


def _take(part: Message, taken: _Taken, *, is_root: bool = False) -> None:
    kind = part.get_content_type()
    inner = _inner(part)
    if inner is not None and not kind.startswith("message/"):
        _take_all(kind, inner, taken)
    elif _is_text(part, kind, is_root=is_root):
        content = _content(part)
        said = text_of(content[:LONGEST_TEXT], _charset(part))
        taken.texts.append((said, kind == "text/html"))
        if len(content) > LONGEST_TEXT:
            taken.files.append(File(content, "message.txt", kind))
    else:
        taken.files.append(_file(part, kind))
        taken.enclosed += _enclosed(part, kind)


def _inner(part: Message) -> list[Message] | None:
    """The parts of it; None for one that holds no others."""
    payload = part.get_payload() if part.is_multipart() else None
    if not isinstance(payload, list):
        return None
    return [each for each in payload if isinstance(each, Message)]


def _take_all(kind: str, inner: Sequence[Message], taken: _Taken) -> None:
    if kind != "multipart/alternative":
        for each in inner:
            _take(each, taken)
        return
    versions = [_Taken() for _ in inner]
    for each, version in zip(inner, versions, strict=True):
        _take(each, version)
        taken.files += version.files
        taken.enclosed += version.enclosed
    plain = [version for version in versions if version.says_in_plain_text()]
    with_words = plain or [version for version in versions if version.texts]
    taken.texts += with_words[0].texts if plain else with_words[-1].texts if with_words else []


def _is_text(part: Message, kind: str, *, is_root: bool) -> bool:
    """Whether these are the words of the mail, not a file."""
    if is_root:
        return kind.startswith(("text/", "multipart/")) and kind != "text/calendar"
    attached = part.get_content_disposition() == "attachment"
    return kind in ("text/plain", "text/html") and not attached and _name(part) is None


def _plain(taken: _Taken) -> Iterator[str]:
    """Each text without its markup. HTML that is too long in all is a file as well."""
    left = LONGEST
    for said, is_html in taken.texts:
        if not is_html:
            yield _LINE_ENDS.sub("\n", said)
            continue
        if len(said) > left:
            whole = said.encode("utf-8", "replace")
            taken.files.append(File(whole, "message.html", "text/html; charset=utf-8"))
        yield html_to_text(said[:left])
        left -= min(left, len(said))


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except ValueError:
        return None


def _name(part: Message) -> str | None:
    """As RFC 2231 says it, or by encoded words as many programs do."""
    try:
        name = part.get_filename()
    except ValueError:
        return None
    if not name:
        return None
    return words(storable(text_of(bytes_of(name), None)))


def _file(part: Message, kind: str) -> File:
    content_id = storable(str(part.get("content-id") or "")).strip().strip("<>")
    name = _name(part)
    if name is None and kind == "message/rfc822":
        name = _WHOLE[0]
    return File(_content(part), name, kind, content_id or None)


def _content(part: Message) -> bytes:
    """Decoded as far as that goes."""
    inner = _inner(part)
    if inner is not None:
        return b"\n".join(map(_whole, inner))
    payload = bytes_of(_written(part))
    encoding = str(part.get("content-transfer-encoding") or "").strip().lower()
    if encoding == "base64":
        return _of_base64(payload)
    try:
        content = part.get_payload(decode=True)
    except ValueError:
        return payload
    return content if isinstance(content, bytes) else payload


def _written(part: Message) -> str:
    """The body of a part that holds no others, before anything is decoded."""
    try:
        return str(part.get_payload() or "")
    except ValueError:
        # The name of its charset has a NUL in it.
        del part["content-type"]
        return str(part.get_payload() or "")


def _whole(message: Message) -> bytes:
    """A mail inside another, put together as it came."""
    headers = [bytes_of(f"{name}: {value}\n") for name, value in message.raw_items()]
    inner = _inner(message)
    if inner is None:
        body = bytes_of(_written(message))
    elif message.get_content_type().startswith("message/"):
        body = b"\n".join(map(_whole, inner))
    else:
        delimiter = b"--" + bytes_of(message.get_boundary() or "")
        parts = (delimiter + b"\n" + _whole(each) + b"\n" for each in inner)
        body = b"".join(parts) + delimiter + b"--\n"
    return b"".join(headers) + b"\n" + body


def _of_base64(payload: bytes) -> bytes:
    """What is no base64 is passed over; where the end is missing, what came before it counts."""
    clean = payload.translate(None, _NO_BASE64)
    whole = clean[:-1] if len(clean) % 4 == 1 else clean
    missing = -len(whole) % 4
    return b64decode(whole + b"=" * missing if missing else whole)


def _enclosed(part: Message, kind: str) -> Iterable[Headers]:
    if kind == "message/rfc822":
        return [_headers(each) for each in _inner(part) or ()]
    if kind == "text/rfc822-headers":
        return [headers_of(_content(part))]
    return []

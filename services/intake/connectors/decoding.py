"""How bodies are read, for several formats the same."""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.intake.connectors.port import WebhookRequest
from shared.errors import FieldProblem
from shared.web.problems import RefusedError
from shared.web.strict_json import integer, require_json_type, strict_json

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS = 1_000
_URLENCODED = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
_LONGEST_BOUNDARY = 70  # RFC 2046, section 5.1.1
_AT_ONCE = 4_096
"""Bytes whose percent signs are decoded at once: each takes many times its length meanwhile."""
_ESCAPE = 3  # a percent sign and two digits
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})++")


def json_document(body: bytes, request: WebhookRequest | None) -> Any:
    """Raises RefusedError: 415 unless the request says that it is JSON, 400 for what is none."""
    if request is not None:
        require_json_type((request.header("content-type") or b"").decode("latin-1"))
    return parsed_json(body)


def parsed_json(body: bytes) -> Any:
    """Raises RefusedError (400) for what is no JSON."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        # The strict parser takes lone surrogates: one in an item of a list must not cost the
        # others. Neither must a number.
        return strict_json(body, parse_int=_number)


def _number(digits: str) -> int | str:
    """All of its digits, as text where it is too long for a number."""
    try:
        return integer(digits)
    except ValueError:
        return digits


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, or a file in it. `value` is as it was sent: its charset may be said
    elsewhere. `type` is what the sender calls a file's media type.
    """

    name: str
    value: bytes
    filename: str | None = None
    type: str | None = None

    @property
    def text(self) -> str:
        return self.value.decode("utf-8", "replace")


def form(
    body: bytes, request: WebhookRequest | None, *, only: Container[str] | None = None
) -> tuple[Field, ...]:
    """The fields of a form in their order, repeated ones too, whether urlencoded or multipart.

    `only` leaves out fields of other names, which take no memory then.

    Raises RefusedError: 415 unless the request says that it is a form, 400 for what is none or has
    more than MOST_FIELDS fields. Without a request, the body itself says which of the two it is.
    """
    kind, boundary = _form_type(body, request)
    if kind == _MULTIPART:
        return _multipart(body, boundary, only)
    return tuple(_urlencoded(body, only))


def _form_type(body: bytes, request: WebhookRequest | None) -> tuple[bytes, bytes]:
    """The media type, and what parts a multipart body."""
    if request is None:
        first = body[: _LONGEST_BOUNDARY + 4].partition(b"\r\n")[0]
        is_multipart = first.startswith(b"--")
        return (_MULTIPART, first[2:]) if is_multipart else (_URLENCODED, b"")
    kind, options = parse_options_header(request.header("content-type") or b"")
    if kind not in (_URLENCODED, _MULTIPART):
        raise RefusedError(
            415,
            "unsupported-content-type",
            "this content type is not understood here",
            FieldProblem("Content-Type", "is not that of a form", f"send {_MULTIPART.decode()}"),
        )
    boundary = options.get(b"boundary", b"")
    if kind == _MULTIPART and not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise _no_form("its content type names no boundary of 1 to 70 characters")
    return kind, boundary


def _urlencoded(body: bytes, only: Container[str] | None) -> Iterator[Field]:
    if body.count(b"&") >= MOST_FIELDS:
        raise _no_form(f"it has more than {MOST_FIELDS} fields")
    start = 0
    while start < len(body):
        found = body.find(b"&", start)
        end = len(body) if found < 0 else found
        equals = body.find(b"=", start, end)
        middle = end if equals < 0 else equals
        name = _unquoted(body, start, middle).decode("utf-8", "replace")
        if end > start and (only is None or name in only):
            yield Field(name, _unquoted(body, middle + 1, end))
        start = end + 1


def _unquoted(body: bytes, start: int, end: int) -> bytes:
    """What is between, without its percent-encoding, in memory in proportion to its length."""
    plain = bytearray()
    while start < end:
        until = min(start + _AT_ONCE, end)
        if until < end:  # an escape stays whole
            escape = body.rfind(b"%", until - _ESCAPE + 1, until)
            until = until if escape < 0 else escape
        plain += _ESCAPES.sub(_characters, body[start:until].replace(b"+", b" "))
        start = until
    return bytes(plain)


def _characters(escapes: re.Match[bytes]) -> bytes:
    return unhexlify(escapes[0].replace(b"%", b""))


def _multipart(body: bytes, boundary: bytes, only: Container[str] | None) -> tuple[Field, ...]:
    fields = _Fields(only)
    try:
        parser = MultipartParser(boundary, fields.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _no_form(str(error)[:200]) from error
    if not fields.complete:
        raise _no_form("it ends before its last part does")
    return tuple(fields.found)


class _Fields:
    """What the parser of multipart bodies reports, put together."""

    def __init__(self, only: Container[str] | None) -> None:
        self.found: list[Field] = []
        self.complete = False
        self._only = only
        self._parts = 0
        self._header = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._name_of_part = ""
        self._options: dict[bytes, bytes] = {}
        self._content = bytearray()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._name,
            "on_header_value": self._value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if self._parts >= MOST_FIELDS:
            raise FormParserError(f"it has more than {MOST_FIELDS} parts")
        self._parts += 1
        self._headers, self._content = {}, bytearray()

    def _name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        _, self._options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name_of_part = self._options.get(b"name", b"").decode("utf-8", "replace")

    @property
    def _wanted(self) -> bool:
        return self._only is None or self._name_of_part in self._only

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._content += data[start:end]

    def _part_end(self) -> None:
        if not self._wanted:
            return
        filename = self._options.get(b"filename")
        media_type = self._headers.get(b"content-type")
        self.found.append(
            Field(
                self._name_of_part,
                bytes(self._content),
                None if filename is None else filename.decode("utf-8", "replace"),
                None if media_type is None else media_type.decode("latin-1"),
            )
        )

    def _end(self) -> None:
        self.complete = True


def _no_form(problem: str) -> RefusedError:
    return RefusedError(
        400,
        "malformed-form",
        f"the body is no form: {problem}",
        FieldProblem("body", problem, "send a complete form"),
    )

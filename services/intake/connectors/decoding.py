"""How bodies are read, for several formats the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic_core import from_json
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.intake.connectors.port import WebhookRequest
from shared.errors import FieldProblem
from shared.web.problems import RefusedError
from shared.web.strict_json import require_json_type, strict_json

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS = 1_000
_URLENCODED = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
_LONGEST_BOUNDARY = 70  # RFC 2046, section 5.1.1


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
        # others.
        return strict_json(body)


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


def form(body: bytes, request: WebhookRequest | None) -> tuple[Field, ...]:
    """The fields of a form in their order, repeated ones too, whether urlencoded or multipart.

    Raises RefusedError: 415 unless the request says that it is a form, 400 for what is none or has
    more than MOST_FIELDS fields. Without a request, the body itself says which of the two it is.
    """
    kind, boundary = _form_type(body, request)
    return _multipart(body, boundary) if kind == _MULTIPART else _urlencoded(body)


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


def _urlencoded(body: bytes) -> tuple[Field, ...]:
    try:
        pairs = parse_qsl(
            body.decode("latin-1"),
            keep_blank_values=True,
            encoding="latin-1",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:
        raise _no_form(f"it has more than {MOST_FIELDS} fields") from error
    return tuple(
        Field(name.encode("latin-1").decode("utf-8", "replace"), value.encode("latin-1"))
        for name, value in pairs
    )


def _multipart(body: bytes, boundary: bytes) -> tuple[Field, ...]:
    fields = _Fields()
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

    def __init__(self) -> None:
        self.found: list[Field] = []
        self.complete = False
        self._header = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._name,
            "on_header_value": self._value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.found) >= MOST_FIELDS:
            raise FormParserError(f"it has more than {MOST_FIELDS} parts")
        self._headers, self._pieces = {}, []

    def _name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def _part_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        filename = options.get(b"filename")
        media_type = self._headers.get(b"content-type")
        self.found.append(
            Field(
                options.get(b"name", b"").decode("utf-8", "replace"),
                b"".join(self._pieces),
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

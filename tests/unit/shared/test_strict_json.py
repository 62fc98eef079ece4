"""Bodies are JSON and nothing but JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shared.web.problems import RefusedError
from shared.web.strict_json import MAX_DEPTH, SafeStr, require_json, strict_json


class _Text(BaseModel):
    text: SafeStr


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'\xef\xbb\xbf{"a": "\xc3\xa4"}', {"a": "ä"}),
        (b" [1, 2.5, null, true] ", [1, 2.5, None, True]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"-" + b"9" * 4300, 1 - 10**4300),
        (b'"' + b"[{" * 100 + b'"', "[{" * 100),
        (b'"\\"' + b"[" * 100 + b'"', '"' + "[" * 100),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b"[" + b"[]," * 500 + b"[]]", [[]] * 501),
    ],
)
def test_what_is_read(raw: bytes, value: Any) -> None:
    assert strict_json(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "line 1 column 1"),
        (b"{", "line 1 column 2"),
        (b'{"a": 1} x', "Extra data"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b'"\xed\xa0\xbd"', "is not UTF-8"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested too deep"),
        (b"[" * 200_000, "nested too deep"),
        (b"[" + b"[]," * 33 + b'"' + b'\\"' * 500_000, "Unterminated string"),
        (b"[" + b"[]," * 33 + b'"' + b'\\"' * 500_000 + b"\\", "Unterminated string"),
        (b"[" * 32 + b'"[' + b'\\"' * 9 + b'",[', "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"9" * 4301, "a number in it has more than 4300 digits"),
        (b'{"id": -' + b"9" * 4301 + b"}", "a number in it has more than 4300 digits"),
        (b'"\x00"', "control character"),
    ],
)
def test_what_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason) as refused:
        strict_json(raw)
    assert (refused.value.status, refused.value.code) == (400, "malformed-json")
    assert refused.value.problems[0].field == "body"


@pytest.mark.parametrize("text", ["a\0b", "\ud83d", "\udc00 x"])
def test_text_that_cannot_be_stored(text: str) -> None:
    with pytest.raises(ValidationError):
        _Text(text=text)
    assert _Text(text="🦊 \u2028").text == "🦊 \u2028"


@pytest.mark.parametrize(
    ("content_type", "fits"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json;charset="utf-8"', True),
        ("application/json; version=1", True),
        ('application/json ; profile="https://example.org/a" ;; charset = UTF-8; x', True),
        ("application/json; charset", True),
        ("application/json;charset=us-ascii", True),
        ("application/json; charset=latin-1", False),
        ("application/json; version=1; charset=latin-1", False),
        ("application/jsonx; charset=utf-8", False),
        ("text/plain; application/json", False),
        ("text/json", False),
        ("", False),
    ],
)
def test_the_content_type(content_type: str, *, fits: bool) -> None:
    scope = {"type": "http", "headers": [(b"content-type", content_type.encode())]}
    if fits:
        require_json(Request(scope))
        return
    with pytest.raises(RefusedError) as refused:
        require_json(Request(scope))
    assert refused.value.status == 415
    assert not content_type or content_type not in str(refused.value)

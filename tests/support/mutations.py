"""Bodies of deliveries, changed as no sender would on purpose: by bits, by values, by structure."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

Mutation = Callable[[random.Random, bytes], bytes]

ODD: Sequence[Any] = (
    None, True, False, 0, -1, 1, 7.5, 1e308, 2**53 + 1, 2**64, -(2**70), 10**400, "", " ", "x",
    "\0", "\ud800", "null", "x" * 5000, "9" * 5000, "-9" * 40, "1e999", "&#" + "9" * 5000 + ";",
    "<" * 3000, "<p" * 2000, "2026-13-99T99:99:99Z", "9999-12-31T23:59:59-14:00", "https://[",
    "https://example.org/" + "a" * 3000, [], [[]], [None], {}, {"": {}}, {"id": {}}, [[[[[[0]]]]]],
)  # fmt: skip
WORDS = ("id", "type", "text", "from", "message", "object", "event", "data", "\ud800", "")


def mutated(chance: random.Random, body: bytes) -> bytes:
    """The body after one to three changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        body = chance.choice(_fitting(body))(chance, body)
    return body


def _fitting(body: bytes) -> Sequence[Mutation]:
    if body[:1] in (b"{", b"["):
        return (_json, _json, _json, _doubled_key, *_BYTES)
    if b"=" in body and b"\n" not in body and b"<" not in body:
        return (_form, _form, *_BYTES)
    return _BYTES


def _flip(chance: random.Random, body: bytes) -> bytes:
    if not body:
        return b"\0"
    place = chance.randrange(len(body))
    return body[:place] + bytes([body[place] ^ (1 << chance.randrange(8))]) + body[place + 1 :]


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _leave_out(chance: random.Random, body: bytes) -> bytes:
    place = chance.randrange(len(body) + 1)
    return body[:place] + body[place + chance.randrange(1, 30) :]


def _repeat(chance: random.Random, body: bytes) -> bytes:
    place, width = chance.randrange(len(body) + 1), chance.randrange(1, 60)
    return body[:place] + body[place : place + width] * chance.choice((2, 3, 50)) + body[place:]


def _insert(chance: random.Random, body: bytes) -> bytes:
    place = chance.randrange(len(body) + 1)
    return body[:place] + chance.randbytes(chance.randrange(1, 9)) + body[place:]


_BYTES: Sequence[Mutation] = (_flip, _cut, _leave_out, _repeat, _insert)


def _json(chance: random.Random, body: bytes) -> bytes:
    """A value somewhere in it is another, is gone, or has another name."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _flip(chance, body)
    return _dumped(_changed(chance, document))


def _changed(chance: random.Random, value: Any) -> Any:
    if not value or not isinstance(value, dict | list):
        return chance.choice(ODD)
    changed: Any = value.copy()
    key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    match chance.randrange(8):
        case 0:
            del changed[key]
        case 1 if isinstance(changed, dict):
            changed[chance.choice(WORDS)] = changed.pop(key)
        case 2:
            changed[key] = [changed[key]]
        case 3:
            changed[key] = chance.choice(ODD)
        case _:
            changed[key] = _changed(chance, changed[key])
    return changed


def _doubled_key(chance: random.Random, body: bytes) -> bytes:
    """The same key again, right behind the bracket, with another value."""
    places = [place + 1 for place, byte in enumerate(body) if byte == ord("{")]
    if not places:
        return _flip(chance, body)
    place = chance.choice(places)
    key = body[place:].lstrip().partition(b":")[0]
    return body[:place] + key + b":" + _dumped(chance.choice(ODD)) + b"," + body[place:]


def _form(chance: random.Random, body: bytes) -> bytes:
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    if not pairs:
        return _flip(chance, body)
    place = chance.randrange(len(pairs))
    name, value = pairs[place]
    odd = _text(chance.choice(ODD))
    match chance.randrange(4):
        case 0:
            del pairs[place]
        case 1:
            pairs[place] = (chance.choice(WORDS[:8]), value)
        case 2:
            pairs.append((name, odd))
        case _:
            pairs[place] = (name, odd)
    return urlencode(pairs, errors="replace").encode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _dumped(value).decode()


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def bodies_of(recorded: Mapping[str, Any], connector: str) -> list[bytes]:
    """Those of recorded cases of this connector."""
    return [
        case.body for case in recorded.values() if case.connector == connector and case.has_body
    ]

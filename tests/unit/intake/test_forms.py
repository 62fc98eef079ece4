"""Forms as senders post them: in their order, byte by byte, and bounded."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.intake.connectors import mailgun
from services.intake.connectors.decoding import MOST_FIELDS, Field, form
from services.intake.connectors.port import WebhookRequest
from shared.web.problems import RefusedError

URLENCODED = b"application/x-www-form-urlencoded"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MULTIPART = b'Multipart/Form-Data; boundary="-x y"'


def request(content_type: bytes) -> WebhookRequest:
    return WebhookRequest("POST", [(b"content-type", content_type)])


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'---x y\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"---x y--\r\n"


def refused(body: bytes, content_type: bytes) -> int:
    with pytest.raises(RefusedError) as error:
        form(body, request(content_type))
    return error.value.status


def test_an_urlencoded_form_keeps_its_order_and_what_is_doubled() -> None:
    body = b"b=1&a=%FCber&b=2+3&empty=&=nameless"
    assert form(body, request(URLENCODED)) == (
        Field("b", b"1"),
        Field("a", b"\xfcber"),
        Field("b", b"2 3"),
        Field("empty", b""),
        Field("", b"nameless"),
    )


def test_a_multipart_form_brings_fields_and_files() -> None:
    file = part("f", b"\x00\r\n--\xff", '; filename="Skizze K\u00fcche.pdf"\r\nContent-Type: a/b')
    body = multipart(part("t", "Grüße".encode()), file, part("t", b""))
    assert form(body, request(MULTIPART)) == (
        Field("t", "Grüße".encode()),
        Field("f", b"\x00\r\n--\xff", "Skizze Küche.pdf", "a/b"),
        Field("t", b""),
    )


def test_what_is_kept_of_a_form_says_itself_which_one_it_is() -> None:
    for body, kind in ((multipart(part("a", b"1")), MULTIPART), (b"a=1", URLENCODED)):
        assert form(body, None) == form(body, request(kind))


@pytest.mark.parametrize(
    "content_type", [b"multipart/form-data", b"multipart/form-data; boundary=" + b"x" * 71]
)
def test_without_a_boundary_it_is_refused(content_type: bytes) -> None:
    assert refused(multipart(part("a", b"1")), content_type) == 400


def test_what_is_no_form_is_refused() -> None:
    for body in (b"", b"a=1", b"---x y\r\n", multipart(part("a", b"1"))[:-12], b"\xff" * 1000):
        assert refused(body, MULTIPART) == 400
    for kind in (b"", b"text/plain", b"application/json", b"\xff", b";"):
        assert refused(b"a=1", kind) == 415


def test_too_many_fields_are_refused_before_they_are_read() -> None:
    most = [part(str(number), b"") for number in range(MOST_FIELDS)]
    assert len(form(multipart(*most), request(MULTIPART))) == MOST_FIELDS
    assert refused(multipart(*most, part("one more", b"")), MULTIPART) == 400
    assert refused(multipart(*most * 10), MULTIPART) == 400
    assert refused(b"&".join([b"a=1"] * (MOST_FIELDS + 1)), URLENCODED) == 400


def test_a_large_form_costs_in_proportion_to_its_length() -> None:
    began = time.process_time()
    for body in (b"\r\n--" * 500_000, b"\r\n---x " * 300_000, b"\r" * 2_000_000):
        assert form(multipart(part("a", body)), request(MULTIPART)) == (Field("a", body),)
    assert time.process_time() - began < 5


HOSTILE = {
    "escapes": (b"text=" + b"%26" * 300_000, URLENCODED),
    "escapes between letters": (b"text=" + b"a%26" * 200_000, URLENCODED),
    "percent signs": (b"text=" + b"%" * 1_000_000, URLENCODED),
    "a name of escapes": (b"%26" * 300_000, URLENCODED),
    "line ends": (multipart(part("text", b"\r\n" * 400_000)), MULTIPART),
    "hyphens": (multipart(part("text", b"\r\n--" * 200_000)), MULTIPART),
}


def peak_of(function: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_form_takes_memory_in_proportion_to_its_length(kind: str) -> None:
    body, content_type = HOSTILE[kind]
    assert peak_of(lambda: form(body, request(content_type))) < 4 * len(body)


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_not_signed_takes_no_more_memory_than_it_has_bytes(kind: str) -> None:
    body, content_type = HOSTILE[kind]
    proof = mailgun.CONNECTOR.claim(request(content_type), (b"key",), NOW)

    def prove() -> None:
        with pytest.raises(RefusedError) as error:
            proof(body)
        assert error.value.status == 401

    assert peak_of(prove) < 3 * len(body)


def test_only_the_fields_that_are_asked_for_are_kept() -> None:
    found = (Field("b", b"2"), Field("b", b"3"))
    names = multipart(part("a", b"1"), part("b", b"2"), part("c", b""), part("b", b"3"))
    assert form(names, request(MULTIPART), only={"b"}) == found
    assert form(b"a=1&b=2&c&b=3", request(URLENCODED), only={"b"}) == found


@pytest.mark.parametrize("before", range(4_086, 4_100))
def test_an_escape_is_whole_wherever_it_stands(before: int) -> None:
    for escaped, plain in ((b"%2B+%zz%", b"+ %zz%"), (b"%%32%", b"%2%"), (b"%4%41", b"%4A")):
        (found,) = form(b"a=" + b"x" * before + escaped, request(URLENCODED))
        assert found.value == b"x" * before + plain

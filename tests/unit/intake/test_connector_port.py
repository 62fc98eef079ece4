"""What connectors see of a request, and how they compare what was signed."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from services.intake.connectors.port import WebhookRequest
from services.intake.connectors.signing import fits, of_base64, of_hex, same


def test_the_address_is_the_one_that_the_sender_called() -> None:
    request = WebhookRequest(
        "POST",
        [(b"host", b"desk.example.org:8443"), (b"host", b"other.example.org")],
        path="/intake/v1/webhooks/sms%20de",
        query=b"a=1&b=%C3%BC",
    )
    assert request.url == "https://desk.example.org:8443/intake/v1/webhooks/sms%20de?a=1&b=%C3%BC"
    assert request.parameters == {"a": "1", "b": "ü"}
    assert WebhookRequest("GET", [], "/x").url == "https:///x"


def test_of_a_repeated_header_the_first_is_taken_and_of_a_parameter_the_last() -> None:
    request = WebhookRequest("GET", [(b"x-a", b"\xff"), (b"x-a", b"2")], query=b"t=1&t=2&e=")
    assert (request.header("x-a"), request.header("x-b")) == (b"\xff", None)
    assert request.parameters == {"t": "2", "e": ""}


@pytest.mark.parametrize("query", [b"", b"&", b"=", b"%", b"%ff=%ff", b"\xff\xfe", b"a" * 10_000])
def test_no_query_is_too_odd(query: bytes) -> None:
    assert isinstance(WebhookRequest("GET", [], query=query).parameters, dict)


@pytest.mark.parametrize("text", [b"0", b"zz", b"\xff", b" 00", "é".encode(), b"0x00"])
def test_what_is_no_hex_is_nothing(text: bytes) -> None:
    assert of_hex(text) is None
    assert of_hex(b"00FF") == of_hex(b"00ff") == b"\0\xff"


@pytest.mark.parametrize("text", [b"A", b"%%%", b"\xff", b"AA==\n", b"AAAA AAAA"])
def test_what_is_no_base64_is_nothing(text: bytes) -> None:
    assert of_base64(text) is None
    assert of_base64(b"AP8=") == b"\0\xff"


def test_any_of_the_keys_may_have_made_any_of_the_signatures() -> None:
    made = hmac.digest(b"new", b"body", hashlib.sha1)
    assert fits([b"", made], [b"old", b"new"], b"body", algorithm="sha1")
    assert not fits([made], [b"old", b"new"], b"body")
    assert not fits([made], [b"old"], b"body", algorithm="sha1")
    assert not fits([], [b"new"], b"body")
    assert not fits([made], [], b"body")
    assert not same([b""], [])

"""A signature of the raw body in a header, in each of the forms that platforms write it."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime

import pytest

from services.intake.connectors.port import WebhookRequest
from services.intake.connectors.signing import (
    BodySignature,
    of_base64,
    require_fresh,
    secret_bytes,
)
from shared.web.problems import RefusedError

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = (b"the first secret", b"the second secret")
BODY = b'{"text": "Gr\\u00fc\\u00dfe"}\n'

HEX = BodySignature("x-signature")
BASE64 = BodySignature("x-signature", encoding=of_base64)
SHA1 = BodySignature("x-signature", prefix=b"sha1=", algorithm="sha1")
BARE = BodySignature("x-signature", prefix=b"mac=", bare=True, before=b"mac=")


def proven(signature: BodySignature, value: bytes | None, body: bytes = BODY) -> bool:
    headers = [] if value is None else [(b"x-signature", value)]
    try:
        signature.claim(WebhookRequest("POST", headers), KEYS, NOON)(body)
    except RefusedError as refused:
        return refused.status != 401 or "x-signature" not in refused.detail
    return True


def mac(key: bytes, signed: bytes = BODY, algorithm: str = "sha256") -> bytes:
    return hmac.digest(key, signed, algorithm)


@pytest.mark.parametrize("key", KEYS)
def test_any_of_the_secrets_may_have_signed(key: bytes) -> None:
    assert proven(HEX, b"sha256=" + mac(key).hex().encode())
    assert proven(HEX, b"sha256=" + mac(key).hex().upper().encode())
    assert proven(BASE64, b"sha256=" + base64.b64encode(mac(key)))
    assert proven(SHA1, b"sha1=" + mac(key, algorithm="sha1").hex().encode())
    for written in (b"mac=", b""):
        assert proven(BARE, written + mac(key, b"mac=" + BODY).hex().encode())


def test_nothing_else_proves_anything() -> None:
    good = mac(KEYS[0]).hex().encode()
    assert not proven(HEX, good)  # without its prefix
    assert not proven(HEX, b"sha256=" + good, BODY + b" ")
    assert not proven(HEX, b"sha256=" + mac(b"a third secret").hex().encode())
    assert not proven(HEX, b"sha256=" + good[:-2])
    assert not proven(BASE64, b"sha256=" + good)
    assert not proven(SHA1, b"sha1=" + good)
    assert not proven(BARE, mac(KEYS[0], BODY).hex().encode())
    for strange in (
        None,
        b"",
        b"sha256=",
        b"sha256=n\xf6t-hex",
        b"\xff" * 64,
        b"sha256=" + b"0" * 9,
    ):
        assert not proven(HEX, strange)
        assert not proven(BARE, strange)


def test_what_cannot_be_a_secret_is_said() -> None:
    assert secret_bytes(["a-secret", "Schlüssel"]) == (b"a-secret", "Schlüssel".encode())
    assert secret_bytes(["a pass phrase"]) == (b"a pass phrase",)
    for wrong in ("short", "two lines\nof it", " a-secret"):
        with pytest.raises(ValueError, match="secret"):
            secret_bytes(["a-secret", wrong])


@pytest.mark.parametrize(
    ("seconds", "problem"),
    [
        ("1795521600", None),
        ("1795521300", None),
        ("1795521900", None),
        ("1795521299", "too old"),
        ("1795521901", "in the future"),
        ("", "no number"),
        ("-1795521600", "no number"),
        ("1795521600000", "no number"),
        ("\xb2", "no number"),
        ("1795521600.5", "no number"),
    ],
)
def test_a_time_that_is_signed_may_be_five_minutes_off(seconds: str, problem: str | None) -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    if problem is None:
        require_fresh("at", seconds.encode("latin-1"), now=now)
    else:
        with pytest.raises(RefusedError, match=problem):
            require_fresh("at", seconds.encode("latin-1"), now=now)

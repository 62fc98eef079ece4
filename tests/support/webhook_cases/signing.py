"""How each platform signs, done anew for every delivery: what is too old would be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.webhook_cases.case import Case

Headers = Mapping[str, str]
UNSIGNED = frozenset({"none", "x-crc", "linkedin-challenge"})
"""Handshakes: what is asked, or answered, is signed by us."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What is to be signed: `url` is the one that the sender calls, `now` in Unix seconds."""

    body: bytes
    secret: str
    url: str
    now: int
    recipe: Mapping[str, Any]
    content_type: str = ""

    @property
    def time(self) -> str:
        """`at` is a fixed one, `skew` is off by so many seconds."""
        return str(self.recipe.get("at", self.now + self.recipe.get("skew", 0)))

    @property
    def signed(self) -> bytes:
        """Of what the signature is made; another body is sent where it was tampered with."""
        return self.body + b" " if self.recipe.get("mode") == "tampered" else self.body


def signed(case: Case, url: str, now: int) -> tuple[dict[str, str], bytes]:
    """The headers and the body with which the case is sent."""
    expected = case.expected
    recipe = case.signing
    content_type = expected.get("content_type") or ""
    headers = {"Content-Type": content_type} if content_type else {}
    headers |= expected.get("static_headers") or {}
    mode = recipe.get("mode", "valid")
    if mode == "missing" or recipe["scheme"] in UNSIGNED:
        return headers, case.body
    if recipe["scheme"] not in SCHEMES:
        return dict(expected["headers"]), case.body
    secret = wrong(case.secret) if mode == "wrong-secret" else case.secret
    given = recipe.get("url")
    unsigned = Unsigned(
        case.body,
        secret,
        url if given is None else called(given, expected["url"], url),
        now,
        recipe,
        content_type,
    )
    made, body = SCHEMES[recipe["scheme"]](unsigned)
    return {**headers, **made}, body


def called(given: str, recorded: str, here: str) -> str:
    """The address that was signed, where it is another than the recorded one: it differs from the
    one here in the same parts.
    """
    parts = zip(urlsplit(given), urlsplit(recorded), urlsplit(here), strict=True)
    return urlunsplit([ours if there == usual else there for there, usual, ours in parts])


def wrong(secret: str) -> str:
    """Another secret of the same form."""
    if secret.startswith("whsec_"):
        other = hashlib.sha256(secret.encode()).digest()
        return "whsec_" + base64.b64encode(other).decode()
    return secret[::-1] + "-wrong"


def mac(key: str | bytes, content: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.digest(key.encode() if isinstance(key, str) else key, content, algorithm)


def base64_text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _body_hmac(
    header: str, prefix: str, *, algorithm: str = "sha256", before: bytes = b""
) -> Callable[[Unsigned], tuple[Headers, bytes]]:
    def sign(it: Unsigned) -> tuple[Headers, bytes]:
        digest = mac(it.secret, before + it.signed, algorithm).hex()
        return {header: it.recipe.get("literal") or prefix + digest}, it.body

    return sign


def _x(it: Unsigned) -> tuple[Headers, bytes]:
    signature = base64_text(mac(it.secret, it.signed))
    return {"x-twitter-webhooks-signature": f"sha256={signature}"}, it.body


def _token(it: Unsigned) -> tuple[Headers, bytes]:
    return {"X-Telegram-Bot-Api-Secret-Token": it.secret}, it.body


def _basic(it: Unsigned) -> tuple[Headers, bytes]:
    return {"Authorization": f"Basic {base64_text(it.secret.encode())}"}, it.body


def _bearer(it: Unsigned) -> tuple[Headers, bytes]:
    return {"Authorization": f"Bearer {it.secret}"}, it.body


def _slack(it: Unsigned) -> tuple[Headers, bytes]:
    signature = mac(it.secret, f"v0:{it.time}:".encode() + it.signed).hex()
    made = {"X-Slack-Request-Timestamp": it.time, "X-Slack-Signature": f"v0={signature}"}
    return made, it.body


def _twilio(it: Unsigned) -> tuple[Headers, bytes]:
    """`tampered-form`: the last field was added afterwards."""
    form = it.body.rsplit(b"&", 1)[0] if it.recipe.get("mode") == "tampered-form" else it.body
    content = it.url
    if "json" not in it.content_type:
        values: dict[str, set[str]] = {}
        for name, value in parse_qsl(form.decode(), keep_blank_values=True):
            values.setdefault(name, set()).add(value)
        content += "".join(
            name + value for name in sorted(values) for value in sorted(values[name])
        )
    signature = base64_text(mac(it.secret, content.encode(), "sha1"))
    return {"X-Twilio-Signature": signature}, it.body


def _mailgun(it: Unsigned) -> tuple[Headers, bytes]:
    """The signature is one of the form's fields, and so is the time."""
    token = _field(it, "token")
    body = _with_field(it.body, it.content_type, "timestamp", it.time)
    signature = mac(it.secret, (it.time + token).encode()).hex()
    return {}, _with_field(body, it.content_type, "signature", signature)


def _part(name: str) -> re.Pattern[bytes]:
    """A field of a multipart form, as what stands before its value, and the value."""
    return re.compile(
        rb'(name="' + re.escape(name.encode()) + rb'"\r\n(?:[^\r\n]+\r\n)*\r\n)([^\r\n]*)'
    )


def _field(it: Unsigned, name: str) -> str:
    if not it.content_type.startswith("multipart/"):
        return dict(parse_qsl(it.body.decode(), keep_blank_values=True))[name]
    found = _part(name).search(it.body)
    assert found is not None, f"the form has no {name}"
    return found[2].decode()


def _with_field(body: bytes, content_type: str, name: str, value: str) -> bytes:
    if content_type.startswith("multipart/"):
        return _part(name).sub(lambda found: found[1] + value.encode(), body, count=1)
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    return urlencode([(key, value if key == name else old) for key, old in pairs]).encode()


def _sendgrid(it: Unsigned) -> tuple[Headers, bytes]:
    """Here the secret is the sender's private key."""
    key = serialization.load_der_private_key(base64.b64decode(it.secret), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    signature = key.sign(it.time.encode() + it.signed, ECDSA(hashes.SHA256()))
    prefix = "X-Twilio-Email-Event-Webhook-"
    made = {f"{prefix}Signature": base64_text(signature), f"{prefix}Timestamp": it.time}
    return made, it.body


def _standard_webhooks(it: Unsigned) -> tuple[Headers, bytes]:
    content = f"{it.recipe['id']}.{it.time}.".encode() + it.signed
    signatures = [_standard_signature(it, kind, content) for kind in it.recipe.get("sigs", ["v1"])]
    made = {
        "webhook-id": it.recipe["id"],
        "webhook-timestamp": it.time,
        "webhook-signature": " ".join(signatures),
    }
    left_out = it.recipe.get("drop", ())
    return {name: value for name, value in made.items() if name not in left_out}, it.body


def _standard_signature(it: Unsigned, kind: str, content: bytes) -> str:
    """`old` is by another secret, `v2` a version that does not exist, `v1a` by a private key."""
    match kind:
        case "v1a":
            seed = base64.b64decode(it.recipe.get("private", it.secret).partition("_")[2])[:32]
            return f"v1a,{base64_text(Ed25519PrivateKey.from_private_bytes(seed).sign(content))}"
        case "old":
            return f"v1,{base64_text(mac(_standard_key(wrong(it.secret)), content))}"
        case _ if "," in kind:
            return kind
    version = kind if kind == "v2" else "v1"
    return f"{version},{base64_text(mac(_standard_key(it.secret), content))}"


def _standard_key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    return base64.b64decode(text + "=" * (-len(text) % 4))


SCHEMES: Mapping[str, Callable[[Unsigned], tuple[Headers, bytes]]] = {
    "meta": _body_hmac("X-Hub-Signature-256", "sha256="),
    "github": _body_hmac("X-Hub-Signature-256", "sha256="),
    "mastodon": _body_hmac("X-Hub-Signature", "sha256="),
    "websub-sha1": _body_hmac("X-Hub-Signature", "sha1=", algorithm="sha1"),
    "discourse": _body_hmac("X-Discourse-Event-Signature", "sha256="),
    "linkedin": _body_hmac("X-LI-Signature", "", before=b"hmacsha256="),
    "x": _x,
    "telegram": _token,
    "basic": _basic,
    "bearer": _bearer,
    "slack": _slack,
    "twilio": _twilio,
    "mailgun": _mailgun,
    "sendgrid": _sendgrid,
    "standard-webhooks": _standard_webhooks,
}

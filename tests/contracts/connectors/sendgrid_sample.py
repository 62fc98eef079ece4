"""Deliveries of SendGrid's Inbound Parse."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.intake.connectors.sendgrid import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent

_BOUNDARY = b"xYzZY"
_PRIVATE = ("1234567890", "9876543210")
"""What signs: numbers of which keys are made."""


def private_key(number: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(number), ec.SECP256R1())


def public_key(number: str) -> str:
    key = private_key(number).public_key()
    return base64.b64encode(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return b"--" + _BOUNDARY + b"\r\n" + head.encode() + value + b"\r\n"


def _mail(id_: str, more: str = "") -> bytes:
    headers = (
        f"From: Erika <erika@kunde.example>\r\n{more}Message-ID: <{id_}>\r\nSubject: Frage\r\n"
    )
    return b"".join(
        (
            part("headers", headers.encode()),
            part("from", b"Erika <e@kunde.example>"),
            part("text", "Grüße".encode("cp1252")),
            part("charsets", b'{"text": "windows-1252", "from": "UTF-8"}'),
            part("dkim", b"{@kunde.example : pass}"),
            part("attachment1", b"%PDF", '; filename="a.pdf"\r\nContent-Type: application/pdf'),
        )
    )


def _delivery(mails: Sequence[bytes]) -> bytes:
    return b"".join(mails[:1]) + b"--" + _BOUNDARY + b"--\r\n"


def _sign(body: bytes, secret: str, now: datetime) -> Sent:
    timestamp = str(int(now.timestamp())).encode()
    signature = private_key(secret).sign(timestamp + body, ec.ECDSA(SHA256()))
    headers = {
        "content-type": b"multipart/form-data; boundary=" + _BOUNDARY,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature),
        "x-twilio-email-event-webhook-timestamp": timestamp,
    }
    return Sent(body, headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=tuple(public_key(each) for each in _PRIVATE),
    signing=_PRIVATE,
    stranger="5555555555",
    no_secrets=("short", "MFkwbm8ga2V5"),
    items={
        "message": _mail,
        "ignored": lambda id_: _mail(id_, "Auto-Submitted: auto-replied\r\n"),
    },
    delivery=_delivery,
    sign=_sign,
    proof=(
        "x-twilio-email-event-webhook-signature",
        "x-twilio-email-event-webhook-timestamp",
    ),
    no_delivery=(b"", b"--xYzZY\r\n", part("other", b"1") + b"--xYzZY--\r\n"),
    most=1,
)

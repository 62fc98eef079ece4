"""Deliveries of Mailgun's routes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from services.intake.connectors.mailgun import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent

_SECRETS = ("key-of-the-first-account", "key-while-it-is-changed")


def _fields(id_: str, **more: str) -> Mapping[str, str]:
    headers = {"Subject": "Frage", "Message-Id": f"<{id_}>", **more}
    return {
        "recipient": "help@desk.example",
        "sender": "erika@kunde.example",
        "from": "Erika <erika@kunde.example>",
        "subject": "Frage",
        "body-plain": "Guten Tag\r\n\r\n-- \r\nErika",
        "stripped-text": "Guten Tag",
        "message-headers": json.dumps(list(headers.items())),
    }


def _delivery(mails: Sequence[Mapping[str, str]]) -> bytes:
    return urlencode(mails[0]).encode() if mails else b""


def signature(secret: str, timestamp: str, token: str) -> str:
    return hmac.digest(secret.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hex()


def _sign(body: bytes, secret: str, now: datetime) -> Sent:
    timestamp = str(int(now.timestamp()))
    token = hashlib.sha256(body + timestamp.encode()).hexdigest()[:50]
    signed = {"timestamp": timestamp, "token": token}
    signed["signature"] = signature(secret, timestamp, token)
    headers = {"content-type": b"application/x-www-form-urlencoded"}
    return Sent(body + b"&" * bool(body) + urlencode(signed).encode(), headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=_SECRETS,
    signing=_SECRETS,
    stranger="key-of-nobody",
    no_secrets=("short",),
    items={
        "message": _fields,
        "ignored": lambda id_: _fields(id_, **{"Auto-Submitted": "auto-replied"}),
    },
    delivery=_delivery,
    sign=_sign,
    proof=(),
    no_delivery=(b"", b"other=1"),
    most=1,
)

"""Deliveries of Postmark's inbound stream."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.postmark import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent

_SECRETS = ("desk:a-pässword", "desk:another-password")


def _mail(id_: str, **headers: str) -> Mapping[str, Any]:
    return {
        "From": "erika@kunde.example",
        "FromFull": {"Email": "erika@kunde.example", "Name": 'Erika "E", Muster'},
        "To": "help@desk.example",
        "Subject": "Frage",
        "MessageID": "00000000-1111-2222-3333-444444444444",
        "Date": "Tue, 24 Nov 2026 10:00:00 +0100",
        "TextBody": "Guten Tag",
        "HtmlBody": "",
        "StrippedTextReply": "",
        "Headers": [
            {"Name": name, "Value": value}
            for name, value in {"Message-ID": f"<{id_}>", **headers}.items()
        ],
        "Attachments": [
            {
                "Name": "a.txt",
                "Content": base64.b64encode(b"a").decode(),
                "ContentType": "text/plain",
            }
        ],
    }


def _delivery(mails: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps(mails[0]).encode() if mails else b"{}"


def _sign(body: bytes, secret: str, _now: datetime) -> Sent:
    credentials = base64.b64encode(secret.encode())
    headers = {"content-type": b"application/json", "authorization": b"Basic " + credentials}
    return Sent(body, headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=_SECRETS,
    signing=_SECRETS,
    stranger="desk:password-of-nobody",
    no_secrets=("no-password-in-this-secret", "a:b"),
    items={
        "message": _mail,
        "ignored": lambda id_: _mail(id_, **{"Auto-Submitted": "auto-replied"}),
    },
    delivery=_delivery,
    sign=_sign,
    proof=("authorization",),
    no_delivery=(b"{}", b"[]", b'{"RecordType": "Bounce"}', b"{"),
    signs_body=False,
    most=1,
)

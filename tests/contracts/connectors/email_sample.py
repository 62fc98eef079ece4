"""Deliveries of raw mails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.intake.connectors.raw_email import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent

_SECRETS = ("a-token-of-the-relay", "another-one-meanwhile")


def mail(id_: str, more: str = "") -> bytes:
    return (
        f"From: Erika <erika@kunde.example>\r\nTo: help@desk.example\r\n{more}"
        f"Subject: Frage\r\nMessage-ID: <{id_}>\r\n\r\nGuten Tag\r\n"
    ).encode()


def automatic(id_: str) -> bytes:
    return mail(id_, "Auto-Submitted: auto-replied\r\n")


def _delivery(mails: Sequence[bytes]) -> bytes:
    return b"".join(mails[:1])


def _sign(body: bytes, secret: str, _now: datetime) -> Sent:
    headers = {"content-type": b"message/rfc822", "authorization": f"Bearer {secret}".encode()}
    return Sent(body, headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=_SECRETS,
    signing=_SECRETS,
    stranger="a-token-of-nobody",
    no_secrets=("short", "two\nlines"),
    items={"message": mail, "ignored": automatic},
    delivery=_delivery,
    sign=_sign,
    proof=("authorization",),
    no_delivery=(b"",),
    signs_body=False,
    most=1,
)

"""Events in batches."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.cloudevents import CONNECTOR
from services.intake.connectors.port import Answer
from tests.contracts.connectors.platforms import NO_SECRETS, STRANGER
from tests.contracts.connectors.sample import Sample, Sent

SECRETS = ("a-first-secret", "a-second-secret")


def event(type_: str, id_: Any, **parts: Any) -> dict[str, Any]:
    """An event of a message; `parts` are other attributes."""
    return {
        "specversion": "1.0",
        "type": f"example.{type_}",
        "source": "/shop",
        "id": "e-1",
        "time": "2026-11-24T11:59:59Z",
        "data": {"id": id_, "thread_id": id_, "author": {"id": "u"}, "text": "Grüße"},
        **parts,
    }


def _of(type_: str) -> Callable[[str], Any]:
    return lambda id_: event(type_, id_)


def _delivery(events: Sequence[Any]) -> bytes:
    return json.dumps(events).encode()


def sign(body: bytes, secret: str, _now: datetime) -> Sent:
    headers = {
        "content-type": b"application/cloudevents-batch+json",
        "authorization": f"Bearer {secret}".encode(),
    }
    return Sent(body, headers)


def _asked(**headers: bytes) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent(method="OPTIONS", headers=named)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": _of("message.created"),
        "edited": _of("message.edited"),
        "withdrawn": _of("message.deleted"),
        "ignored": _of("invoice.paid"),
        "broken": lambda _: {"specversion": "1.0", "id": "e-2", "data": {"text": "Hallo"}},
    },
    delivery=_delivery,
    sign=sign,
    proof=("authorization",),
    no_delivery=(b"", b"{", b"7", b"{}"),
    signs_body=False,
    handshakes=(
        (
            _asked(webhook_request_origin=b"shop.example", webhook_request_rate=b"120"),
            Answer(
                200,
                headers={
                    "webhook-allowed-origin": "shop.example",
                    "webhook-allowed-rate": "*",
                },
            ),
        ),
    ),
    refused_handshakes=(
        _asked(),
        _asked(webhook_request_origin=b"\xff\x80"),
        _asked(webhook_request_origin=b"a" * 300),
    ),
)

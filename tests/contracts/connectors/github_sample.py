"""Comments below an issue."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from services.intake.connectors.github import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER, signed_body
from tests.contracts.connectors.sample import Sample


def event(action: str, id_: Any, **parts: Any) -> dict[str, Any]:
    """An event of a comment; `parts` are other fields of the comment."""
    return {
        "action": action,
        "issue": {"number": 7, "title": "Es geht nicht"},
        "comment": {
            "id": id_,
            "user": {"id": 40, "login": "kim", "type": "User"},
            "body": "Grüße",
            "created_at": "2026-11-24T11:59:58Z",
            "updated_at": "2026-11-24T11:59:59Z",
            "html_url": "https://example.org/kim/shop/issues/7#c",
            **parts,
        },
        "repository": {"full_name": "kim/shop", "private": False},
    }


def _of(action: str) -> Callable[[str], Any]:
    return lambda id_: event(action, id_)


def _delivery(events: Sequence[Any]) -> bytes:
    return json.dumps(events[0]).encode()


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": _of("created"),
        "edited": _of("edited"),
        "withdrawn": _of("deleted"),
        "ignored": _of("pinned"),
        "broken": lambda _: {"action": "created", "comment": {"body": "Hallo"}},
    },
    delivery=_delivery,
    sign=signed_body("x-hub-signature-256", "sha256=", more={"x-github-event": b"issue_comment"}),
    proof=("x-hub-signature-256",),
    no_delivery=(b"", b"{", b"[]", b"7"),
    most=1,
)

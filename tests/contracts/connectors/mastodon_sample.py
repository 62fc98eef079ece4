"""Posts as an instance's administration reports them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from services.intake.connectors.mastodon import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER, signed_body
from tests.contracts.connectors.sample import Sample


def status(id_: str, **parts: Any) -> dict[str, Any]:
    """A public post; `parts` are other fields of it."""
    return {
        "id": id_,
        "created_at": "2026-11-24T11:59:58.123Z",
        "in_reply_to_id": None,
        "spoiler_text": "",
        "visibility": "public",
        "content": "<p>Grüße aus dem Süden</p>",
        "reblog": None,
        "account": {"id": "31", "acct": "kim@other.example", "display_name": "Kim"},
        "media_attachments": [],
        **parts,
    }


def event(name: str, **parts: Any) -> Callable[[str], Any]:
    return lambda id_: {"event": name, "object": status(id_, **parts)}


def _delivery(events: Sequence[Any]) -> bytes:
    return json.dumps(events[0], ensure_ascii=False).encode("utf-8", "surrogatepass")


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": event("status.created"),
        "edited": event("status.updated", edited_at="2026-11-24T11:59:59Z"),
        "ignored": event("status.created", reblog={"id": "9"}),
        "broken": lambda _: {"event": "status.created", "object": {"content": "<p>Hallo</p>"}},
    },
    delivery=_delivery,
    sign=signed_body("x-hub-signature", "sha256="),
    proof=("x-hub-signature",),
    no_delivery=(b"", b"{", b"7", b"{}", b'{"event": 1}', b'{"event": "status.created"}'),
    most=1,
)

"""Posts of a forum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.discourse import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER, signed_body
from tests.contracts.connectors.sample import Sample, Sent

_HEADER = "x-discourse-event-signature"
_KINDS = {"Grüße": b"post_created", "geändert": b"post_edited", "weg": b"post_destroyed"}


def post(id_: Any, text: str = "Grüße", **parts: Any) -> dict[str, Any]:
    """A post of a public topic; `parts` are other fields of it."""
    return {
        "post": {
            "id": id_,
            "topic_id": 12,
            "topic_title": "Es klemmt",
            "post_number": 3,
            "post_type": 1,
            "user_id": 40,
            "username": "kim",
            "name": "Kim Özdemir",
            "raw": text,
            "created_at": "2026-11-24T11:59:58.123Z",
            "updated_at": "2026-11-24T11:59:59Z",
            "topic_archetype": "regular",
            **parts,
        }
    }


def _delivery(posts: Sequence[Any]) -> bytes:
    return json.dumps(posts[0]).encode()


def _sign(body: bytes, secret: str, now: datetime) -> Sent:
    """What happened is in a header only; here the text says which it is."""
    event = next((name for text, name in _KINDS.items() if json.dumps(text).encode() in body), None)
    more = {"x-discourse-event": event or b"post_created"}
    return signed_body(_HEADER, "sha256=", more=more)(body, secret, now)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": post,
        "edited": lambda id_: post(id_, "geändert"),
        "withdrawn": lambda id_: post(id_, "weg"),
        "ignored": lambda id_: post(id_, post_type=3),
        "broken": lambda _: {"post": {"raw": "Hallo"}},
    },
    delivery=_delivery,
    sign=_sign,
    proof=(_HEADER,),
    no_delivery=(b"", b"{", b"[]", b"7"),
    most=1,
)

"""Updates of a bot."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.telegram import CONNECTOR
from tests.contracts.connectors.sample import Sample, Sent

SECRETS = ("a-first_secret", "a-second_secret")
CHAT = {"id": -1009007199254740, "type": "supergroup", "title": "Gäste"}


def message(id_: Any, **parts: Any) -> dict[str, Any]:
    """In a group, by a person; `parts` are other fields of it."""
    return {
        "message_id": id_,
        "chat": CHAT,
        "from": {"id": 77, "is_bot": False, "first_name": "Kim", "last_name": "Özdemir"},
        "date": 1795521595,
        "text": "Grüße",
        **parts,
    }


def update(kind: str, **parts: Any) -> Callable[[str], Any]:
    return lambda id_: {"update_id": 5, kind: message(id_, **parts)}


def _delivery(updates: Sequence[Any]) -> bytes:
    return json.dumps(updates[0]).encode()


def _sign(body: bytes, secret: str, _now: datetime) -> Sent:
    headers = {
        "content-type": b"application/json",
        "x-telegram-bot-api-secret-token": secret.encode(),
    }
    return Sent(body, headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger="a-third_secret",
    no_secrets=("short", "a secret with blanks", "ein-geheimniß"),
    items={
        "message": update("message"),
        "own_post": update("message", sender_chat=CHAT),
        "edited": update("edited_message", edit_date=1795521597),
        "withdrawn": lambda id_: {
            "update_id": 6,
            "deleted_business_messages": {"chat": CHAT, "message_ids": [id_]},
        },
        "ignored": update("message", text=None, new_chat_members=[{"id": 9}]),
        "broken": lambda _: {"update_id": 7, "message": {"chat": CHAT, "text": "Hallo"}},
    },
    delivery=_delivery,
    sign=_sign,
    proof=("x-telegram-bot-api-secret-token",),
    no_delivery=(b"", b"{", b"[]", b"7", b"{}", b'{"message": {}}'),
    most=1,
    stored_id=lambda id_: f"{CHAT['id']}:{id_}",
    signs_body=False,
)

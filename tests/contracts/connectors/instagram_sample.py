"""Comments and direct messages on Instagram."""

from __future__ import annotations

from typing import Any

from services.intake.connectors.instagram import CONNECTOR
from tests.contracts.connectors.meta_deliveries import sample

ACCOUNT = "17840001"
CUSTOMER = {"id": "99001", "username": "erika.muster"}
OURSELVES = {"id": "17849999", "username": "wir", "self_ig_scoped_id": "8806001"}


def comment(
    id_: str | None, field: str = "comments", author: Any = CUSTOMER, **changed: Any
) -> Any:
    value = {
        "id": id_,
        "from": author,
        "media": {"id": "18170001", "media_product_type": "FEED"},
        "text": "Wunderschön 😍",
        **changed,
    }
    change = {"field": field, "value": value}
    entry = {"id": ACCOUNT, "time": 1795521600, "changes": change}
    return {"object": "instagram", "entry": entry}


def message(id_: str, **parts: Any) -> Any:
    event = {
        "sender": {"id": CUSTOMER["id"]},
        "recipient": {"id": ACCOUNT},
        "timestamp": 1795521600123,
        "message": {"mid": id_, "text": "Grüße", **parts},
    }
    entry = {"id": ACCOUNT, "time": 1795521600200, "messaging": event}
    return {"object": "instagram", "entry": entry}


SAMPLE = sample(
    CONNECTOR,
    {
        "message": comment,
        "own_post": lambda id_: comment(id_, author=OURSELVES),
        "withdrawn": lambda id_: message(id_, is_deleted=True),
        "ignored": lambda id_: comment(id_, "story_insights"),
        "broken": lambda _: comment(None),
    },
)

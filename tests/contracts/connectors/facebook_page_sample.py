"""Comments on a Facebook page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.intake.connectors.facebook_page import CONNECTOR
from tests.contracts.connectors.meta_deliveries import sample

PAGE, POST = "3311", "3311_7001"


def comment(id_: str, verb: Any = "add", **changed: Any) -> Any:
    value = {
        "item": "comment",
        "verb": verb,
        "comment_id": id_,
        "post_id": POST,
        "parent_id": POST,
        "from": {"id": "8801", "name": "Erika Muster"},
        "message": "Grüße, wann öffnet ihr?",
        "created_time": 1795521600,
        "post": {"permalink_url": "https://www.facebook.com/3311/posts/7001"},
    }
    value |= changed
    kept = {name: each for name, each in value.items() if each is not None}
    change = {"field": "feed", "value": kept}
    return {"object": "page", "entry": {"id": PAGE, "time": 1795521601, "changes": change}}


def _comment(*verb: str, **changed: Any) -> Callable[[str], Any]:
    return lambda id_: comment(id_, *verb, **changed)


SAMPLE = sample(
    CONNECTOR,
    {
        "message": comment,
        "own_post": _comment(**{"from": {"id": PAGE, "name": "Wir"}}),
        "edited": _comment("edited"),
        "withdrawn": _comment("remove", message=None),
        "ignored": _comment(item="reaction"),
        "broken": lambda _: comment("", comment_id=None),
    },
)

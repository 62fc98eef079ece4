"""Messages to a Facebook page on Messenger."""

from __future__ import annotations

from typing import Any

from services.intake.connectors.messenger import CONNECTOR
from tests.contracts.connectors.meta_deliveries import sample

PAGE, CUSTOMER = "3311", "24001"


def event(**parts: Any) -> Any:
    said = {
        "sender": {"id": CUSTOMER},
        "recipient": {"id": PAGE},
        "timestamp": 1795521600123,
        **parts,
    }
    return {"object": "page", "entry": {"id": PAGE, "time": 1795521600200, "messaging": said}}


def message(id_: str, **parts: Any) -> Any:
    return event(message={"mid": id_, "text": "Grüße", **parts})


def echo(id_: str, **parts: Any) -> Any:
    return event(
        sender={"id": PAGE},
        recipient={"id": CUSTOMER},
        message={"mid": id_, "text": "Gern!", "is_echo": True, "app_id": 15},
        **parts,
    )


SAMPLE = sample(
    CONNECTOR,
    {
        "message": message,
        "own_post": echo,
        "edited": lambda id_: event(message_edit={"mid": id_, "text": "Grüße!", "num_edit": 1}),
        "withdrawn": lambda id_: message(id_, is_deleted=True),
        "ignored": lambda id_: event(reaction={"mid": id_, "action": "react", "emoji": "💚"}),
        "broken": lambda _: event(message={"text": "ohne Nummer"}),
    },
)

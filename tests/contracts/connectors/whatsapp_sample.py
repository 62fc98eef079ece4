"""Messages to a number of ours on WhatsApp."""

from __future__ import annotations

from typing import Any

from services.intake.connectors.whatsapp import CONNECTOR
from tests.contracts.connectors.meta_deliveries import sample

NUMBER, CUSTOMER = "118200", "491701234567"
METADATA = {"display_phone_number": "493012345", "phone_number_id": NUMBER}


def change(field: str = "messages", **value: Any) -> Any:
    change = {"field": field, "value": {"metadata": METADATA, **value}}
    return {"object": "whatsapp_business_account", "entry": {"id": "1022", "changes": change}}


def message(id_: str | None, type_: str = "text", **parts: Any) -> Any:
    contact = {"profile": {"name": "Zoë Krüger"}, "wa_id": CUSTOMER}
    said = {
        "from": CUSTOMER,
        "id": id_,
        "timestamp": "1795521600",
        "type": type_,
        "text": {"body": "Grüße"},
        **parts,
    }
    return change(contacts=contact, messages=said)


def echo(id_: str, **parts: Any) -> Any:
    said = {
        "from": "493012345",
        "to": CUSTOMER,
        "id": id_,
        "timestamp": "1795521600",
        "type": "text",
        "text": {"body": "Gern!"},
        **parts,
    }
    return change("smb_message_echoes", message_echoes=said)


def edit(id_: str, text: str | None = "Grüße!") -> Any:
    words = {"type": "text", "text": {"body": text}}
    return message("wamid.E", "edit", edit={"original_message_id": id_, "message": words})


SAMPLE = sample(
    CONNECTOR,
    {
        "message": message,
        "own_post": echo,
        "edited": edit,
        "withdrawn": lambda id_: message("w", "revoke", revoke={"original_message_id": id_}),
        "ignored": lambda id_: change(statuses={"id": id_, "status": "read"}),
        "broken": lambda _: message(None),
    },
)

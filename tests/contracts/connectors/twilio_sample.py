"""Messages to a number."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from services.intake.connectors.twilio import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER
from tests.contracts.connectors.sample import PATH, Sample, Sent

URL = f"https://desk{PATH}?number=2"


def fields(id_: str, **parts: Any) -> dict[str, Any]:
    return {"MessageSid": id_, "From": "+491701", "To": "+49302", "Body": "Grüße", **parts}


def _delivery(messages: Sequence[Any]) -> bytes:
    return urlencode(messages[0]).encode()


def sign(body: bytes, secret: str, _now: datetime) -> Sent:
    return signed(body, secret, URL)


def signed(body: bytes, secret: str, url: str) -> Sent:
    """By a sender that calls the desk by this address."""
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    content = url + "".join(name + value for name, value in sorted(set(pairs)))
    digest = hmac.digest(secret.encode(), content.encode("latin-1"), "sha1")
    headers = {
        "host": b"desk",
        "content-type": b"application/x-www-form-urlencoded",
        "x-twilio-signature": base64.b64encode(digest),
    }
    return Sent(body, headers, query="number=2")


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": fields,
        "ignored": lambda id_: {"MessageSid": id_, "MessageStatus": "delivered"},
        "broken": lambda _: {"From": "+491701", "Body": "Hallo"},
    },
    delivery=_delivery,
    sign=sign,
    proof=("x-twilio-signature",),
    no_delivery=(b"", b"{", b"a=b", b"&"),
    most=1,
)

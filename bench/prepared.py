"""Prepared requests: whole, signed, all of the same length, each with another external id."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

from shared.web.signing import secret_key, sign

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBiZW5jaG1hcms="
API_KEY = "desk_benchmark_0123456789abcdef"
TEXT_BYTES = 400
Route = Literal["webhook", "rest"]

_OPENINGS = (
    "Guten Tag, seit dem Update von gestern erhalten wir beim Anmelden einen Fehler 500.",
    "Hallo zusammen, wann öffnet die Anmeldung zur nächsten Schulung in Berlin?",
    "Die API antwortet sehr langsam, und im Log steht dauernd ein Timeout der Datenbank.",
    "Könnten Sie mir bitte ein Angebot für die größere Lizenz schicken? Vielen Dank!",
    "Schöne Grüße aus Köln, das Webinar war großartig, weiter so.",
)
_REST = (
    " Wir haben schon alles geprüft, was in der Anleitung steht: Zugang, Rechte und Einstellungen"
    " stimmen. Unsere Kollegen warten, denn ohne diese Auskunft können wir nicht weiterarbeiten."
    " Für eine schnelle Rückmeldung wären wir sehr dankbar. Freundliche Grüße, Erika Muster, Köln."
    " Telefonisch sind wir täglich von neun bis siebzehn Uhr erreichbar, am besten vormittags."
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file of requests of `size` bytes each."""

    path: Path
    size: int
    count: int


def prepare(path: Path, route: Route, count: int) -> Prepared:
    """Write the file; the signatures are good for five minutes from now."""
    key = secret_key(SECRET)
    now = datetime.now(UTC)
    run = uuid.uuid4().hex[:12]
    texts = [_of_length(opening) for opening in _OPENINGS]
    size = 0
    with path.open("wb") as file:
        for number, text in enumerate(islice(cycle(texts), count)):
            name = f"{run}-{number:09}"
            body = _body(route, name, text, now)
            request = (
                _webhook(name, body, key, int(now.timestamp()))
                if route == "webhook"
                else _rest(body)
            )
            if size not in (0, len(request)):
                raise AssertionError("the requests differ in length")
            size = len(request)
            file.write(request)
    return Prepared(path, size, count)


def _of_length(opening: str) -> str:
    raw = (opening + _REST).encode()[:TEXT_BYTES].decode(errors="ignore")
    return raw + "." * (TEXT_BYTES - len(raw.encode()))


def _body(route: Route, name: str, text: str, now: datetime) -> bytes:
    moment = now.isoformat(timespec="seconds")
    if route == "rest":
        body = {
            "channel": "facebook",
            "external_id": f"m-{name}",
            "author": {"id": f"u-{name}", "name": "Erika Muster"},
            "text": text,
            "sent_at": moment,
        }
    else:
        message = {
            "id": f"m-{name}",
            "thread_id": f"t-{name}",
            "author": {"id": f"u-{name}", "name": "Erika Muster"},
            "text": text,
            "sent_at": moment,
        }
        body = {"type": "message.created", "timestamp": moment, "data": message}
    return json.dumps(body, ensure_ascii=False).encode()


def _webhook(name: str, body: bytes, key: bytes, timestamp: int) -> bytes:
    signature = sign(key, webhook_id=name, timestamp=timestamp, body=body)
    return _http(
        "/intake/v1/webhooks/facebook",
        f"webhook-id: {name}\r\nwebhook-timestamp: {timestamp}\r\n"
        f"webhook-signature: {signature}\r\n",
        body,
    )


def _rest(body: bytes) -> bytes:
    return _http("/intake/v1/inquiries", f"Authorization: Bearer {API_KEY}\r\n", body)


def _http(path: str, headers: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: desk\r\nContent-Type: application/json\r\n"
        f"{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

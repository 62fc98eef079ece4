"""Events of an app."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.intake.connectors.port import Answer
from services.intake.connectors.signing import CLOCKS_OFF
from services.intake.connectors.slack import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER
from tests.contracts.connectors.sample import Sample, Sent

CHANNEL = "C0LOBBY"
NOON = 1795521600
_QUESTION = b'{"type": "url_verification", "token": "t", "challenge": "a1b2"}'


def event(ts: str, **parts: Any) -> dict[str, Any]:
    """Somebody's message in a channel; `parts` are other fields of it."""
    return {
        "type": "message",
        "channel": CHANNEL,
        "channel_type": "channel",
        "user": "U0GUEST",
        "ts": ts,
        "text": "Grüße &amp; Dank",
        **parts,
    }


def delivered(content: Any) -> Any:
    return {"type": "event_callback", "api_app_id": "A0OURS", "event": content}


def _of(**parts: Any) -> Callable[[str], Any]:
    return lambda ts: delivered(event(ts, **parts))


def _changed(ts: str) -> Any:
    now = {"user": "U0GUEST", "ts": ts, "text": "Grüße!", "edited": {"ts": "1795521599.0"}}
    before = {"user": "U0GUEST", "ts": ts, "text": "Grüße"}
    return delivered(event("9.9", subtype="message_changed", message=now, previous_message=before))


def _delivery(events: Sequence[Any]) -> bytes:
    return json.dumps(events[0]).encode()


def sign(body: bytes, secret: str, now: datetime) -> Sent:
    at = str(int(now.timestamp()))
    digest = hmac.digest(secret.encode(), f"v0:{at}:".encode() + body, "sha256").hex()
    headers = {
        "content-type": b"application/json",
        "x-slack-request-timestamp": at.encode(),
        "x-slack-signature": f"v0={digest}".encode(),
    }
    return Sent(body, headers)


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": _of(),
        "own_post": _of(bot_id="B0OURS", app_id="A0OURS"),
        "edited": _changed,
        "withdrawn": lambda ts: delivered(
            event("9.9", subtype="message_deleted", deleted_ts=ts, text=None)
        ),
        "ignored": _of(subtype="channel_join"),
        "broken": lambda _: delivered({"type": "message", "text": "Hallo"}),
    },
    delivery=_delivery,
    sign=sign,
    proof=("x-slack-request-timestamp", "x-slack-signature"),
    no_delivery=(b"", b"{", b"[]", b"7", b"{}", b'{"type": "event_callback"}'),
    tolerance=int(CLOCKS_OFF.total_seconds()),
    most=1,
    stored_id=lambda ts: f"{CHANNEL}:{ts}",
    handshakes=(
        (
            sign(_QUESTION, SECRETS[1], datetime.fromtimestamp(NOON).astimezone()),
            Answer(200, b"a1b2", "text/plain"),
        ),
    ),
)

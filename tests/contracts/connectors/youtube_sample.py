"""Lists of comments, and what YouTube's hub pushes."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from services.intake.connectors.port import Answer
from services.intake.connectors.youtube import CONNECTOR
from tests.contracts.connectors.platforms import NO_SECRETS, SECRETS, STRANGER
from tests.contracts.connectors.sample import Sample, Sent

FEED = "https://www.youtube.com/xml/feeds/videos.xml?channel_id=UCours"


def comment(id_: Any, **parts: Any) -> dict[str, Any]:
    """Below a video of ours; `parts` are other fields of it."""
    snippet = {
        "videoId": "v1",
        "textOriginal": "Grüße",
        "authorDisplayName": "@kim",
        "authorChannelId": {"value": "UCkim"},
        "publishedAt": "2026-11-24T11:59:58Z",
        "updatedAt": "2026-11-24T11:59:58Z",
        **parts,
    }
    return {"kind": "youtube#comment", "id": id_, "snippet": snippet}


def feed(*entries: str) -> bytes:
    """A feed, with names as the hub writes them."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:at="http://example.org/tombstones">' + "".join(entries) + "</feed>"
    ).encode()


def _delivery(items: Sequence[Any]) -> bytes:
    if all(isinstance(each, str) for each in items):
        return feed(*(f"<at:deleted-entry ref={quoteattr(each)}/>" for each in items))
    document = {"kind": "youtube#commentListResponse", "items": items}
    return json.dumps(document).encode()


def sign(body: bytes, secret: str, _now: datetime) -> Sent:
    is_feed = body.startswith(b"<")
    headers = {
        "content-type": b"application/atom+xml" if is_feed else b"application/json",
        "x-hub-signature": f"sha1={hmac.digest(secret.encode(), body, 'sha1').hex()}".encode(),
    }
    return Sent(body, headers)


def _asked(mode: str, topic: str = FEED) -> Sent:
    asked = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": "a1b2"}
    return Sent(method="GET", query=urlencode(asked))


SAMPLE = Sample(
    connector=CONNECTOR,
    secrets=SECRETS,
    signing=SECRETS,
    stranger=STRANGER,
    no_secrets=NO_SECRETS,
    items={
        "message": comment,
        "edited": lambda id_: comment(id_, updatedAt="2026-11-24T11:59:59Z"),
        "ignored": str,
        "broken": lambda _: {"kind": "youtube#comment", "snippet": {"textOriginal": "Hallo"}},
    },
    delivery=_delivery,
    sign=sign,
    proof=("x-hub-signature",),
    no_delivery=(
        b"",
        b"{",
        b"{}",
        b"7",
        b"<feed>",
        b"<rss/>",
        b'<!DOCTYPE feed [<!ENTITY a "b">]><feed xmlns="http://www.w3.org/2005/Atom">&a;</feed>',
    ),
    handshakes=((_asked("subscribe"), Answer(200, b"a1b2", "text/plain")),),
    refused_handshakes=(
        _asked("subscribe", "https://www.example.org/feed"),
        _asked("unsubscribe"),
        Sent(method="GET"),
    ),
)

"""Signs a message as a channel's connector would, and posts it to the desk: to try a channel."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from shared.runtime.ids import new_id
from shared.runtime.settings import SECRET_PREFIX
from shared.text.addresses import without_secrets
from shared.web.signing import secret_key, sign

TIMEOUT_SECONDS = 30.0
_EVENT = {"type", "data"}

Post = Callable[..., httpx.Response]


@dataclass(frozen=True, slots=True)
class Sent:
    """The desk's answer, as text to be shown; `well`: it took what was sent."""

    text: str
    well: bool


def event_of(raw: bytes, *, now: datetime) -> bytes:
    """The body of a delivery; a bare message, or a list of them, is wrapped into an event.

    Raises ValueError when it is no JSON object or list.
    """
    document: Any = json.loads(raw)
    if not isinstance(document, dict | list):
        raise ValueError("the file holds neither a message nor a list of messages")  # noqa: TRY004
    if isinstance(document, dict) and document.keys() >= _EVENT:
        return raw
    event = {"type": "message.created", "timestamp": now.isoformat(), "data": document}
    return json.dumps(event).encode()


def secret_of(channel: str, secrets: Mapping[str, Sequence[str]]) -> str:
    """The first secret of the channel. Raises ValueError that names the variable."""
    found = secrets.get(channel.lower(), ())
    if not found:
        raise ValueError(f"{SECRET_PREFIX}{channel.upper()} is not set, so nothing can be signed")
    return found[0]


def send(
    raw: bytes, *, channel: str, secret: str, url: str, now: datetime, post: Post = httpx.post
) -> Sent:
    """Raises OSError when the desk does not answer, ValueError for what cannot be sent."""
    body = event_of(raw, now=now)
    webhook_id, timestamp = f"msg_{new_id()}", int(now.timestamp())
    signature = sign(secret_key(secret), webhook_id=webhook_id, timestamp=timestamp, body=body)
    address = f"{url.rstrip('/')}/intake/v1/webhooks/{quote(channel, safe='')}"
    try:
        answer = post(
            address,
            content=body,
            timeout=TIMEOUT_SECONDS,
            headers={
                "content-type": "application/json",
                "webhook-id": webhook_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature,
            },
        )
    except httpx.InvalidURL as error:
        raise ValueError(f"{without_secrets(url)} is not an address: {error}") from error
    except httpx.HTTPError as error:
        raise OSError(
            f"{without_secrets(address)} does not answer: {error or type(error).__name__}"
        ) from error
    return Sent(f"{answer.status_code}\n{_pretty(answer)}", answer.is_success)


def _pretty(answer: httpx.Response) -> str:
    try:
        return json.dumps(answer.json(), indent=2, ensure_ascii=False)
    except ValueError:
        return answer.text

"""Whether the outside reaches a channel's address, tried from here."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from services.intake.channels.checking import Finding
from services.intake.policy import webhook_path
from shared.text.addresses import without_secrets
from shared.web.problems import MEDIA_TYPE

TIMEOUT_SECONDS = 10.0
_UNKNOWN = "urn:inbound-desk:problem:unknown-channel"
_ANSWERS = frozenset({200, 400, 401, 403, 405, 422})
"""By which a desk answers a GET of a channel's address, whatever the channel's format."""

Get = Callable[..., httpx.Response]


def public_address(public_url: str, channel: str, *, get: Get = httpx.get) -> Finding:
    """By GET, which is no delivery, so nothing is counted as one."""
    path = webhook_path(channel)
    if not public_url:
        return Finding(
            "not tried",
            f"whether the outside reaches {path}: set DESK_PUBLIC_URL to the address of the desk",
        )
    address = f"{public_url.rstrip('/')}{path}"
    if urlsplit(address).scheme != "https":
        return Finding("missing", f"{without_secrets(address)} does not begin with https://")
    try:
        answer = get(address, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
        return Finding("missing", f"{without_secrets(address)} cannot be reached from here: {said}")
    return _judged(without_secrets(address), answer)


def _judged(address: str, answer: httpx.Response) -> Finding:
    ours = answer.headers.get("content-type", "").startswith(MEDIA_TYPE)
    if ours and answer.status_code == 404 and _type_of(answer) == _UNKNOWN:
        return Finding("missing", f"the desk at {address} has another policy file: restart it")
    if answer.status_code in _ANSWERS and (ours or answer.status_code == 200):
        return Finding("ok", f"{address} leads to a desk")
    return Finding(
        "missing", f"{address} is answered with {answer.status_code} by something that is no desk"
    )


def _type_of(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return ""
    return str(document.get("type", "")) if isinstance(document, dict) else ""

"""What every answer tells a browser: keep nothing, guess no type, show it in nobody's page.

The scripts and styles of our own pages are named by their hashes; nothing else runs in them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.types import Message, Send

Headers = list[tuple[bytes, bytes]]

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The policy of what is no page: data that a browser shows runs and loads nothing."""
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", NOTHING.encode()),
)
_NOT_STORED = (b"cache-control", b"no-store")
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def completed(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """With what is missing. Only files that are the same for everybody have an ETag: the rest may
    hold what a customer wrote, and is not to be stored.
    """
    given = list(headers)
    names = {name.lower() for name, _ in given}
    added = [header for header in _ALWAYS if header[0] not in names]
    if not names & {b"cache-control", b"etag"}:
        added.append(_NOT_STORED)
    return given + added


def completing(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": completed(message.get("headers", ()))}
        await send(message)

    return sending


def page_policy(html: str) -> str:
    """The Content-Security-Policy of a page of ours: its inline scripts and styles, and what comes
    from the same host.
    """
    allowed = {"script": ["'self'"], "style": ["'self'"]}
    for kind, content in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        allowed[kind].append(f"'sha256-{digest}'")
    sources = "; ".join(f"{kind}-src {' '.join(hashes)}" for kind, hashes in allowed.items())
    return (
        f"default-src 'none'; {sources}; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

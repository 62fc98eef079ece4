"""One trace id from the webhook to the ToDo (W3C Trace Context, `traceparent`).

The current trace travels in a context variable inside one piece of work, in a column of the outbox
between database and bus, and in a header on the bus.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def continued(traceparent: str | None) -> str:
    """The same trace with a span of our own; a new trace when the given one is not well-formed."""
    if traceparent and _FORM.fullmatch(traceparent):
        return f"{traceparent[:36]}{secrets.token_hex(8)}{traceparent[52:]}"
    return new_traceparent()


def current_traceparent() -> str:
    """Empty outside any piece of work."""
    return _current.get()


def trace_id(traceparent: str) -> str:
    return traceparent[3:35]


@contextmanager
def tracing(traceparent: str) -> Iterator[None]:
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)

"""One trace id from the webhook to the ToDo (W3C Trace Context, `traceparent`).

The current trace travels in a context variable inside one piece of work, in a column of the outbox
between database and bus, and in a header on the bus.
"""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def new_traceparent() -> str:
    drawn = os.urandom(24).hex()
    return f"00-{drawn[:32]}-{drawn[32:]}-01"


def continued(traceparent: str | None) -> str:
    """The same trace with a span of our own; a new trace when the given one is not well-formed."""
    if traceparent and _FORM.fullmatch(traceparent):
        return f"{traceparent[:36]}{os.urandom(8).hex()}{traceparent[52:]}"
    return new_traceparent()


def current_traceparent() -> str:
    """Empty outside any piece of work."""
    return _current.get()


def trace_id(traceparent: str) -> str:
    return traceparent[3:35]


def tracing(traceparent: str) -> AbstractContextManager[None]:
    """This trace is the current one inside."""
    return _Tracing(traceparent)


class _Tracing:
    """Around every request: a generator would take twice the time."""

    __slots__ = ("_before", "_traceparent")

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent
        self._before: Token[str]

    def __enter__(self) -> None:
        self._before = _current.set(self._traceparent)

    def __exit__(self, *_error: object) -> None:
        _current.reset(self._before)

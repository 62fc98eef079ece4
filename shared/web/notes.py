"""What turns out about a request on its way, and the outermost layer must know of it.

The routes are called through frameworks that hand on no more than a request and an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Notes:
    """`key` and `channel` are names that are known here; `refused` is a code of a problem."""

    key: str = ""
    channel: str = ""
    refused: str = ""
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)


_current: ContextVar[Notes | None] = ContextVar("notes", default=None)


def notes() -> Notes:
    """Those of the request that is being answered; outside any they are thrown away."""
    return _current.get() or Notes()


@contextmanager
def noting() -> Iterator[Notes]:
    found = Notes()
    token = _current.set(found)
    try:
        yield found
    finally:
        _current.reset(token)

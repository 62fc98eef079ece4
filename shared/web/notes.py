"""What turns out about a request on its way, and the outermost layer must know of it.

The routes are called through frameworks that hand on no more than a request and an answer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
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


def noting() -> AbstractContextManager[Notes]:
    """What is noted inside."""
    return _Noting()


class _Noting:
    """Around every request: a generator would take twice the time."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: Token[Notes | None]

    def __enter__(self) -> Notes:
        found = Notes()
        self._before = _current.set(found)
        return found

    def __exit__(self, *_error: object) -> None:
        _current.reset(self._before)

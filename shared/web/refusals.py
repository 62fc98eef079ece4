"""Who was refused, and why, in the log: one line per reason, name and second, with a count.

A flood of refusals is no flood of lines. No line holds anything of what the client sent: the reason
is one of our codes, the name that of a key or channel that is known here.
"""

from __future__ import annotations

import asyncio
from contextvars import Context

import structlog

SECONDS = 1.0

log = structlog.get_logger()


class RefusalLog:
    def __init__(self, service: str = "", *, seconds: float = SECONDS) -> None:
        """`service` is left out where a connection is refused before any service sees it."""
        self._service = {"service": service} if service else {}
        self._seconds = seconds
        self._since_last_line: dict[tuple[str, str, str], int] = {}

    def note(self, reason: str, *, key: str = "", channel: str = "") -> None:
        """The first one is logged at once, those of the next second together after it.

        To be called in the event loop. `key` and `channel` are names from the keys file and the
        policy file, so there are few of them.
        """
        kind = (reason, key, channel)
        if kind in self._since_last_line:
            self._since_last_line[kind] += 1
        else:
            self._tell(kind, 1)

    def _tell(self, kind: tuple[str, str, str], count: int) -> None:
        reason, key, channel = kind
        names = {**({"key": key} if key else {}), **({"channel": channel} if channel else {})}
        log.warning("http.refused", reason=reason, count=count, **names, **self._service)
        self._since_last_line[kind] = 0
        # Without the context of this request: the line to come tells of others too.
        asyncio.get_running_loop().call_later(self._seconds, self._go_on, kind, context=Context())

    def _go_on(self, kind: tuple[str, str, str]) -> None:
        count = self._since_last_line.pop(kind)
        if count:
            self._tell(kind, count)

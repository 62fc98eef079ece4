"""What aiokafka itself says: free text, many lines a second while a broker is away.

It becomes lines in our own form for whoever looks closely (level debug). What matters of it is told
by the outcome: an outage, a subscription that is opened again, a fact that waits.
"""

from __future__ import annotations

import logging

import structlog

LONGEST = 500

log = structlog.get_logger()


class _ClientLog(logging.Handler):
    last: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()[:LONGEST]
        log.debug("bus.client", logger=record.name, message=self.last, exc_info=record.exc_info)


_HANDLER = _ClientLog()


def follow_client() -> None:
    """Let aiokafka speak through our log; may be called any number of times."""
    client = logging.getLogger("aiokafka")
    client.handlers = [_HANDLER]
    client.propagate = False
    client.setLevel(logging.WARNING)


def last_words() -> str | None:
    """What the client said last, which may name the reason of a connection that failed."""
    return _HANDLER.last

"""How to reach the brokers, and the times after which we no longer wait for them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass

CLOSE_SECONDS = 3.0
"""For each step of letting go; a broker that is gone gets no more."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """`servers` are host:port; `replication` counts the copies of a topic that we create.

    The times (seconds) are when we stop waiting: for connecting, creating topics and joining a
    group, which waits for its other members; for one answer of a broker; for one publish.
    """

    servers: tuple[str, ...]
    replication: int = 1
    tls: bool = False
    start_seconds: float = 30.0
    answer_seconds: float = 10.0
    publish_seconds: float = 30.0


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    return ssl.create_default_context() if settings.tls else None


def protocol(settings: KafkaSettings) -> str:
    return "SSL" if settings.tls else "PLAINTEXT"


async def bounded(step: Coroutine[object, object, object], seconds: float = CLOSE_SECONDS) -> bool:
    """Do one step of letting go; False when it failed or took too long, and then it was cancelled.

    In a task of its own, because aiokafka's way of closing sometimes ends in a CancelledError that
    is none of the caller's.
    """
    task = asyncio.create_task(step)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=seconds)
    return task.done() and not task.cancelled() and task.exception() is None

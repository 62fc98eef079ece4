"""How to reach the brokers, and the times after which we no longer wait for them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass

START_SECONDS = 30.0
"""Joining a group waits for its other members; a dead broker must not be waited for much longer."""
ANSWER_SECONDS = 10.0
"""For one question to a broker."""
CLOSE_SECONDS = 3.0
"""For each step of letting go; a broker that is gone gets no more."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """`servers` are host:port; `replication` counts the copies of a topic that we create.

    `publish_seconds` is how long one publish may take before it is given up.
    """

    servers: tuple[str, ...]
    replication: int = 1
    tls: bool = False
    publish_seconds: float = 30.0


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    return ssl.create_default_context() if settings.tls else None


def protocol(settings: KafkaSettings) -> str:
    return "SSL" if settings.tls else "PLAINTEXT"


async def bounded(step: Awaitable[object], seconds: float = CLOSE_SECONDS) -> bool:
    """Wait for one step of letting go; False when it failed or took too long."""
    try:
        async with asyncio.timeout(seconds):
            await step
    except Exception:  # noqa: BLE001 - it is thrown away, whatever is wrong with it
        return False
    return True

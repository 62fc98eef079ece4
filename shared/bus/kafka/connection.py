"""How to reach the brokers, and the times after which we no longer wait for them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.bus.login import Login
from shared.bus.port import BusUnavailableError

CLOSE_SECONDS = 3.0
"""For each step of letting go; a broker that is gone gets no more."""


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """`servers` are host:port; `replication` counts the copies of a topic that we create.

    With `tls` a broker must show a certificate for the host by which it is called, made by one of
    the authorities in the file `ca`, else by one that the machine trusts.

    The times (seconds) are when we stop waiting: for connecting, creating topics and joining a
    group, which waits for its other members; for one answer of a broker; for one publish.
    """

    servers: tuple[str, ...]
    replication: int = 1
    tls: bool = False
    ca: Path | None = None
    login: Login | None = None
    start_seconds: float = 30.0
    answer_seconds: float = 10.0
    publish_seconds: float = 30.0


def secured(settings: KafkaSettings) -> dict[str, Any]:
    """What each of aiokafka's clients is told of TLS and login.

    Raises BusUnavailableError for a `ca` that cannot be used: it may be on its way to a new one.
    """
    options: dict[str, Any] = {"security_protocol": _protocol(settings)}
    if settings.tls:
        options["ssl_context"] = _context(settings)
    if settings.login is not None:
        options["sasl_mechanism"] = settings.login.mechanism
        options["sasl_plain_username"] = settings.login.user
        options["sasl_plain_password"] = settings.login.password
    return options


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca)
    except OSError as error:
        raise BusUnavailableError(f"{settings.ca} cannot be used for TLS: {error}") from error


def _protocol(settings: KafkaSettings) -> str:
    encrypted = "SSL" if settings.tls else "PLAINTEXT"
    return encrypted if settings.login is None else f"SASL_{encrypted}"


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

"""What a service does now and then, again at its next turn whatever became of this one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.runtime.lifecycle import Loop, pause

log = structlog.get_logger()


def periodic(
    task: str, every_seconds: float, step: Callable[[asyncio.Event], Awaitable[None]]
) -> Loop:
    """A loop of these steps. A failure that a step does not expect is logged with its stack and
    ends nothing: one row that cannot be tidied up must not end a service that takes in messages.
    """

    async def loop(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await step(stop)
            except Exception:
                log.exception("maintenance.failed", task=task)
            await pause(stop, every_seconds)

    return loop

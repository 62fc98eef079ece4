"""What the worker needs of a way to send."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from services.sla.notifications.domain import Attempt


class Sender(Protocol):
    async def send(self, event_id: UUID, body: str) -> Attempt:
        """Try once, in bounded time. Every failure is an Attempt, whose error holds no secret."""

    async def close(self) -> None:
        """Let connections go; a later `send` opens new ones."""

"""What the worker needs of a way to send, and a way needs to say it in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.notifications.domain import Attempt


class Sender(Protocol):
    async def send(self, event_id: UUID, body: str) -> Attempt:
        """Try once, in bounded time. Every failure is an Attempt, whose error holds no secret."""

    async def close(self) -> None:
        """Let connections go; a later `send` opens new ones."""


@dataclass(frozen=True, slots=True)
class Words:
    """A notification for people; `severity` is how a chat marks it."""

    title: str
    text: str
    severity: Literal["info", "success", "warning", "failure"] = "info"


Wording = Callable[[Mapping[str, Any], ZoneInfo], Words]
"""From a body as it is sent to words; times are said in the zone."""

"""Any of the services that Apprise knows: chats, mail, push.

Apprise is an optional extra: it brings a second HTTP client and a hundred services that most desks
do not use. So it is looked up when a target asks for it, and not imported with this module.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.notifications.domain import Attempt
from shared.notifications.sender import Wording


class AppriseSender:
    def __init__(self, url: str, *, zone: str, wording: Wording) -> None:
        """Times are said in `zone`. Raises ValueError without Apprise, or for what is no such URL;
        the message does not repeat the URL.
        """
        try:
            apprise: Any = importlib.import_module("apprise")
        except ModuleNotFoundError as error:
            raise ValueError(
                "this target needs Apprise: pip install 'inbound-desk[apprise]'"
            ) from error
        self._apprise = apprise.Apprise()
        self._zone = ZoneInfo(zone)
        self._wording = wording
        if not self._apprise.add(url):
            raise ValueError("Apprise does not understand this URL")

    async def send(self, event_id: UUID, body: str) -> Attempt:  # noqa: ARG002 - it has no place for ids
        words = self._wording(json.loads(body), self._zone)
        # Blocks, with time-outs of its own.
        delivered = await asyncio.to_thread(
            self._apprise.notify,
            title=words.title,
            body=words.text,
            notify_type=words.severity,
        )
        if delivered:
            return Attempt(delivered=True)
        return Attempt(delivered=False, error="Apprise could not deliver it")

    async def close(self) -> None:
        """Nothing stays open."""

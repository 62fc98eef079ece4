"""Any of the services that Apprise knows: chats, mail, push.

Apprise is an optional extra: it brings a second HTTP client and a hundred services that most desks
do not use. So it is looked up when a target asks for it, and not imported with this module.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sla.notifications.domain import Attempt
from shared.text.references import reference_of

_TITLES = {
    "warning": "Deadline near",
    "window_closing": "Reply window about to end",
    "breached": "Deadline breached",
    "met": "Answered in time",
    "met_late": "Answered late",
    "moved": "Deadline moved",
    "cancelled": "Deadline cancelled",
}
_LOOKS = {"warning": "warning", "window_closing": "warning", "breached": "failure",
          "met": "success"}  # fmt: skip


class AppriseSender:
    def __init__(self, url: str, *, zone: str) -> None:
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
        if not self._apprise.add(url):
            raise ValueError("Apprise does not understand this URL")

    async def send(self, event_id: UUID, body: str) -> Attempt:  # noqa: ARG002 - it has no place for ids
        data = json.loads(body)["data"]
        # Blocks, with time-outs of its own.
        delivered = await asyncio.to_thread(
            self._apprise.notify,
            title=_TITLES[data["kind"]],
            body=self._text(data),
            notify_type=_LOOKS.get(data["kind"], "info"),
        )
        if delivered:
            return Attempt(delivered=True)
        return Attempt(delivered=False, error="Apprise could not deliver it")

    async def close(self) -> None:
        """Nothing stays open."""

    def _text(self, data: dict[str, str | None]) -> str:
        due_at = datetime.fromisoformat(str(data["due_at"])).astimezone(self._zone)
        desk = f"desk {data['desk']}" if data["desk"] else "no desk yet"
        extra = next((data[name] for name in ("level", "cause", "reason") if name in data), None)
        reference = reference_of(UUID(str(data["inquiry_id"])))
        return (
            f"{str(data['target']).replace('_', ' ').capitalize()} on {data['channel']}"
            f" ({desk}), due {due_at:%Y-%m-%d %H:%M %Z}"
            f"{f': {extra}' if extra else ''}\nInquiry {reference} ({data['inquiry_id']})"
        )

"""A deadline's notification in words, for chats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.notifications.sender import Words
from shared.text.references import reference_of

_TITLES: Final = {
    "warning": "Deadline near",
    "window_closing": "Reply window about to end",
    "breached": "Deadline breached",
    "met": "Answered in time",
    "met_late": "Answered late",
    "moved": "Deadline moved",
    "cancelled": "Deadline cancelled",
}
_SEVERITIES: Final[Mapping[str, Literal["success", "warning", "failure"]]] = {
    "warning": "warning",
    "window_closing": "warning",
    "breached": "failure",
    "met": "success",
}


def words_of(body: Mapping[str, Any], zone: ZoneInfo) -> Words:
    """A title, and a sentence with the due time in that zone."""
    data = body["data"]
    kind = data["kind"]
    return Words(_TITLES[kind], _text(data, zone), _SEVERITIES.get(kind, "info"))


def _text(data: Mapping[str, Any], zone: ZoneInfo) -> str:
    due_at = datetime.fromisoformat(str(data["due_at"])).astimezone(zone)
    desk = f"desk {data['desk']}" if data["desk"] else "no desk yet"
    extra = next((data[name] for name in ("level", "cause", "reason") if name in data), None)
    reference = reference_of(UUID(str(data["inquiry_id"])))
    return (
        f"{str(data['target']).replace('_', ' ').capitalize()} on {data['channel']}"
        f" ({desk}), due {due_at:%Y-%m-%d %H:%M %Z}"
        f"{f': {extra}' if extra else ''}\nInquiry {reference} ({data['inquiry_id']})"
    )

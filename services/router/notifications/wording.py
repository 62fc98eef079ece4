"""A ToDo's notification in words, for chats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.notifications.sender import Words
from shared.text.references import reference_of

_TITLES: Final = {
    "todo.created": "New ToDo",
    "todo.claimed": "ToDo claimed",
    "todo.released": "ToDo released",
    "todo.rerouted": "ToDo rerouted",
    "todo.completed": "ToDo completed",
    "todo.dismissed": "ToDo dismissed",
    "todo.reopened": "ToDo reopened",
}


def words_of(body: Mapping[str, Any], zone: ZoneInfo) -> Words:
    """A title, and a sentence with the due time in that zone, if there is one."""
    type_ = body["type"]
    done = type_ == "todo.completed"
    return Words(_TITLES[type_], _text(body["data"], zone), "success" if done else "info")


def _text(data: Mapping[str, Any], zone: ZoneInfo) -> str:
    desk = f"{data['from_desk']} to {data['desk']}" if "from_desk" in data else data["desk"]
    by = f", by {data['by']}" if "by" in data else ""
    reason = f": {data['reason']}" if "reason" in data else ""
    return (
        f"{str(data['kind']).replace('_', ' ').capitalize()} on {data['channel']} (desk {desk})"
        f"{_due(data['due_at'], zone)}{by}{reason}\n"
        f"Inquiry {reference_of(UUID(data['inquiry_id']))} ({data['inquiry_id']})"
    )


def _due(due_at: str | None, zone: ZoneInfo) -> str:
    if due_at is None:
        return ""
    return f", due {datetime.fromisoformat(due_at).astimezone(zone):%Y-%m-%d %H:%M %Z}"

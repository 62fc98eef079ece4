"""A notification of a ToDo, as the API document shows it."""

from __future__ import annotations

from typing import Any, Final

from shared.text.references import EXAMPLE
from shared.web.examples import ID, MONDAY, TUESDAY

NOTIFICATION: Final[dict[str, Any]] = {
    "inquiry_id": ID,
    "reference": EXAMPLE,
    "id": ID,
    "target": "technical_tool",
    "event_id": ID,
    "kind": "todo.rerouted",
    "state": "delivered",
    "attempts": 1,
    "created_at": MONDAY,
    "give_up_at": "2026-03-05T09:00:00Z",
    "next_attempt_at": None,
    "last_attempt_at": MONDAY,
    "last_status": 204,
    "last_error": None,
    "delivered_at": MONDAY,
    "body": {
        "type": "todo.rerouted",
        "timestamp": MONDAY,
        "data": {
            "event_id": ID,
            "todo_id": ID,
            "inquiry_id": ID,
            "reference": EXAMPLE,
            "conversation_id": ID,
            "channel": "email",
            "desk": "inbound",
            "kind": "technical",
            "state": "open",
            "assignee": None,
            "due_at": TUESDAY,
            "from_desk": "technical",
            "by": "Anna",
        },
    },
}

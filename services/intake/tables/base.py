"""What all of intake's tables have in common, and those that each service has."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.db.types import new_metadata
from shared.messaging.dead_letters import dead_letters_table
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox import outbox_table

NEVER = datetime(9999, 12, 31, tzinfo=UTC)

metadata = new_metadata()

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
dead_letters = dead_letters_table(metadata)

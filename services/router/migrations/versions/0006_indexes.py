"""The ToDos of a conversation, and a dead letter by its place on the bus, are found at once."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.create_index(
        "ix_dead_letters_place", "dead_letters", ["consumer", "topic", "partition", "offset"]
    )
    op.create_index("ix_todos_conversation", "todos", ["conversation_id"])

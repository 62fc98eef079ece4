"""A dead letter is found by its place on the bus, however many there are."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
oldest_program = "0006"


def upgrade() -> None:
    op.create_index(
        "ix_dead_letters_place", "dead_letters", ["consumer", "topic", "partition", "offset"]
    )

"""People leave with their last words: who may have to go, and what is asked about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.create_table(
        "leaving_contacts",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_leaving_contacts"),
    )
    op.create_index("ix_messages_contact", "messages", ["contact_id"])
    op.create_index("ix_idempotency_message_id", "idempotency", ["message_id"])
    op.create_index(
        "ix_dead_letters_place", "dead_letters", ["consumer", "topic", "partition", "offset"]
    )

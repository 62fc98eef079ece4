"""What is removed at the age of `messages_days`: the inquiry stays without words, and of each
message the hash of its id, so that it is known when it is sent again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
# One that does not know what was removed takes it for new when it is sent again.
oldest_program = "0005"


def upgrade() -> None:
    op.add_column("inquiries", sa.Column("removed_at", Utc(), nullable=True))
    op.create_index(
        "ix_conversations_merged_into",
        "conversations",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
        sqlite_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_table(
        "removed_messages",
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_removed_messages"),
    )

"""What messages said before they were edited, and which were withdrawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json, Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    for name in ("edited_at", "restated_at", "withdrawn_at"):
        op.add_column("messages", sa.Column(name, Utc(), nullable=True))
    op.add_column("messages", sa.Column("edit_of", sa.Uuid(), nullable=True))
    for name, columns, which in (
        ("ix_messages_edit_of", ["edit_of"], "edit_of IS NOT NULL"),
        ("ix_messages_without_inquiry", ["received_at", "id"], "inquiry_id = conversation_id"),
    ):
        where = sa.text(which)
        op.create_index(name, "messages", columns, postgresql_where=where, sqlite_where=where)
    op.create_table(
        "message_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("full_text", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("attachments", Json, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_message_versions"),
    )
    op.create_index("ix_message_versions_message_id", "message_versions", ["message_id"])
    op.create_table(
        "withdrawn_messages",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", Utc(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id", name="pk_withdrawn_messages"),
    )
    op.create_index("ix_withdrawn_messages_received_at", "withdrawn_messages", ["received_at"])

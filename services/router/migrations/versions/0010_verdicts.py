"""What people decide at the review desk, what waits for a second person, and appeals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.create_table(
        "todo_verdicts",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("desk", sa.String(64), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "at", name="pk_todo_verdicts"),
    )
    op.create_index("ix_todo_verdicts_at", "todo_verdicts", ["at"])
    op.create_table(
        "todo_pending_verdicts",
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("todo_id", name="pk_todo_pending_verdicts"),
    )
    op.create_table(
        "todo_appeals",
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("dismissed_for", sa.String(20), nullable=False),
        sa.Column("dismissed_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("todo_id", "at", name="pk_todo_appeals"),
    )
    op.create_index("ix_todo_appeals_at", "todo_appeals", ["at"])

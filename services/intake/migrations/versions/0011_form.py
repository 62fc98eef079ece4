"""What the form keeps: the key of its tokens, and by when its inquiries are answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.create_table(
        "form_keys",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_form_keys"),
    )
    op.create_table(
        "form_deadlines",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("reported_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", name="pk_form_deadlines"),
    )

"""Which desk handed an inquiry to which other, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
oldest_program = "0009"


def upgrade() -> None:
    op.create_table(
        "desk_moves",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("from_desk", sa.String(64), nullable=False),
        sa.Column("desk", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "at", name="pk_desk_moves"),
    )

"""What is known of a message beside its fields."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import shared.db.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.add_column("messages", sa.Column("details", shared.db.types.Json, nullable=True))

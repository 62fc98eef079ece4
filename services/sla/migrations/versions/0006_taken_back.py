"""Ends that are taken back or corrected, and inquiries that turned out to be part of another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_program = "0006"


def upgrade() -> None:
    op.add_column("deadlines", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("deadlines", sa.Column("said", sa.Text(), nullable=True))

"""What is fetched: who reads it, how far, and how that goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json, Utc

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.create_table(
        "pulls",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("leased_until", Utc(), nullable=True),
        sa.Column("begun_at", Utc(), nullable=False),
        sa.Column("polled_at", Utc(), nullable=True),
        sa.Column("read_at", Utc(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", Utc(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("not_before", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name="pk_pulls"),
    )
    op.create_table(
        "pull_cursors",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("cursor", Json, nullable=False),
        sa.Column("moved_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "place", name="pk_pull_cursors"),
    )

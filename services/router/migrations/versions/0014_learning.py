"""What people's decisions teach: labels, models, what others would have decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json, Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("desk", sa.String(64), nullable=True),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", name="pk_labels"),
    )
    op.create_index("ix_labels_received", "labels", ["received_at"])
    op.create_index("ix_labels_at", "labels", ["at"])
    op.create_table(
        "models",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("taught_by", sa.String(10), nullable=False),
        sa.Column("metrics", Json, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("version", name="pk_models"),
    )
    op.create_table(
        "shadow_decisions",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("desk", sa.String(64), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "version", name="pk_shadow_decisions"),
    )
    op.create_index("ix_shadow_decisions_received", "shadow_decisions", ["received_at"])
    op.create_table(
        "learning",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("settled_line", sa.BigInteger(), nullable=False),
        sa.Column("marked_line", sa.BigInteger(), nullable=False),
        sa.Column("marked_at", Utc(), nullable=True),
        sa.Column("read_line", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("leased_until", Utc(), nullable=True),
        sa.Column("trained_at", Utc(), nullable=True),
        sa.Column("chosen_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_learning"),
    )

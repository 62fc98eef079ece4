"""Who is absent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("begins_at", Utc(), nullable=False),
        sa.Column("ends_at", Utc(), nullable=False),
        sa.Column("substitute", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("set_at", Utc(), nullable=False),
        sa.Column("handed_on_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
        sa.UniqueConstraint("person", name="uq_absences_person"),
    )

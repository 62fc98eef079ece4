"""Dead letters are rows of the service that failed.

They were facts on a topic of their own. The relay makes letters of those that the outbox still has.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.String(40), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failed_at", Utc(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.Column("settled_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
    )
    op.create_index("ix_dead_letters_state", "dead_letters", ["state", "consumer"])

"""Each end of a ToDo is a row, so that it can be taken back and an earlier one can come late.

Ends of before have no row; the program reads them from the history when it needs them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    for name, kind in (("reopened_at", Utc()), ("merged_into", sa.Uuid()), ("own_post_at", Utc())):
        op.add_column("todos", sa.Column(name, kind, nullable=True))
    op.create_table(
        "todo_ends",
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=True),
        sa.Column("follow_up_at", Utc(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("todo_id", "key", name="pk_todo_ends"),
    )
    op.create_table(
        "todo_moves",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", Utc(), nullable=False),
        sa.Column("here", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "message_id", name="pk_todo_moves"),
    )

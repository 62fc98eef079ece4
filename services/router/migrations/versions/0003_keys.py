"""The API key that acted stands beside the person, and that somebody acted as a supervisor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.add_column("todos", sa.Column("ended_by_key_name", sa.Text(), nullable=True))
    op.add_column("todo_ends", sa.Column("key_name", sa.Text(), nullable=True))
    op.add_column("todo_history", sa.Column("key_name", sa.Text(), nullable=True))
    op.add_column(
        "todo_history",
        sa.Column("as_supervisor", sa.Boolean(), nullable=False, server_default=sa.false()),
    )

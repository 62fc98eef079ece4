"""Versions of ToDos, and the indexes of what a person has by age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    for table, name, begin in (
        ("todos", "version", "1"),
        ("todos", "deadline_changes", "0"),
        ("deadlines", "changes", "0"),
    ):
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(begin))
        op.add_column(table, column)
    taken = sa.text("assignee IS NOT NULL")
    op.create_index(
        "ix_todos_assignee_received",
        "todos",
        ["assignee", "state", "received_at", "id"],
        postgresql_where=taken,
        sqlite_where=taken,
    )

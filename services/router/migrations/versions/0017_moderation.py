"""Which desk looks at an appeal, and an index for the report of dismissals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
oldest_program = "0002"

_MODERATED = sa.text("reason IN ('netiquette', 'spam')")


def upgrade() -> None:
    op.add_column("todo_appeals", sa.Column("desk", sa.String(64), nullable=True))
    op.create_index(
        "ix_todo_ends_moderated",
        "todo_ends",
        ["at", "reason"],
        postgresql_where=_MODERATED,
        sqlite_where=_MODERATED,
    )

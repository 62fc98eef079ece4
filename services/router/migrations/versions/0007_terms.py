"""Words that went because a platform's terms demand it, and where to read them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.add_column("todo_messages", sa.Column("url", sa.Text(), nullable=True))
    op.add_column("todos", sa.Column("words_removed_at", Utc(), nullable=True))

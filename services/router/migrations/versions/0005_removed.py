"""When the words of a ToDo were removed, at the age of `messages_days`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.add_column("todos", sa.Column("removed_at", Utc(), nullable=True))

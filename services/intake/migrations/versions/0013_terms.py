"""When words went because a platform's terms demand it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.add_column("messages", sa.Column("words_removed_at", Utc(), nullable=True))
    op.add_column("inquiries", sa.Column("words_removed_at", Utc(), nullable=True))

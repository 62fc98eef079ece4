"""When messages were edited and withdrawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    for name in ("edited_at", "withdrawn_at"):
        op.add_column("todo_messages", sa.Column(name, Utc(), nullable=True))

"""The hand-over to the technical desk, beside the answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_program = "0003"


def upgrade() -> None:
    op.add_column("deadlines", sa.Column("hand_over_state", sa.String(16), nullable=True))
    for name in ("hand_over_due_at", "hand_over_breached_at", "taken_over_at"):
        op.add_column("deadlines", sa.Column(name, Utc(), nullable=True))

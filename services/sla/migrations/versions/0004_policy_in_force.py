"""Which edition of the policy is in force, when instances were started with different ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_program = "0004"


def upgrade() -> None:
    op.add_column("editions", sa.Column("in_force_since", Utc(), nullable=True))

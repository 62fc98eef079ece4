"""Until when whoever ended an inquiry had seen its edits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.add_column("inquiry_ends", sa.Column("edits_until", Utc(), nullable=True))

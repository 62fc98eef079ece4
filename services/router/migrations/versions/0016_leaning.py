"""What an unsure ToDo leans to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.add_column("todos", sa.Column("leaning", sa.String(20), nullable=True))

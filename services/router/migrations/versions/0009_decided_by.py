"""What decided on an inquiry, and room for more kinds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.add_column("todos", sa.Column("decided_by", sa.String(40), nullable=True))
    op.add_column("todos", sa.Column("language", sa.String(3), nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("todos", "kind", type_=sa.String(20))

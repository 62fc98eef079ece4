"""Until when what other services recorded is known here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.create_table(
        "heard",
        sa.Column("service", sa.String(20), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_heard")),
    )

"""References of inquiries. The program writes those of inquiries that are here already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_program = "0005"


def upgrade() -> None:
    op.add_column("inquiries", sa.Column("reference", sa.String(16), nullable=True))
    op.add_column(
        "inquiries",
        sa.Column("reference_twin", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_index(
        "uq_inquiries_reference", "inquiries", ["reference", "reference_twin"], unique=True
    )
    op.create_index(
        "ix_inquiries_unnamed",
        "inquiries",
        ["id"],
        postgresql_where=sa.text("reference IS NULL"),
        sqlite_where=sa.text("reference IS NULL"),
    )

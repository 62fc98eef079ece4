"""The API key that acted stands beside the author, the assignee, and whoever ended an inquiry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    for table, column in (
        ("messages", "key_name"),
        ("inquiries", "assignee_key_name"),
        ("inquiry_ends", "key_name"),
    ):
        op.add_column(table, sa.Column(column, sa.Text(), nullable=True))

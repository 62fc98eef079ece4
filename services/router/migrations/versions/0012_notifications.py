"""Notifications of ToDos: what has to go out, and the log of what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    op.create_table(
        "notification_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.String(40), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("give_up_at", Utc(), nullable=False),
        sa.Column("next_attempt_at", Utc(), nullable=True),
        sa.Column("last_attempt_at", Utc(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(300), nullable=True),
        sa.Column("delivered_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notification_deliveries"),
        sa.UniqueConstraint(
            "target", "event_id", name="uq_notification_deliveries_target_event_id"
        ),
    )
    waiting = sa.text("next_attempt_at IS NOT NULL")
    for name, columns, where in (
        ("ix_notification_deliveries_due", ["target", "next_attempt_at", "id"], waiting),
        ("ix_notification_deliveries_created", ["created_at", "id"], None),
    ):
        op.create_index(
            name,
            "notification_deliveries",
            columns,
            postgresql_where=where,
            sqlite_where=where,
        )
    if op.get_bind().dialect.name == "postgresql":
        # A queue: most rows are dead or settled soon, and the look for due ones must stay cheap.
        op.execute(
            "ALTER TABLE notification_deliveries SET (autovacuum_vacuum_scale_factor = 0.01,"
            " autovacuum_analyze_scale_factor = 0.02)"
        )

"""The tables as they were at first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_program = "0001"


def upgrade() -> None:
    _outbox()
    _inbox()
    _deadlines()
    _beside_the_deadlines()
    if op.get_bind().dialect.name == "postgresql":
        # With the default thresholds a storm of fired timers leaves dead entries and stale
        # statistics behind for so long that each look for due rows becomes a hundred times dearer.
        op.execute(
            "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.01,"
            " autovacuum_analyze_scale_factor = 0.02)"
        )
        op.execute(
            "ALTER TABLE deadlines SET (autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0,"
            " autovacuum_analyze_threshold = 10000, fillfactor = 85)"
        )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("aggregatetype", sa.String(40), nullable=False),
        sa.Column("aggregateid", sa.String(80), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.String(55), nullable=False),
        sa.Column("occurred_at", Utc(), nullable=False),
        sa.Column("published_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    unpublished = sa.text("published_at IS NULL")
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["seq"],
        postgresql_where=unpublished,
        sqlite_where=unpublished,
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(40), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("handled_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_handled_at", "inbox", ["handled_at"])


def _deadlines() -> None:
    op.create_table(
        "deadlines",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(40)),
        sa.Column("desk", sa.String(40)),
        sa.Column("contact_id", sa.Uuid()),
        sa.Column("hashtags", sa.Text()),
        sa.Column("edition", sa.String(32)),
        sa.Column("promise", sa.String(200)),
        sa.Column("target", sa.String(16)),
        sa.Column("received_at", Utc()),
        sa.Column("received_week", sa.String(8)),
        sa.Column("due_at", Utc()),
        sa.Column("next_action_at", Utc()),
        sa.Column("window_ends_at", Utc()),
        sa.Column("breached_at", Utc()),
        sa.Column("answered_at", Utc()),
        sa.Column("cancelled_at", Utc()),
        sa.Column("cancel_reason", sa.String(40)),
        sa.Column("answer_business_seconds", sa.BigInteger()),
        sa.Column("answer_wall_seconds", sa.BigInteger()),
        sa.PrimaryKeyConstraint("inquiry_id", name="pk_deadlines"),
    )
    scheduled, due = sa.text("next_action_at IS NOT NULL"), sa.text("due_at IS NOT NULL")
    for name, columns, where in (
        ("ix_deadlines_next_action_at", ["next_action_at"], scheduled),
        ("ix_deadlines_due", ["due_at", "inquiry_id"], due),
        ("ix_deadlines_state_due", ["state", "due_at", "inquiry_id"], due),
        ("ix_deadlines_received_at", ["received_at"], None),
    ):
        op.create_index(name, "deadlines", columns, postgresql_where=where, sqlite_where=where)


def _beside_the_deadlines() -> None:
    op.create_table(
        "clock_facts",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "fact_id", name="pk_clock_facts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "told",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "key", name="pk_told"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "editions",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("first_used_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_editions"),
    )

"""The first tables: ToDos, their messages and history, deadlines, outbox and inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_program = "0001"


def upgrade() -> None:
    op.create_table(
        "deadlines",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=True),
        sa.Column("target", sa.String(length=20), nullable=True),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("warning", sa.String(length=80), nullable=True),
        sa.Column("told_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_deadlines")),
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("handled_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_handled_at", "inbox", ["handled_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("aggregatetype", sa.String(length=40), nullable=False),
        sa.Column("aggregateid", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.String(length=55), nullable=False),
        sa.Column("occurred_at", Utc(), nullable=False),
        sa.Column("published_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["seq"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "todo_history",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_todo_history")),
    )
    op.create_index("ix_todo_history_todo_id", "todo_history", ["todo_id", "id"], unique=False)
    op.create_table(
        "todo_messages",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("content", Json, nullable=True),
        sa.PrimaryKeyConstraint("inquiry_id", "message_id", name=op.f("pk_todo_messages")),
    )
    op.create_table(
        "todos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("claimed_through", sa.Text(), nullable=True),
        sa.Column("first_desk", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("follow_up_at", Utc(), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("dismiss_reason", sa.String(length=20), nullable=True),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("latest_message_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_todos")),
        sa.UniqueConstraint("inquiry_id", name=op.f("uq_todos_inquiry_id")),
    )
    op.create_index(
        "ix_todos_assignee",
        "todos",
        ["assignee", "state", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("assignee IS NOT NULL"),
        sqlite_where=sa.text("assignee IS NOT NULL"),
    )
    op.create_index(
        "ix_todos_desk_state_due", "todos", ["desk", "state", "due_at", "id"], unique=False
    )
    op.create_index(
        "ix_todos_desk_state_received",
        "todos",
        ["desk", "state", "received_at", "id"],
        unique=False,
    )
    op.create_index("ix_todos_due", "todos", ["due_at", "id"], unique=False)
    op.create_index("ix_todos_received", "todos", ["received_at", "id"], unique=False)
    op.create_index("ix_todos_state_due", "todos", ["state", "due_at", "id"], unique=False)
    op.create_index(
        "ix_todos_state_received", "todos", ["state", "received_at", "id"], unique=False
    )

    if op.get_bind().dialect.name == "postgresql":
        # Every row is updated once, soon after it was written: clean up early.
        op.execute(
            "ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.01, "
            "autovacuum_analyze_scale_factor = 0.02)"
        )

"""Each end of a ToDo is a row, so that it can be taken back and an earlier one can come late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (("reopened_at", Utc()), ("merged_into", sa.Uuid()), ("own_post_at", Utc())):
        op.add_column("todos", sa.Column(name, kind, nullable=True))
    with op.batch_alter_table("todos") as table:
        table.alter_column("latest_message_id", existing_type=sa.Uuid(), nullable=True)
    op.create_table(
        "todo_ends",
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=True),
        sa.Column("follow_up_at", Utc(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("todo_id", "key", name="pk_todo_ends"),
    )
    op.execute(_ENDS_OF_BEFORE)


# Which reply had answered a ToDo nobody wrote down: its end has the ToDo's own id as key.
_ENDS_OF_BEFORE = """
INSERT INTO todo_ends (todo_id, key, kind, at, by, reason, revision, final)
SELECT t.id, t.id,
    CASE WHEN t.state = 'dismissed' THEN 'dismissed'
        WHEN EXISTS (SELECT 1 FROM todo_history h WHERE h.todo_id = t.id
            AND h.what = 'completed' AND h.why = 'answered') THEN 'answered'
        ELSE 'completed' END,
    coalesce(t.ended_at, t.created_at), coalesce(t.ended_by, ''), t.dismiss_reason, 0, false
FROM todos t WHERE t.state IN ('done', 'dismissed')
"""

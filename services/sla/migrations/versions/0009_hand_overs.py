"""The hand-over is a deadline of its own, a row beside the answer's, and no columns of that one."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_program = "0009"

_GONE = ("hand_over_state", "hand_over_due_at", "hand_over_breached_at", "taken_over_at")


def upgrade() -> None:
    op.create_table(
        "hand_overs",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("breached_at", Utc(), nullable=True),
        sa.Column("taken_over_at", Utc(), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("inquiry_id", name="pk_hand_overs"),
    )
    op.execute(
        "INSERT INTO hand_overs (inquiry_id, state, due_at, breached_at, taken_over_at)"
        " SELECT inquiry_id, hand_over_state, hand_over_due_at, hand_over_breached_at,"
        " taken_over_at FROM deadlines WHERE hand_over_state IS NOT NULL"
    )
    _part_what_was_said()
    for name in _GONE:
        op.drop_column("deadlines", name)


def _part_what_was_said() -> None:
    """Only where something waits for the timers, so for few rows: each deadline keeps its own."""
    connection = op.get_bind()
    deadlines, hand_overs = _said_of("deadlines"), _said_of("hand_overs")
    waiting = sa.select(deadlines.c.inquiry_id, deadlines.c.said).where(
        deadlines.c.said.is_not(None)
    )
    for inquiry_id, text in connection.execute(waiting).all():
        said = json.loads(text)
        for table, name in ((deadlines, "answer"), (hand_overs, "hand_over")):
            mine = json.dumps(said[name]) if name in said else None
            connection.execute(
                sa.update(table).where(table.c.inquiry_id == inquiry_id).values(said=mine)
            )


def _said_of(table: str) -> sa.TableClause:
    return sa.table(table, sa.column("inquiry_id", sa.Uuid()), sa.column("said", sa.Text()))

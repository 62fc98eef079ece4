"""What answers say, the index of answered questions, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    _texts()
    _index()
    _uses()


def _texts() -> None:
    op.create_table(
        "similar_answers",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("recorded_at", Utc(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "message_id", name="pk_similar_answers"),
    )
    op.create_table(
        "similar_questions",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("packed_keys", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_similar_questions"),
        sa.UniqueConstraint("inquiry_id", name="uq_similar_questions_inquiry_id"),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("format = 0")
    op.create_index(
        "ix_similar_questions_waiting",
        "similar_questions",
        ["id"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )


def _index() -> None:
    op.create_table(
        "similar_postings",
        sa.Column("key", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("question_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("key", "question_id", name="pk_similar_postings"),
        sqlite_with_rowid=False,
    )
    state = op.create_table(
        "similar_state",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=True),
        sa.Column("reindexed_to", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_similar_state"),
    )
    op.bulk_insert(state, [{"id": 1, "format": 1, "version": 0, "questions": 0}])


def _uses() -> None:
    op.create_table(
        "similar_lookups",
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("first_at", Utc(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("todo_id", name="pk_similar_lookups"),
    )
    op.create_table(
        "similar_reuses",
        sa.Column("todo_id", sa.Uuid(), nullable=False),
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("todo_id", "inquiry_id", name="pk_similar_reuses"),
    )
    op.create_index("ix_similar_reuses_inquiry_id", "similar_reuses", ["inquiry_id"])

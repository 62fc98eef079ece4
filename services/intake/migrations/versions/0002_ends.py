"""What an end covers, own posts that come before their question, and threads that become one.

Ends were columns of the inquiry until now; each becomes a row. A ToDo that was completed by hand is
an answer from now on, as sla has always counted it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
oldest_program = "0002"


def upgrade() -> None:
    _conversations()
    _messages_and_inquiries()
    _quarantine()
    _new_tables()
    _ends_of_before()


def _conversations() -> None:
    with op.batch_alter_table("conversations") as table:
        table.alter_column("contact_id", existing_type=sa.Uuid(), nullable=True)
        # Threads of before had one inquiry, whoever read along. The defaults stay: a program of
        # before goes on inserting without these columns until it is replaced.
        table.add_column(
            sa.Column("audience", sa.String(8), nullable=False, server_default="private")
        )
        table.add_column(sa.Column("careful_until", Utc(), nullable=True))
        table.add_column(
            sa.Column("guessed", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))


def _messages_and_inquiries() -> None:
    op.add_column(
        "messages", sa.Column("revision", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("messages", sa.Column("full_text", sa.Text(), nullable=True))
    op.drop_index("ix_messages_conversation_id", table_name="messages")
    op.create_index("ix_messages_conversation", "messages", ["conversation_id", "inquiry_id"])
    op.add_column("inquiries", sa.Column("ended_at", Utc(), nullable=True))
    op.add_column("inquiries", sa.Column("reopened_at", Utc(), nullable=True))
    op.add_column("inquiries", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("inquiries", sa.Column("fact_key", sa.Uuid(), nullable=True))
    op.drop_index("ix_inquiries_conversation", table_name="inquiries")
    op.create_index(
        "ix_inquiries_conversation", "inquiries", ["conversation_id", "contact_id", "received_at"]
    )


def _quarantine() -> None:
    op.add_column("quarantine", sa.Column("external_id", sa.Text(), nullable=True))
    op.create_index("ix_quarantine_channel", "quarantine", ["channel", "received_at"])
    op.create_index("ix_quarantine_external_id", "quarantine", ["channel", "external_id"])


def _new_tables() -> None:
    op.create_table(
        "inquiry_ends",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("follow_up_at", Utc(), nullable=True),
        sa.Column("covers_until", Utc(), nullable=True),
        sa.Column("covers_message_id", sa.Uuid(), nullable=True),
        sa.Column("taken_back", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("inquiry_id", "id", name="pk_inquiry_ends"),
    )
    op.create_index("ix_inquiry_ends_id", "inquiry_ends", ["id"])
    op.create_table(
        "own_posts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("received_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_own_posts"),
        sa.UniqueConstraint("channel", "external_id", name="uq_own_posts_channel_external_id"),
    )
    op.create_index("ix_own_posts_conversation", "own_posts", ["conversation_id", "received_at"])
    op.create_index("ix_own_posts_waits_for", "own_posts", ["channel", "waits_for"])
    op.create_index("ix_own_posts_received_at", "own_posts", ["received_at"])
    op.create_table(
        "awaited_messages",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id", name="pk_awaited_messages"),
    )
    op.create_index("ix_awaited_messages_since", "awaited_messages", ["since"])


_REPLIES = """
INSERT INTO inquiry_ends (inquiry_id, id, kind, at, by, follow_up_at, covers_until, taken_back,
    revision)
SELECT m.inquiry_id, m.id, m.kind, coalesce(m.sent_at, m.received_at), coalesce(m.author_name, ''),
    CASE WHEN m.kind = 'holding' THEN i.follow_up_at END, m.received_at, false, 0
FROM messages m JOIN inquiries i ON i.id = m.inquiry_id WHERE m.kind IN ('answer', 'holding')
"""
_DECISIONS = """
INSERT INTO inquiry_ends (inquiry_id, id, kind, at, by, reason, covers_until, taken_back, revision)
SELECT id, id,
    CASE WHEN state = 'no_answer' THEN 'dismiss' WHEN reason = 'completed' THEN 'complete'
        ELSE 'close' END,
    closed_at, '', CASE WHEN reason = 'completed' THEN NULL ELSE reason END,
    closed_at, false, 0
FROM inquiries WHERE closed_at IS NOT NULL
"""
_COMPLETED = """
UPDATE inquiries SET state = 'answered', answered_at = closed_at, closed_at = NULL, reason = NULL
WHERE state = 'closed' AND reason = 'completed'
"""
_ENDED = """
UPDATE inquiries SET ended_at = coalesce(answered_at, closed_at)
WHERE answered_at IS NOT NULL OR closed_at IS NOT NULL
"""


def _ends_of_before() -> None:
    for statement in (_REPLIES, _DECISIONS, _COMPLETED, _ENDED):
        op.execute(statement)

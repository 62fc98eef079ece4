"""The table of what has to go out, which is also the log of what became of it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, Uuid

from shared.db.types import Utc, new_metadata


def notification_deliveries_table(metadata: MetaData) -> Table:
    """The table as every service that notifies declares it among its own."""
    waiting = Column("next_attempt_at").is_not(None)
    return Table(
        "notification_deliveries",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("target", String(40), nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("kind", String(20), nullable=False),
        Column("inquiry_id", Uuid, nullable=False),
        Column("body", Text, nullable=False),
        # pending, delivered, failed
        Column("state", String(12), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("give_up_at", Utc, nullable=False),
        # Also how long an instance has it for itself while it tries.
        Column("next_attempt_at", Utc),
        Column("last_attempt_at", Utc),
        Column("last_status", Integer),
        Column("last_error", String(300)),
        Column("delivered_at", Utc),
        UniqueConstraint("target", "event_id"),
        Index(
            "ix_notification_deliveries_due",
            "target",
            "next_attempt_at",
            "id",
            postgresql_where=waiting,
            sqlite_where=waiting,
        ),
        Index("ix_notification_deliveries_created", "created_at", "id"),
    )


NOTIFICATION_DELIVERIES = notification_deliveries_table(new_metadata())

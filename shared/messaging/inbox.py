"""The inbox: which events a consumer group has already handled, in its own transaction.

Delivery is at least once; with this row beside the effect, the effect is exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Index,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.dml import ReturningInsert

from shared.db import Write
from shared.db.among import among_named, listed
from shared.db.bulk import insert_rows
from shared.db.types import Utc, new_metadata

ROWS_AT_ONCE = 1000


def inbox_table(metadata: MetaData) -> Table:
    """The table as every service declares it among its own."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", String(40), primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("handled_at", Utc, nullable=False),
        Index("ix_inbox_handled_at", "handled_at"),
    )


INBOX = inbox_table(new_metadata())


def first_time(
    tx: Write, event_ids: Sequence[UUID], *, consumer: str, now: datetime
) -> frozenset[UUID]:
    """Claim the events for this transaction; those returned were not handled before.

    Goes first in the transaction: a second instance with the same event then waits here until
    this one commits or rolls back, and never meets it on the business rows.
    """
    # Sorted, so that two instances with the same events cannot deadlock.
    wanted = sorted(set(event_ids))
    if tx.dialect == "postgresql":
        claimed = tx.execute(_claim(), {"consumer": consumer, "ids": wanted, "now": now})
        return frozenset(claimed.scalars())
    # The one writer can look first, which is cheaper than asking each insert.
    there = tx.execute(_there(tx.dialect), {"consumer": consumer, "ids": listed(tx, wanted)})
    handled = frozenset(there.scalars())
    new = [event_id for event_id in wanted if event_id not in handled]
    insert_rows(
        tx, INBOX, [{"consumer": consumer, "event_id": each, "handled_at": now} for each in new]
    )
    return frozenset(new)


@cache
def _claim() -> ReturningInsert[Any]:
    c = INBOX.c
    ids = func.unnest(bindparam("ids", type_=ARRAY(c.event_id.type)))
    consumer = bindparam("consumer", type_=c.consumer.type)
    rows = select(consumer, ids, bindparam("now", type_=c.handled_at.type))
    claim = postgresql.insert(INBOX).from_select(["consumer", "event_id", "handled_at"], rows)
    return claim.on_conflict_do_nothing().returning(c.event_id)


@cache
def _there(dialect: str) -> Select[Any]:
    c = INBOX.c
    return select(c.event_id).where(
        c.consumer == bindparam("consumer"), among_named(dialect, c.event_id, "ids")
    )


def forget_handled(tx: Write, *, before: datetime) -> int:
    """Delete a batch of rows older than that moment; 0 when none is left.

    Must keep longer than the log, its offsets and the oldest backup: an event that is delivered
    after its row is gone would be handled twice.
    """
    c = INBOX.c
    old = select(c.consumer, c.event_id).where(c.handled_at < before).limit(ROWS_AT_ONCE)
    return tx.execute(delete(INBOX).where(tuple_(c.consumer, c.event_id).in_(old))).rowcount

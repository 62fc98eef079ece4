"""The outbox: facts are written in the transaction that makes them true; a relay publishes them.

Order per key needs one thing of every verb: lock the aggregate's row (insert, update or SELECT ...
FOR UPDATE) before it records an event, because the number below is drawn at insert and commits do
not follow it. Published rows stay for a while, so that `replay` can publish them again.

The columns are named as Debezium's outbox event router expects them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    Update,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from shared.bus.port import Record
from shared.db import Read, Write
from shared.db.among import among, among_named, listed
from shared.db.bulk import insert_rows
from shared.db.types import Utc, new_metadata
from shared.messaging.codec import PREFIX, to_record
from shared.messaging.envelope import BY_TYPE, Envelope
from shared.runtime.trace import current_traceparent

PUBLISHED_ROWS_AT_ONCE = 1000


def outbox_table(metadata: MetaData) -> Table:
    """The table as every service declares it among its own."""
    return Table(
        "outbox",
        metadata,
        Column(
            "seq",
            BigInteger().with_variant(Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        Column("id", Uuid, nullable=False),
        Column("aggregatetype", String(40), nullable=False),
        Column("aggregateid", String(80), nullable=False),
        Column("type", String(80), nullable=False),
        Column("payload", Text, nullable=False),
        Column("traceparent", String(55), nullable=False),
        Column("occurred_at", Utc, nullable=False),
        Column("published_at", Utc),
        # No index on `id`: nothing looks a row up by it, and the hot path pays for every index.
        Index(
            "ix_outbox_unpublished",
            "seq",
            postgresql_where=Column("published_at").is_(None),
            sqlite_where=Column("published_at").is_(None),
        ),
        # Without AUTOINCREMENT SQLite would give a deleted row's number to a new one.
        sqlite_autoincrement=True,
    )


OUTBOX = outbox_table(new_metadata())


@dataclass(frozen=True, slots=True)
class OutboxRow:
    seq: int
    id: UUID
    aggregate: str
    key: str
    type: str
    payload: str
    traceparent: str
    occurred_at: datetime


def record(tx: Write, events: Sequence[Envelope]) -> None:
    """Write the facts into the transaction, in this order, after the state that they are about."""
    insert_rows(tx, OUTBOX, [_row(event) for event in events])
    for follow in tx.followers:
        follow(tx, events)


def _row(event: Envelope) -> dict[str, Any]:
    return {
        "id": event.id,
        "aggregatetype": event.data.AGGREGATE,
        "aggregateid": event.key,
        "type": event.data.TYPE,
        "payload": event.data.model_dump_json(exclude_none=True),
        "traceparent": event.traceparent or current_traceparent(),
        "occurred_at": event.time,
    }


def unpublished(tx: Read, *, limit: int) -> list[OutboxRow]:
    """What the relay must publish next, oldest first; never "after the last one seen"."""
    return _rows(tx, _unpublished(tuple(BY_TYPE)), limit=limit)


def of_type(tx: Read, type_: str, *, limit: int) -> list[OutboxRow]:
    """The oldest rows of that type, published or not."""
    return _rows(tx, _select(OUTBOX.c.type == type_), limit=limit)


def _rows(tx: Read, query: Select[Any], *, limit: int) -> list[OutboxRow]:
    return [OutboxRow(*row) for row in tx.execute(query, {"limit": limit})]


@lru_cache(maxsize=1)
def _unpublished(known: tuple[str, ...]) -> Select[Any]:
    c = OUTBOX.c
    # A newer program may have recorded what only it can publish; its relay comes.
    return _select(c.published_at.is_(None), c.type.in_(known))


def _select(*where: ColumnElement[bool]) -> Select[Any]:
    c = OUTBOX.c
    columns = (
        c.seq, c.id, c.aggregatetype, c.aggregateid, c.type, c.payload, c.traceparent,
        c.occurred_at,
    )  # fmt: skip
    return select(*columns).where(*where).order_by(c.seq).limit(bindparam("limit", type_=Integer))


def remove(tx: Write, seqs: Sequence[int]) -> None:
    """Take these rows out, whether they were published or not."""
    tx.execute(delete(OUTBOX).where(among(tx, OUTBOX.c.seq, seqs)))


def last_seq(tx: Read) -> int:
    """The number of the row that was recorded last; 0 when there is none."""
    return tx.execute(select(func.max(OUTBOX.c.seq))).scalar() or 0


def unknown_waits(tx: Read) -> bool:
    """Whether a fact waits that only a newer program can publish."""
    c = OUTBOX.c
    waits = select(c.seq).where(c.published_at.is_(None), c.type.not_in(BY_TYPE)).limit(1)
    return tx.execute(waits).scalar() is not None


def as_record(row: OutboxRow, *, source: str) -> Record:
    """The row as it goes on the bus; `source` is the service that owns it, e.g. `/intake`."""
    return to_record(
        event_id=row.id,
        aggregate=row.aggregate,
        key=row.key,
        type_=row.type,
        payload=row.payload,
        traceparent=row.traceparent,
        time=row.occurred_at,
        source=source,
    )


def envelope_of(row: OutboxRow) -> Envelope:
    """The fact of the row, as it was recorded."""
    data = BY_TYPE[row.type].model_validate_json(row.payload)
    return Envelope(row.id, row.key, row.occurred_at, data, row.traceparent)


def record_again(tx: Write, rows: Sequence[Record]) -> None:
    """Let the relay publish these records as the facts that they were, under their event ids."""
    for each in rows:
        headers = {name: value.decode() for name, value in each.headers}
        tx.execute(
            insert(OUTBOX).values(
                id=UUID(headers["ce_id"]),
                aggregatetype=each.topic.removeprefix(f"{PREFIX}."),
                aggregateid=each.key,
                type=headers["ce_type"],
                payload=each.value.decode(),
                traceparent=headers["traceparent"],
                occurred_at=datetime.fromisoformat(headers["ce_time"]),
            )
        )


def mark_published(tx: Write, seqs: Sequence[int], *, now: datetime) -> None:
    tx.execute(_mark(tx.dialect), {"seqs": listed(tx, seqs), "now": now})


@cache
def _mark(dialect: str) -> Update:
    c = OUTBOX.c
    return (
        update(OUTBOX)
        .where(among_named(dialect, c.seq, "seqs"), c.published_at.is_(None))
        .values(published_at=bindparam("now"))
    )


def oldest_unpublished(tx: Read) -> datetime | None:
    """When the row that waits longest was recorded; None when nothing waits."""
    return tx.execute(
        select(OUTBOX.c.occurred_at)
        .where(OUTBOX.c.published_at.is_(None))
        .order_by(OUTBOX.c.seq)
        .limit(1)
    ).scalar()


def publish_again(tx: Write, *, since: datetime) -> int:
    """Let the relay publish every kept fact since that moment again, under its first event id."""
    return tx.execute(
        update(OUTBOX)
        .where(OUTBOX.c.occurred_at >= since, OUTBOX.c.published_at.is_not(None))
        .values(published_at=None)
    ).rowcount


def forget_published(tx: Write, *, before: datetime) -> int:
    """Delete a batch of rows that were published before that moment; 0 when none is left."""
    old = (
        select(OUTBOX.c.seq)
        .where(OUTBOX.c.published_at < before)
        .order_by(OUTBOX.c.seq)
        .limit(PUBLISHED_ROWS_AT_ONCE)
    )
    return tx.execute(delete(OUTBOX).where(OUTBOX.c.seq.in_(old))).rowcount

"""Dead letters: records and facts that could not be dealt with, kept whole until somebody decides.

A letter is a row of the service that failed, written in one transaction: it never has to fit on
the bus again, and is never sent to a group that had no trouble with it. It waits until a person
asks for it to be tried again (see `shared/messaging/redelivery.py`) or gives it up.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    delete,
    func,
    insert,
    select,
    update,
)

from shared.bus.port import Partition, Received, Record
from shared.db import Read, Write
from shared.db.among import among
from shared.db.types import Utc, new_metadata
from shared.runtime.ids import new_id

RELAY = "relay"
"""The consumer of a letter that is a fact of the service's own which the bus did not take."""
REASON_LIMIT = 1_000
AT_ONCE = 100
TRIED_BYTES = 1_048_576
"""As the largest body that comes in; random, so that it cannot be compressed."""


class State(StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    HANDLED = "handled"
    DISCARDED = "discarded"


OPEN = (State.WAITING, State.ASKED)


def dead_letters_table(metadata: MetaData) -> Table:
    """The table as every service declares it among its own."""
    return Table(
        "dead_letters",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("consumer", String(40), nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        # Bytes: a foreign key may hold what no text column takes, and be of any length.
        Column("key", LargeBinary, nullable=False),
        Column("headers", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("reason", Text, nullable=False),
        Column("failed_at", Utc, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("state", String(10), nullable=False),
        Column("settled_at", Utc),
        Column("settled_why", Text),
        Index("ix_dead_letters_state", "state", "consumer"),
        Index("ix_dead_letters_place", "consumer", "topic", "partition", "offset"),
    )


DEAD_LETTERS = dead_letters_table(new_metadata())
_C = DEAD_LETTERS.c
_HEAD = (
    _C.id, _C.consumer, _C.topic, _C.partition, _C.offset, _C.headers, _C.reason, _C.failed_at,
    _C.attempts, _C.state,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """What is shown of a letter: never its words, they may be a customer's."""

    id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    headers: tuple[tuple[str, bytes], ...]
    reason: str
    failed_at: datetime
    attempts: int
    state: str

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, b"").decode("utf-8", "replace")


def keep(tx: Write, record: Received, *, consumer: str, reason: str, now: datetime) -> UUID:
    """Keep the record; one that is here already, because it was delivered again, is not doubled."""
    same = select(_C.id).where(
        _C.consumer == consumer,
        _C.topic == record.partition.topic,
        _C.partition == record.partition.number,
        _C.offset == record.offset,
        _C.state.in_(OPEN),
        _C.key == record.key.encode(),
        _C.headers == _packed(record.headers),
        _C.value == record.value,
    )
    there = tx.execute(same).scalar()
    if there is not None:
        failed_again(tx, there, reason=reason, now=now)
        return UUID(str(there))
    letter_id = new_id()
    tx.execute(
        insert(DEAD_LETTERS).values(
            id=letter_id,
            consumer=consumer,
            topic=record.partition.topic,
            partition=record.partition.number,
            offset=record.offset,
            key=record.key.encode(),
            headers=_packed(record.headers),
            value=record.value,
            reason=plain(reason),
            failed_at=now,
            attempts=1,
            state=State.WAITING,
        )
    )
    return letter_id


def keep_own(tx: Write, record: Record, *, seq: int, reason: str, now: datetime) -> UUID:
    """Keep a fact of the service's own, number `seq` of its outbox."""
    received = Received(Partition(record.topic, 0), seq, record.key, record.value, record.headers)
    return keep(tx, received, consumer=RELAY, reason=reason, now=now)


def next_asked(tx: Read, consumers: Sequence[str]) -> UUID | None:
    """The letter that is to be tried next, oldest first."""
    asked = select(_C.id).where(_C.state == State.ASKED, _C.consumer.in_(consumers))
    return tx.execute(asked.order_by(_C.id).limit(1)).scalar()


def take(tx: Write, letter_id: UUID) -> tuple[str, Received] | None:
    """Its consumer and its record, locked; None when another instance was faster."""
    row = tx.row(
        select(DEAD_LETTERS)
        .where(_C.id == letter_id, _C.state == State.ASKED)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    return row["consumer"], Received(
        Partition(row["topic"], row["partition"]),
        row["offset"],
        row["key"].decode(),
        row["value"],
        _unpacked(row["headers"]),
    )


def settle(tx: Write, ids: Sequence[UUID], *, state: State, now: datetime, why: str = "") -> None:
    tx.execute(
        update(DEAD_LETTERS)
        .where(among(tx, _C.id, ids))
        .values(state=state, settled_at=now, settled_why=plain(why) or None)
    )


def failed_again(tx: Write, letter_id: UUID, *, reason: str, now: datetime) -> None:
    """It waits for a person again: what fails is never retried endlessly."""
    tx.execute(
        update(DEAD_LETTERS)
        .where(_C.id == letter_id, _C.state.in_(OPEN))
        .values(
            state=State.WAITING,
            attempts=_C.attempts + 1,
            reason=plain(reason),
            failed_at=now,
        )
    )


def ask(tx: Write, ids: Sequence[UUID]) -> int:
    """Let these be tried once more; how many of them waited."""
    chosen = among(tx, _C.id, ids)
    return tx.execute(
        update(DEAD_LETTERS).where(chosen, _C.state == State.WAITING).values(state=State.ASKED)
    ).rowcount


def discard(tx: Write, ids: Sequence[UUID], *, why: str, now: datetime) -> int:
    """Give these up; how many of them were open."""
    chosen = among(tx, _C.id, ids)
    return tx.execute(
        update(DEAD_LETTERS)
        .where(chosen, _C.state.in_(OPEN))
        .values(state=State.DISCARDED, settled_at=now, settled_why=plain(why))
    ).rowcount


def heads(tx: Read, *, since: datetime | None = None, limit: int, after: UUID | None) -> list[Head]:
    """What is open, in the order of the ids, which is that of the first failure."""
    query = select(*_HEAD).where(_C.state.in_(OPEN))
    if since is not None:
        query = query.where(_C.failed_at >= since)
    if after is not None:
        query = query.where(_C.id > after)
    rows = tx.rows(query.order_by(_C.id).limit(limit))
    return [Head(**{**row, "headers": _unpacked(row["headers"])}) for row in rows]


def try_out(tx: Write, *, now: datetime) -> None:
    """Write a row as large as any that has to be written, and take it out again: to see whether
    this database takes writes. On a full disk small ones still find room for a long time.
    """
    letter_id = new_id()
    tx.execute(
        insert(DEAD_LETTERS).values(
            id=letter_id, consumer="readiness", topic="", partition=0, offset=0, key=b"",
            headers="[]", value=os.urandom(TRIED_BYTES), reason="", failed_at=now, attempts=0,
            state=State.DISCARDED,
        )
    )  # fmt: skip
    tx.execute(delete(DEAD_LETTERS).where(_C.id == letter_id))


def is_open(tx: Read, consumer: str) -> bool:
    """Whether a letter of that consumer waits."""
    query = select(_C.id).where(_C.state.in_(OPEN), _C.consumer == consumer).limit(1)
    return tx.execute(query).scalar() is not None


def count_open(tx: Read) -> int:
    query = select(func.count()).select_from(DEAD_LETTERS).where(_C.state.in_(OPEN))
    return int(tx.execute(query).scalar_one())


def forget(tx: Write, *, before: datetime) -> tuple[int, int]:
    """Delete a batch that failed before that moment: how many in all, and how many still waited.

    Only so many at once; (0, 0) when none is left.
    """
    query = select(_C.id, _C.state).where(_C.failed_at < before).order_by(_C.id).limit(AT_ONCE)
    rows = tx.execute(query).all()
    tx.execute(delete(DEAD_LETTERS).where(among(tx, _C.id, [row.id for row in rows])))
    return len(rows), sum(row.state in OPEN for row in rows)


def plain(text: str) -> str:
    """One bounded line without control characters, fit for any terminal and database."""
    shown = "".join(c if c.isprintable() else " " for c in text[:REASON_LIMIT])
    return shown if len(text) <= REASON_LIMIT else f"{shown}..."


def _packed(headers: Sequence[tuple[str, bytes]]) -> str:
    return json.dumps([[name, base64.b64encode(value).decode()] for name, value in headers])


def _unpacked(packed: str) -> tuple[tuple[str, bytes], ...]:
    pairs: list[Any] = json.loads(packed)
    return tuple((name, base64.b64decode(value)) for name, value in pairs)

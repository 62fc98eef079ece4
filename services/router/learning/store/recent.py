"""Inquiries of late with what they say, whoever decided on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from services.router.learning.store.labels import Page, Place, Words, first_words
from services.router.tables import shadow_decisions, todos
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows

_FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Recent:
    inquiry_id: UUID
    received_at: datetime
    channel: str
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class RecentText:
    inquiry_id: UUID
    channel: str
    words: Words


@dataclass(frozen=True, slots=True)
class WouldDecide:
    """What a version would have decided."""

    inquiry_id: UUID
    version: int
    received_at: datetime
    kind: str
    desk: str
    confidence: float


def page(tx: Read, *, after: Place | None, limit: int) -> Page[RecentText]:
    """By receipt, the newest first; those without words are passed over."""
    t = todos.c
    query = select(t.id, t.inquiry_id, t.received_at, t.channel)
    if after is not None:
        query = query.where(tuple_(t.received_at, t.id) < after)
    rows = tx.execute(query.order_by(t.received_at.desc(), t.id.desc()).limit(limit)).all()
    words = first_words(tx, [row.inquiry_id for row in rows])
    texts = [
        RecentText(row.inquiry_id, row.channel, words[row.inquiry_id])
        for row in rows
        if row.inquiry_id in words
    ]
    place = (rows[-1].received_at, rows[-1].id) if len(rows) == limit else None
    return Page(texts, len(rows), place)


def newest(tx: Read, *, limit: int) -> list[Recent]:
    """By receipt, the newest first, without what they say."""
    t = todos.c
    rows = tx.execute(
        select(t.inquiry_id, t.received_at, t.channel, t.decided_by)
        .order_by(t.received_at.desc(), t.id.desc())
        .limit(limit)
    )
    return [Recent(*row) for row in rows]


def without(tx: Read, inquiries: Sequence[UUID], version: int) -> frozenset[UUID]:
    """Those of which it is not known what that version would decide."""
    s = shadow_decisions.c
    known = select(s.inquiry_id).where(among(tx, s.inquiry_id, inquiries), s.version == version)
    return frozenset(inquiries) - frozenset(tx.execute(known).scalars())


def keep(tx: Write, found: Sequence[WouldDecide]) -> None:
    """Once: the first that was said stays."""
    rows = [
        {
            "inquiry_id": each.inquiry_id,
            "version": each.version,
            "received_at": each.received_at,
            "kind": each.kind,
            "desk": each.desk,
            "confidence": each.confidence,
        }
        for each in sorted(found, key=lambda each: each.inquiry_id)
    ]
    insert_rows(
        tx, shadow_decisions, rows, on_conflict="ON CONFLICT (inquiry_id, version) DO NOTHING"
    )


def forget(tx: Write, *, before: datetime) -> None:
    """What was received before that moment, some at a time."""
    s = shadow_decisions.c
    old = select(s.inquiry_id).where(s.received_at < before).limit(_FORGOTTEN_AT_ONCE)
    ids = list(tx.execute(old).scalars())
    if ids:
        tx.execute(delete(shadow_decisions).where(among(tx, s.inquiry_id, ids)))

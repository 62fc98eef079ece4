"""Which warnings and breaches went out: each key once per inquiry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.sla.clocks.notices import NoticeKey, NoticeKind
from services.sla.tables import sent_notices
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows


@dataclass(frozen=True, slots=True)
class SentNotice:
    inquiry_id: UUID
    key: NoticeKey
    at: datetime


def add(tx: Write, notices: Sequence[SentNotice]) -> None:
    """A key that was sent already is an integrity error: the transaction must not go on."""
    insert_rows(
        tx,
        sent_notices,
        [{"inquiry_id": each.inquiry_id, "key": str(each.key), "at": each.at} for each in notices],
    )


def of(tx: Read, inquiry_ids: Sequence[UUID]) -> Mapping[UUID, frozenset[NoticeKey]]:
    c = sent_notices.c
    rows = tx.execute(select(c.inquiry_id, c.key).where(among(tx, c.inquiry_id, inquiry_ids)))
    found: dict[UUID, set[NoticeKey]] = defaultdict(set)
    for inquiry_id, key in rows:
        found[inquiry_id].add(_key(key))
    return {inquiry_id: frozenset(keys) for inquiry_id, keys in found.items()}


def history(tx: Read, inquiry_id: UUID) -> list[SentNotice]:
    """The notices of an inquiry, in order."""
    c = sent_notices.c
    rows = tx.execute(select(c.key, c.at).where(c.inquiry_id == inquiry_id).order_by(c.at))
    return [SentNotice(inquiry_id, _key(key), at) for key, at in rows]


def _key(text: str) -> NoticeKey:
    kind, _, rest = text.partition(":")
    level, _, target = rest.rpartition(":")
    return NoticeKey(NoticeKind(kind), level, target)

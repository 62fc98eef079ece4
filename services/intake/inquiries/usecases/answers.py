"""Answers are published again with what they say: those of before facts carried their words, and
those of which a post on the platform was edited.

It is the same fact about the same reply under the same revision, so it changes nothing that anybody
has counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from services.intake.inquiries.domain.ends import End, EndKind
from services.intake.inquiries.store import facts
from services.intake.inquiries.store.loading import ends_of, lock_all
from services.intake.inquiries.store.storing import answer_text
from services.intake.tables import ends, inquiries
from shared.db import Write
from shared.db.among import among
from shared.events import Envelope
from shared.events.inquiries import InquiryAnswered
from shared.messaging import outbox
from shared.runtime.ids import new_id

NOBODY = UUID(int=0)
"""Before the first inquiry."""


@dataclass(frozen=True, slots=True)
class Page:
    """How many answers will be published, and the inquiry after which the next page begins (None:
    there are no more).
    """

    answers: int
    after: UUID | None


def publish_page(tx: Write, *, since: datetime, after: UUID, limit: int, now: datetime) -> Page:
    """Publish the answers since that moment (UTC) of the next inquiries that have ended."""
    e = ends.c
    query = select(e.inquiry_id).where(e.inquiry_id > after).distinct()
    ids = list(tx.execute(query.order_by(e.inquiry_id).limit(limit)).scalars())
    lock_all(tx, ids)
    published = _publish(tx, ids, now=now, since=since)
    return Page(published, ids[-1] if len(ids) == limit else None)


def publish_edited(tx: Write, post_id: UUID, *, now: datetime) -> None:
    """The post says something else now; the conversation is locked."""
    ids = sorted(tx.execute(select(ends.c.inquiry_id).where(ends.c.id == post_id)).scalars())
    _publish(tx, ids, now=now, only=post_id)


def _publish(
    tx: Write,
    inquiry_ids: Sequence[UUID],
    *,
    now: datetime,
    since: datetime | None = None,
    only: UUID | None = None,
) -> int:
    i = inquiries.c
    there = select(i.id, i.conversation_id, i.fact_key).where(
        among(tx, i.id, inquiry_ids), i.merged_into.is_(None), i.removed_at.is_(None)
    )
    kept = ends_of(tx, inquiry_ids)
    envelopes = [
        envelope
        for row in tx.rows(there.order_by(i.id))
        for end in kept[row["id"]]
        if _counts(end, since=since, only=only)
        for envelope in _again(tx, row, end, now=now, edited=only is not None)
    ]
    outbox.record(tx, envelopes)
    return len(envelopes)


def _counts(end: End, *, since: datetime | None, only: UUID | None) -> bool:
    if end.kind is not EndKind.ANSWER or end.taken_back:
        return False
    return (since is None or end.at >= since) and (only is None or end.id == only)


def _again(
    tx: Write, row: dict[str, Any], end: End, *, now: datetime, edited: bool
) -> Iterator[Envelope]:
    key = row["fact_key"] or row["conversation_id"]
    ids: facts.Ids = {"inquiry_id": row["id"], "conversation_id": key}
    fact = facts.answered(end, ids, answer_text(tx, end))
    if fact.text:
        # A post may be edited back to what it said before: each time that is news.
        event_id = new_id() if edited else _event_id(fact)
        yield Envelope(event_id, str(key), now, fact)


def _event_id(fact: InquiryAnswered) -> UUID:
    """The same for the same words, so that a repeated backfill is handled once."""
    return uuid5(fact.message_id, f"{fact.inquiry_id} {fact.revision} {fact.text}")

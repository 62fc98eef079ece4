"""What the form keeps: its key, and by when its inquiries are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, exists, select, update

from services.intake.inquiries.domain.inquiry import AWAITS_ANSWER, InquiryState
from services.intake.inquiries.domain.message import mark_of
from services.intake.tables import (
    form_deadlines,
    form_keys,
    identities,
    inquiries,
    messages,
    quarantine,
    removed,
)
from shared.db import Read, Write
from shared.db.upsert import insert_into
from shared.text.references import reference_of

_ONLY = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How the inquiry of a message stands. `due_at` is None while no clock is known."""

    reference: str
    state: InquiryState
    received_at: datetime
    answered_at: datetime | None
    due_at: datetime | None
    paused: bool
    has_email: bool

    @property
    def awaited(self) -> bool:
        return self.state in AWAITS_ANSWER


@dataclass(frozen=True, slots=True)
class KeptAside:
    """A person has to look at it first."""

    received_at: datetime


@dataclass(frozen=True, slots=True)
class Gone:
    """It was here, and was removed when its time was over."""


Found = Standing | KeptAside | Gone


@dataclass(frozen=True, slots=True)
class DueTime:
    """When an inquiry is to be answered, as sla said at `reported_at`."""

    inquiry_id: UUID
    due_at: datetime
    paused: bool
    reported_at: datetime


def find_key(tx: Read) -> bytes | None:
    found: bytes | None = tx.execute(select(form_keys.c.key)).scalar()
    return found


def make_key(tx: Write, fresh: bytes, *, now: datetime) -> bytes:
    """The one key of all instances: `fresh` when there was none."""
    row = insert_into(tx, form_keys).values(id=_ONLY, key=fresh, created_at=now)
    tx.execute(row.on_conflict_do_nothing())
    found: bytes = tx.execute(select(form_keys.c.key)).scalar_one()
    return found


def keep_due_times(tx: Write, started: Sequence[DueTime]) -> None:
    """Keep them, unless what is known was reported later."""
    c = form_deadlines.c
    for each in sorted(started, key=lambda due: due.inquiry_id):
        row = insert_into(tx, form_deadlines).values(**_values(each))
        tx.execute(
            row.on_conflict_do_update(
                index_elements=[c.inquiry_id],
                set_={
                    "due_at": row.excluded.due_at,
                    "paused": row.excluded.paused,
                    "reported_at": row.excluded.reported_at,
                },
                where=c.reported_at <= row.excluded.reported_at,
            )
        )


def move_due_times(tx: Write, moved: Sequence[DueTime]) -> None:
    """The same for those that are known; the others are no inquiries of the form."""
    if not moved:
        return
    c = form_deadlines.c
    tx.execute(
        update(form_deadlines)
        .where(c.inquiry_id == bindparam("of"), c.reported_at <= bindparam("at"))
        .values(due_at=bindparam("due"), paused=bindparam("pause"), reported_at=bindparam("at")),
        [
            {"of": d.inquiry_id, "due": d.due_at, "pause": d.paused, "at": d.reported_at}
            for d in sorted(moved, key=lambda due: due.inquiry_id)
        ],
    )


def _values(due: DueTime) -> dict[str, Any]:
    return {
        "inquiry_id": due.inquiry_id,
        "due_at": due.due_at,
        "paused": due.paused,
        "reported_at": due.reported_at,
    }


def due_time(tx: Read, inquiry_id: UUID) -> datetime | None:
    c = form_deadlines.c
    return tx.execute(select(c.due_at).where(c.inquiry_id == inquiry_id)).scalar()


def find(tx: Read, *, channel: str, external_id: str) -> Found | None:
    """What became of the message with that id; None when there was none."""
    m = messages.c
    inquiry_id = tx.execute(
        select(m.inquiry_id).where(m.channel == channel, m.external_id == external_id)
    ).scalar()
    if inquiry_id is not None:
        return _standing(tx, inquiry_id)
    q = quarantine.c
    kept_at = tx.execute(
        select(q.received_at).where(q.channel == channel, q.external_id == external_id)
    ).scalar()
    if kept_at is not None:
        return KeptAside(kept_at)
    mark = removed.c.mark == mark_of(channel, external_id)
    return Gone() if tx.execute(select(removed.c.mark).where(mark)).scalar() else None


def _standing(tx: Read, inquiry_id: UUID) -> Standing | None:
    i, d, known = inquiries.c, form_deadlines.c, identities.c
    email = exists().where(
        known.contact_id == i.contact_id, known.channel == i.channel, known.email.is_not(None)
    )
    row = tx.execute(
        select(i.state, i.received_at, i.answered_at, d.due_at, d.paused, email)
        .join_from(inquiries, form_deadlines, d.inquiry_id == i.id, isouter=True)
        .where(i.id == inquiry_id)
    ).first()
    if row is None:
        return None
    return Standing(
        reference=reference_of(inquiry_id),
        state=InquiryState(row[0]),
        received_at=row[1],
        answered_at=row[2],
        due_at=row[3],
        paused=bool(row[4]),
        has_email=bool(row[5]),
    )

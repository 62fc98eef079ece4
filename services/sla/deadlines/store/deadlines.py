"""The rows of `deadlines`: made, locked, changed, claimed. One row per inquiry, always.

Every verb locks the rows of its inquiries first, in the order of their ids: that decides the order
of what it publishes, and keeps two instances from waiting for each other in a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)

from services.sla.tables import deadlines
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows
from shared.db.upsert import insert_into

AWAITED: Final = "awaited"
"""Facts of the inquiry came before the inquiry itself."""
BEST_EFFORT: Final = "best_effort"
RUNNING: Final = "running"
PAUSED: Final = "paused"

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """A row of `deadlines`; the fields are its columns."""

    inquiry_id: UUID
    conversation_id: UUID
    state: str
    channel: str | None = None
    desk: str | None = None
    contact_id: UUID | None = None
    hashtags: str | None = None
    policy_version: str | None = None
    promise: str | None = None
    target: str | None = None
    received_at: datetime | None = None
    received_week: str | None = None
    due_at: datetime | None = None
    next_action_at: datetime | None = None
    window_ends_at: datetime | None = None
    breached_at: datetime | None = None
    answered_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    answer_business_seconds: int | None = None
    answer_wall_seconds: int | None = None
    merged_into: UUID | None = None
    published: str | None = None


COLUMNS: Final = tuple(DeadlineRow.__dataclass_fields__)
_C = deadlines.c


def whole_rows() -> Select[*tuple[Any, ...]]:
    """A query for every column, in the order that DeadlineRow takes them."""
    return select(*(_C[name] for name in COLUMNS))


def find(tx: Read, inquiry_id: UUID) -> DeadlineRow | None:
    row = tx.execute(whole_rows().where(_C.inquiry_id == inquiry_id)).one_or_none()
    return None if row is None else DeadlineRow(*row)


def lock(tx: Write, inquiry_ids: Sequence[UUID]) -> dict[UUID, DeadlineRow]:
    """Those of the rows that exist, locked."""
    if not inquiry_ids:
        return {}
    rows = tx.execute(
        whole_rows()
        .where(among(tx, _C.inquiry_id, inquiry_ids))
        .order_by(_C.inquiry_id)
        .with_for_update()
    )
    return {row.inquiry_id: DeadlineRow(*row) for row in rows}


def ensure(tx: Write, conversations: Mapping[UUID, UUID]) -> dict[UUID, DeadlineRow]:
    """The locked row of each inquiry, made as `awaited` where there is none yet.

    `conversations` holds each inquiry's conversation.
    """
    rows = lock(tx, list(conversations))
    missing = sorted(conversations.keys() - rows.keys())
    if missing:
        stubs = [
            {"inquiry_id": each, "conversation_id": conversations[each], "state": AWAITED}
            for each in missing
        ]
        tx.execute(insert_into(tx, deadlines).on_conflict_do_nothing(), stubs)
        # Another instance may have been faster: what counts is the row that is there now.
        rows |= lock(tx, missing)
    return rows


def set_desks(tx: Write, desks: Mapping[UUID, tuple[UUID, str]]) -> None:
    """Note each inquiry's conversation and desk in one statement, whether it is known or not."""
    new = insert_into(tx, deadlines)
    upsert = new.on_conflict_do_update(
        index_elements=[_C.inquiry_id],
        set_={"desk": new.excluded.desk},
        where=_C.desk.is_distinct_from(new.excluded.desk),
    )
    rows = [
        {"inquiry_id": each, "conversation_id": desks[each][0], "desk": desks[each][1]}
        for each in sorted(desks, key=lambda inquiry_id: inquiry_id.int)
    ]
    tx.execute(upsert, [{**row, "state": AWAITED} for row in rows])


def insert_new(tx: Write, rows: Sequence[Columns]) -> frozenset[UUID]:
    """Insert whole rows; the inquiries that had none before. Rows that exist stay as they are."""
    if not rows:
        return frozenset()
    ordered = sorted(rows, key=lambda row: row["inquiry_id"].int)
    if tx.dialect == "sqlite":
        # The one writer can query first, which is cheaper than a conflict clause on each insert.
        there = _there(tx, [row["inquiry_id"] for row in ordered])
        fresh = [row for row in ordered if row["inquiry_id"] not in there]
        insert_rows(tx, deadlines, fresh)
        return frozenset(row["inquiry_id"] for row in fresh)
    made = insert_into(tx, deadlines).on_conflict_do_nothing().returning(_C.inquiry_id)
    return frozenset(tx.execute(made, ordered).scalars())


def _there(tx: Read, inquiry_ids: Sequence[UUID]) -> frozenset[UUID]:
    wanted = select(_C.inquiry_id).where(among(tx, _C.inquiry_id, inquiry_ids))
    return frozenset(tx.execute(wanted).scalars())


def change(tx: Write, changes: Mapping[UUID, Columns]) -> None:
    """Set columns of locked rows, with a statement for each set of columns that are named."""
    alike: dict[tuple[str, ...], list[UUID]] = defaultdict(list)
    for inquiry_id in sorted(changes):
        alike[tuple(changes[inquiry_id])].append(inquiry_id)
    for names, inquiry_ids in alike.items():
        statement = (
            update(deadlines)
            .where(_C.inquiry_id == bindparam("_id"))
            .values({name: bindparam(f"_{name}") for name in names})
        )
        tx.execute(
            statement,
            [
                {"_id": each, **{f"_{name}": value for name, value in changes[each].items()}}
                for each in inquiry_ids
            ],
        )


def claim_due(tx: Write, *, now: datetime, limit: int) -> list[DeadlineRow]:
    """Rows on which something is due, locked; rows that another instance holds are passed over."""
    _by_index(tx)
    rows = tx.execute(
        whole_rows()
        .where(_C.next_action_at <= now)
        .order_by(_C.next_action_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [DeadlineRow(*row) for row in rows]


def due_ids(tx: Read, *, now: datetime, limit: int) -> list[UUID]:
    """The inquiries on whose clocks something is due, the longest due first."""
    _by_index(tx)
    rows = tx.execute(
        select(_C.inquiry_id)
        .where(_C.next_action_at <= now)
        .order_by(_C.next_action_at)
        .limit(limit)
    )
    return list(rows.scalars())


def claim_one(tx: Write, inquiry_id: UUID, *, now: datetime) -> DeadlineRow | None:
    """The row, locked, if something is due on it and no other instance holds it."""
    row = tx.execute(
        whole_rows()
        .where(_C.inquiry_id == inquiry_id, _C.next_action_at <= now)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return None if row is None else DeadlineRow(*row)


def next_action(tx: Read, *, since: datetime | None = None) -> datetime | None:
    """The first moment at which something is due; None when no clock waits for time to pass.

    With `since` only from that moment on: what fired before it left dead entries behind, and each
    query would read them all until the next vacuum.
    """
    _by_index(tx)
    return tx.execute(first_action(since=since)).scalar()


def first_action(*, since: datetime | None) -> Select[datetime]:
    """The query by which the first moment is found."""
    wanted = _C.next_action_at.is_not(None) if since is None else _C.next_action_at >= since
    return select(_C.next_action_at).where(wanted).order_by(_C.next_action_at).limit(1)


def under_another_version(
    tx: Read, *, policy_version: str, after: UUID | None, limit: int
) -> list[UUID]:
    """Open clocks that were last projected under another version, by id from behind `after`."""
    conditions = [
        _C.state.in_((RUNNING, PAUSED)),
        or_(_C.policy_version.is_(None), _C.policy_version != policy_version),
    ]
    if after is not None:
        conditions.append(_C.inquiry_id > after)
    wanted = select(_C.inquiry_id).where(*conditions).order_by(_C.inquiry_id).limit(limit)
    return list(tx.execute(wanted).scalars())


def received_between(
    tx: Read,
    *,
    start: datetime,
    end: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[DeadlineRow]:
    """Inquiries received in [start, end), with a clock or without, from behind `after`.

    Without those that turned out to be part of another.
    """
    conditions: list[ColumnElement[bool]] = [
        _C.received_at >= start,
        _C.received_at < end,
        _C.merged_into.is_(None),
    ]
    if after is not None:
        bound = literal(after[0], _C.received_at.type), literal(after[1], _C.inquiry_id.type)
        conditions.append(tuple_(_C.received_at, _C.inquiry_id) > tuple_(*bound))
    rows = tx.execute(
        whole_rows().where(*conditions).order_by(_C.received_at, _C.inquiry_id).limit(limit)
    )
    return [DeadlineRow(*row) for row in rows]


def _by_index(tx: Read) -> None:
    """Walk the index from its low end, whatever the statistics say.

    After many timers have fired, stale statistics make the planner choose a bitmap over all the
    dead entries, a hundred times dearer than the few live ones.
    """
    if tx.dialect == "postgresql":
        for kind in ("enable_bitmapscan", "enable_seqscan"):
            tx.execute(text(f"SET LOCAL {kind} = off"))

"""Labels, and what they are derived from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, tuple_

from services.router.learning.domain.labels import Label, Line, Standing
from services.router.tables import history, labels, messages, todos, verdicts
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows

_INSTEAD = """
ON CONFLICT (inquiry_id) DO UPDATE SET
  received_at = excluded.received_at, kind = excluded.kind, desk = excluded.desk,
  source = excluded.source, weight = excluded.weight, at = excluded.at
"""
_REROUTED, _VERDICT = "rerouted", "verdict"


@dataclass(frozen=True, slots=True)
class Lines:
    """ToDos with a line of the history after some line; `last` is the last that was looked at."""

    todos: Sequence[UUID]
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Known:
    """How a ToDo stands, for its label."""

    inquiry_id: UUID
    received_at: datetime
    standing: Standing


def lines_after(tx: Read, after: int, *, until: int | None, limit: int) -> Lines:
    """The next lines of all histories in the order of their numbers."""
    h = history.c
    query = select(h.id, h.todo_id).where(h.id > after)
    if until is not None:
        query = query.where(h.id <= until)
    rows = tx.execute(query.order_by(h.id).limit(limit)).all()
    last = rows[-1].id if rows else after
    return Lines(list(dict.fromkeys(row.todo_id for row in rows)), last, len(rows))


def standings(tx: Read, todo_ids: Sequence[UUID]) -> list[Known]:
    h, t = history.c, todos.c
    moves: dict[UUID, list[Line]] = defaultdict(list)
    moved = (
        select(h.todo_id, h.at, h.who, h.what)
        .join_from(history, todos, t.id == h.todo_id)
        .where(among(tx, h.todo_id, todo_ids), or_(h.what == _REROUTED, _verdict_that_moved()))
    )
    for row in tx.execute(moved.order_by(h.id)):
        moves[row.todo_id].append(Line(row.at, row.who, row.what))
    found = select(
        t.id, t.inquiry_id, t.received_at, t.desk, t.first_desk, t.state, t.dismiss_reason,
        t.ended_at, t.ended_by, t.decided_by, t.merged_into,
    ).where(among(tx, t.id, todo_ids))  # fmt: skip
    return [
        Known(
            row.inquiry_id,
            row.received_at,
            Standing(
                desk=row.desk,
                first_desk=row.first_desk,
                state=row.state,
                dismissal=row.dismiss_reason,
                ended_at=row.ended_at,
                ended_by=row.ended_by,
                decided_by=row.decided_by,
                merged=row.merged_into is not None,
                history=moves.get(row.id, ()),
            ),
        )
        for row in tx.execute(found)
    ]


def _verdict_that_moved() -> ColumnElement[bool]:
    """Not one that dismissed: whether that stands, the ToDo says."""
    h, t, v = history.c, todos.c, verdicts.c
    said = exists().where(v.inquiry_id == t.inquiry_id, v.at == h.at, v.desk.is_not(None))
    return and_(h.what == _VERDICT, said)


def keep(tx: Write, found: Sequence[tuple[Known, Label | None]]) -> None:
    """One label for each inquiry, or none: whatever it was before."""
    gone = [known.inquiry_id for known, label in found if label is None]
    if gone:
        tx.execute(delete(labels).where(among(tx, labels.c.inquiry_id, gone)))
    rows = [
        {
            "inquiry_id": known.inquiry_id,
            "received_at": known.received_at,
            "kind": label.kind,
            "desk": label.desk,
            "source": label.source.value,
            "weight": label.weight,
            "at": label.at,
        }
        for known, label in found
        if label is not None
    ]
    insert_rows(tx, labels, sorted(rows, key=lambda row: row["inquiry_id"]), on_conflict=_INSTEAD)


def count_of_desks(tx: Read) -> Mapping[str, int]:
    """How many labels each desk has."""
    c = labels.c
    rows = tx.execute(select(c.desk, func.count()).where(c.desk.is_not(None)).group_by(c.desk))
    return {row[0]: row[1] for row in rows}


T = TypeVar("T")
Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Words:
    """What the first message of an inquiry says now."""

    text: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class LabelledText:
    """An inquiry, and whose it was."""

    inquiry_id: UUID
    words: Words
    channel: str
    desk: str
    weight: float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`looked_at` counts those without words as well; `after` is None where nothing follows."""

    texts: Sequence[T]
    looked_at: int
    after: Place | None


def newest(tx: Read, *, after: Place | None, limit: int) -> Page[LabelledText]:
    """Labels of desks with their texts, the newest first; those without words are passed over."""
    c, t = labels.c, todos.c
    query = (
        select(c.inquiry_id, c.at, c.desk, c.weight, t.channel)
        .join_from(labels, todos, t.inquiry_id == c.inquiry_id)
        .where(c.desk.is_not(None))
    )
    if after is not None:
        query = query.where(tuple_(c.at, c.inquiry_id) < after)
    rows = tx.execute(query.order_by(c.at.desc(), c.inquiry_id.desc()).limit(limit)).all()
    words = first_words(tx, [row.inquiry_id for row in rows])
    texts = [
        LabelledText(
            row.inquiry_id,
            words[row.inquiry_id],
            row.channel,
            row.desk,
            row.weight,
        )
        for row in rows
        if row.inquiry_id in words
    ]
    place = (rows[-1].at, rows[-1].inquiry_id) if len(rows) == limit else None
    return Page(texts, len(rows), place)


def first_words(tx: Read, inquiries: Sequence[UUID]) -> Mapping[UUID, Words]:
    """Of each inquiry, where its words are still there."""
    m = messages.c
    rows = tx.execute(
        select(m.inquiry_id, m.content)
        .where(among(tx, m.inquiry_id, inquiries))
        .order_by(m.inquiry_id, m.received_at, m.message_id)
    )
    first: dict[UUID, dict[str, str] | None] = {}
    for row in rows:
        first.setdefault(row.inquiry_id, row.content)
    return {
        inquiry: Words(content.get("text") or "", content.get("subject"))
        for inquiry, content in first.items()
        if content is not None
    }

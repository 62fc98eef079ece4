"""What was decided, and what people made of it: counted by the database, a few rows for a span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from services.router.learning.domain.labels import decided_desk
from services.router.tables import labels, shadow_decisions, todos
from shared.db import Read

_T, _L, _S = todos.c, labels.c, shadow_decisions.c


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind and its desk; of a label whose kind gets no answer the desk is None."""

    kind: str
    desk: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """So many inquiries were decided so; `label` is what people made of them, None: not yet."""

    choice: Choice
    decided_by: str | None
    label: Choice | None
    count: int


@dataclass(frozen=True, slots=True)
class Watched:
    """So many inquiries would have been decided so by that version."""

    version: int
    would: Choice
    choice: Choice
    label: Choice | None
    count: int


def decided(tx: Read, start: datetime, end: datetime) -> Sequence[Decided]:
    """Of the inquiries received from `start` until before `end`."""
    rows = tx.execute(
        select(_T.kind, _T.first_desk, _T.decided_by, _L.kind, _L.desk, func.count())
        .select_from(todos.outerjoin(labels, _labelled(start, end)))
        .where(_received(start, end))
        .group_by(_T.kind, _T.first_desk, _T.decided_by, _L.kind, _L.desk)
    )
    return [
        Decided(_choice(kind, first), by, _label(label, desk), count)
        for kind, first, by, label, desk, count in rows
    ]


def watched(tx: Read, start: datetime, end: datetime) -> Sequence[Watched]:
    """The same, by each version that only watched."""
    columns = (_S.version, _S.kind, _S.desk, _T.kind, _T.first_desk, _L.kind, _L.desk)
    rows = tx.execute(
        select(*columns, func.count())
        .select_from(
            shadow_decisions.join(todos, _T.inquiry_id == _S.inquiry_id).outerjoin(
                labels, _L.inquiry_id == _S.inquiry_id
            )
        )
        .where(_S.received_at >= start, _S.received_at < end, _T.merged_into.is_(None))
        .group_by(*columns)
    )
    return [
        Watched(version, Choice(would, to), _choice(kind, first), _label(label, desk), count)
        for version, would, to, kind, first, label, desk, count in rows
    ]


def _received(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(_T.received_at >= start, _T.received_at < end, _T.merged_into.is_(None))


def _labelled(start: datetime, end: datetime) -> ColumnElement[bool]:
    """A label has the moment of its ToDo: so that those of the span are read, not all."""
    in_span = and_(_L.received_at >= start, _L.received_at < end)
    return and_(_L.inquiry_id == _T.inquiry_id, in_span)


def _choice(kind: str, first_desk: str) -> Choice:
    return Choice(kind, decided_desk(kind, first_desk))


def _label(kind: str | None, desk: str | None) -> Choice | None:
    return None if kind is None else Choice(kind, desk)

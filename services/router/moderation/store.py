"""Dismissals as netiquette or spam, and appeals against them, counted by the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, case, exists, func, select

from services.router.tables import appeals, ends, todos
from shared.db import Read

REASONS: Final = ("netiquette", "spam")


@dataclass(frozen=True, slots=True)
class Appeals:
    """Of the appeals of a span: `upheld` were dismissed again as netiquette or spam, `overturned`
    went to a desk that answers, or ended otherwise; `open` wait for their verdict.
    """

    upheld: int = 0
    overturned: int = 0
    open: int = 0


def dismissed(tx: Read, *, start: datetime, end: datetime) -> Mapping[str, int]:
    """How many inquiries were dismissed in the span for each reason, whatever came of it."""
    e = ends.c
    # Written into the statement: of values it cannot see the database does not know that they are
    # those of the partial index.
    reasons: BindParameter[str] = bindparam(
        "reasons", REASONS, expanding=True, literal_execute=True
    )
    query = (
        select(e.reason, func.count(e.todo_id.distinct()))
        .where(e.reason.in_(reasons), e.at >= start, e.at < end)
        .group_by(e.reason)
    )
    found = {row[0]: row[1] for row in tx.execute(query)}
    return {reason: found.get(reason, 0) for reason in REASONS}


def appealed(tx: Read, *, start: datetime, end: datetime) -> Appeals:
    a = appeals.c
    outcome = _outcome()
    query = (
        select(outcome, func.count())
        .select_from(appeals.join(todos, todos.c.id == a.todo_id))
        .where(a.at >= start, a.at < end)
        .group_by(outcome)
    )
    return Appeals(**{row[0]: row[1] for row in tx.execute(query)})


def _outcome() -> ColumnElement[str]:
    """Another appeal followed only where the inquiry had been dismissed again."""
    a, t, later = appeals.c, todos.c, appeals.alias("later")
    again = exists().where(and_(later.c.todo_id == a.todo_id, later.c.at > a.at))
    return case(
        (again, "upheld"),
        (t.dismiss_reason.in_(REASONS), "upheld"),
        (t.ended_at.is_not(None), "overturned"),
        (t.desk != a.desk, "overturned"),
        else_="open",
    )

"""Reading the index: by its rarest keys, each of them bounded, to a bounded number of questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from heapq import nsmallest
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Integer, Row, Select, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from services.router.similar.domain.signature import Key
from services.router.tables import answers, ends, postings, questions, reuses, todos
from shared.db import Read
from shared.db.among import among

MOST_POSTINGS = 60
"""Of one key: the newest questions that have it."""
MOST_CANDIDATES = 150
"""Questions that are compared word by word."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The ToDo for which similar questions are looked up."""

    todo_id: UUID
    inquiry_id: UUID


@dataclass(frozen=True, slots=True)
class Candidate:
    question_id: int
    inquiry_id: UUID
    question: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered inquiry as it is shown. `desk` is where its ToDo ended."""

    inquiry_id: UUID
    todo_id: UUID
    conversation_id: UUID
    channel: str
    desk: str
    answer: str
    answered_at: datetime
    answered_by: str
    reused: int


def asking(tx: Read, todo_id: UUID) -> Asking | None:
    t = todos.c
    row = tx.execute(select(t.id, t.inquiry_id).where(t.id == todo_id)).one_or_none()
    return None if row is None else Asking(*row)


def candidates(tx: Read, keys: Sequence[Key], *, without: UUID) -> list[Candidate]:
    """The questions that share most with these keys, but that of the inquiry itself."""
    weights = {key.number: key.weight for key in keys}
    found: dict[int, float] = defaultdict(float)
    for row in _shared(tx, list(weights)):
        found[row.question_id] += weights[row.key]
    best = nsmallest(MOST_CANDIDATES + 1, found, key=lambda each: (-found[each], -each))
    q = questions.c
    rows = tx.execute(select(q.id, q.inquiry_id, q.question).where(among(tx, q.id, best)))
    there = {row.id: Candidate(*row) for row in rows if row.inquiry_id != without}
    return [there[each] for each in best if each in there][:MOST_CANDIDATES]


def _shared(tx: Read, keys: Sequence[int]) -> list[Row[Any]]:
    if tx.dialect == "postgresql":
        return list(tx.execute(_newest_of_all(), {"keys": list(keys), "most": MOST_POSTINGS}))
    return [
        row
        for key in keys
        for row in tx.execute(_newest_of_one(), {"wanted": key, "most": MOST_POSTINGS})
    ]


@cache
def _newest_of_one() -> Select[Any]:
    p = postings.c
    newest = select(p.key, p.question_id).where(p.key == bindparam("wanted"))
    return newest.order_by(p.question_id.desc()).limit(_most())


@cache
def _newest_of_all() -> Select[Any]:
    p = postings.c
    keys = func.unnest(bindparam("keys", type_=ARRAY(Integer))).table_valued("key")
    wanted = keys.render_derived("wanted")
    newest = (
        select(p.question_id)
        .where(p.key == wanted.c.key)
        .order_by(p.question_id.desc())
        .limit(_most())
        .lateral("newest")
    )
    return select(wanted.c.key, newest.c.question_id).select_from(wanted.join(newest, true()))


def _most() -> BindParameter[int]:
    return bindparam("most", type_=Integer)


def shown(tx: Read, inquiry_ids: Sequence[UUID], *, answer_limit: int) -> Mapping[UUID, Answered]:
    """What is shown of each that is still answered, by the earliest answer that stands."""
    t, e, a, r = todos.c, ends.c, answers.c, reuses.c
    reused = select(func.count()).where(r.inquiry_id == t.inquiry_id).scalar_subquery()
    text = func.substr(a.text, 1, answer_limit)
    query = (
        select(t.inquiry_id, t.id, t.conversation_id, t.channel, t.desk, text, e.at, e.by, reused)
        .join_from(todos, ends, e.todo_id == t.id)
        .join(answers, (a.inquiry_id == t.inquiry_id) & (a.message_id == e.key))
        .where(among(tx, t.inquiry_id, inquiry_ids), e.kind == "answered", t.state == "done")
        .order_by(e.at.desc(), e.key.desc())
    )
    return {row.inquiry_id: Answered(*row) for row in tx.execute(query)}

"""The index of answered questions as rows: which inquiries belong into it, and their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Row, Select, and_, delete, func, select, update

from services.router.similar.domain.features import FORMAT
from services.router.similar.domain.words import QUESTION_LIMIT, question_of
from services.router.tables import answers, ends, messages, postings, questions, todos
from shared.db import Read, Write
from shared.db.among import among
from shared.db.bulk import insert_rows
from shared.db.upsert import insert_into

NOT_INDEXED = 0
"""The format of a question whose keys are not made yet."""
MOST_MESSAGES = 20
"""The newest of an inquiry, of which its question is made."""
_LATER = """
ON CONFLICT (inquiry_id, message_id) DO UPDATE SET
  revision = excluded.revision, recorded_at = excluded.recorded_at, text = excluded.text
WHERE similar_answers.revision < excluded.revision
   OR (similar_answers.revision = excluded.revision
       AND similar_answers.recorded_at < excluded.recorded_at)
"""


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What a reply says, as of that revision; `recorded_at` is when intake recorded the fact."""

    inquiry_id: UUID
    message_id: UUID
    revision: int
    recorded_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question whose keys are not made yet; its row is locked."""

    id: int
    question: str


def keep_answers(tx: Write, reported: Sequence[AnswerText]) -> None:
    """Keep what the answers say: of one reply what was recorded last, of the highest revision. None
    for an inquiry whose words were removed at their age. No two are about one reply.
    """
    t = todos.c
    theirs = [each.inquiry_id for each in reported]
    removed = select(t.inquiry_id).where(among(tx, t.inquiry_id, theirs), t.removed_at.is_not(None))
    gone = set(tx.execute(removed).scalars())
    rows = [
        {
            "inquiry_id": each.inquiry_id,
            "message_id": each.message_id,
            "revision": each.revision,
            "recorded_at": each.recorded_at,
            "text": each.text,
        }
        for each in sorted(reported, key=lambda each: each.inquiry_id)
        if each.inquiry_id not in gone
    ]
    insert_rows(tx, answers, rows, on_conflict=_LATER)


def forget_answers(tx: Write, inquiry_ids: Sequence[UUID]) -> None:
    tx.execute(delete(answers).where(among(tx, answers.c.inquiry_id, inquiry_ids)))


def answered(tx: Read, inquiry_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The questions of those that were answered, by an answer whose text is known.

    What was dismissed, merged or has lost its words is none.
    """
    t, e, a = todos.c, ends.c, answers.c
    stands = (
        select(a.inquiry_id)
        .join_from(answers, ends, e.key == a.message_id)
        .where(a.inquiry_id == t.inquiry_id, e.todo_id == t.id, e.kind == "answered")
        .exists()
    )
    query = select(t.inquiry_id, t.message_count).where(
        among(tx, t.inquiry_id, inquiry_ids),
        t.state == "done",
        t.merged_into.is_(None),
        t.removed_at.is_(None),
        stands,
    )
    found = tx.execute(query).all()
    few = [row.inquiry_id for row in found if row.message_count <= MOST_MESSAGES]
    said = questions_of(tx, few)
    for row in found:
        if row.message_count > MOST_MESSAGES:
            said |= questions_of(tx, [row.inquiry_id], newest=MOST_MESSAGES)
    return {inquiry_id: question for inquiry_id, question in said.items() if question}


def questions_of(
    tx: Read, inquiry_ids: Sequence[UUID], *, newest: int | None = None
) -> dict[UUID, str]:
    """What is compared of each inquiry, of its `newest` messages or of all."""
    m = messages.c
    text = func.substr(m.content["text"].as_string(), 1, 4 * QUESTION_LIMIT).label("text")
    subject = func.substr(m.content["subject"].as_string(), 1, QUESTION_LIMIT).label("subject")
    query = (
        select(m.inquiry_id, subject, text)
        .where(
            among(tx, m.inquiry_id, inquiry_ids),
            m.content.is_not(None),
            m.withdrawn_at.is_(None),
        )
        .order_by(m.received_at.desc(), m.message_id.desc())
        .limit(newest)
    )
    said: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in tx.execute(query):
        said[row.inquiry_id].append(row)
    return {inquiry_id: _question(rows[::-1]) for inquiry_id, rows in said.items()}


def _question(rows: Sequence[Row[Any]]) -> str:
    subject = next((row.subject for row in rows if row.subject), None)
    return question_of(subject, [row.text or "" for row in rows])


def replace_questions(
    tx: Write, inquiry_ids: Sequence[UUID], wanted: Mapping[UUID, str], *, again: bool
) -> None:
    """Make the index hold of these inquiries what is wanted and nothing else. What is new or says
    something else, and with `again` everything, waits for its keys.
    """
    known = {row.inquiry_id: row for row in tx.execute(_locked(tx, inquiry_ids))}
    gone = [row for inquiry_id, row in known.items() if inquiry_id not in wanted]
    changed = [
        row
        for inquiry_id, row in known.items()
        if inquiry_id in wanted and (again or row.question != wanted[inquiry_id])
    ]
    _remove_postings(tx, [*gone, *changed])
    tx.execute(delete(questions).where(among(tx, questions.c.id, [row.id for row in gone])))
    for row in changed:
        now = {"question": wanted[row.inquiry_id], "format": NOT_INDEXED, "packed_keys": None}
        tx.execute(update(questions).where(questions.c.id == row.id).values(now))
    new = [
        {"inquiry_id": inquiry_id, "question": wanted[inquiry_id], "format": NOT_INDEXED}
        for inquiry_id in sorted(wanted)
        if inquiry_id not in known
    ]
    if new:
        tx.execute(insert_into(tx, questions).on_conflict_do_nothing(), new)


def waiting(tx: Write, *, limit: int) -> list[Waiting]:
    """Some questions without keys, that nobody else has just now."""
    q = questions.c
    query = select(q.id, q.question).where(q.format == NOT_INDEXED).order_by(q.id).limit(limit)
    rows = tx.execute(query.with_for_update(skip_locked=True))
    return [Waiting(row.id, row.question) for row in rows]


def store_keys(tx: Write, made: Mapping[int, Sequence[int]]) -> None:
    """Give these questions their keys, by question."""
    rows = [
        {"key": key, "question_id": question_id}
        for question_id, keys in made.items()
        for key in keys
    ]
    insert_rows(tx, postings, rows)
    for question_id, keys in made.items():
        now = {"format": FORMAT, "packed_keys": np.array(keys, dtype="<i4").tobytes()}
        tx.execute(update(questions).where(questions.c.id == question_id).values(now))


def _locked(tx: Write, inquiry_ids: Sequence[UUID]) -> Select[Any]:
    q = questions.c
    query = select(q.id, q.inquiry_id, q.question, q.packed_keys)
    return query.where(among(tx, q.inquiry_id, inquiry_ids)).order_by(q.id).with_for_update()


def _remove_postings(tx: Write, rows: Iterable[Row[Any]]) -> None:
    p = postings.c
    for row in rows:
        if row.packed_keys:
            keys = np.frombuffer(row.packed_keys, dtype="<i4").tolist()
            mine = and_(among(tx, p.key, keys), p.question_id == row.id)
            tx.execute(delete(postings).where(mine))

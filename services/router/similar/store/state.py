"""The one row that says what the index as a whole is: its statistics, and how far a reindex is."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from services.router.similar.domain.features import FORMAT
from services.router.similar.domain.statistics import Statistics, everyday
from services.router.tables import questions, similar_state, todos
from shared.db import Read, Write
from shared.db.among import among


def version(tx: Read) -> int:
    """Of the statistics; another one is another number."""
    return int(tx.execute(select(similar_state.c.version)).scalar_one())


def statistics(tx: Read) -> Statistics:
    """As they were stored last; of another format: those of a company that begins."""
    row = tx.execute(select(similar_state)).one()
    if row.format != FORMAT:
        return everyday().at(row.version)
    return Statistics.unpacked(row.questions, row.counts, row.version)


def lock(tx: Write) -> None:
    """Whoever else changes the state waits."""
    tx.execute(select(similar_state.c.id).with_for_update()).one()


def store_statistics(tx: Write, found: Statistics) -> None:
    now = {"version": found.version, "questions": found.questions, "counts": found.packed()}
    tx.execute(update(similar_state).values(format=FORMAT, **now))


def format_of(tx: Read) -> int:
    """Of the index as a whole."""
    return int(tx.execute(select(similar_state.c.format)).scalar_one())


def reindexed_to(tx: Read) -> UUID | None:
    found: UUID | None = tx.execute(select(similar_state.c.reindexed_to)).scalar_one()
    return found


def note_reindexed(tx: Write, todo_id: UUID | None) -> None:
    tx.execute(update(similar_state).values(reindexed_to=todo_id))


def todos_after(tx: Read, todo_id: UUID, *, limit: int) -> list[UUID]:
    """The next ToDos in the order of their ids."""
    t = todos.c
    return list(
        tx.execute(select(t.id).where(t.id > todo_id).order_by(t.id).limit(limit)).scalars()
    )


def lock_todos(tx: Write, todo_ids: Sequence[UUID]) -> list[UUID]:
    """Their inquiries; their rows are locked in the order in which every batch locks them."""
    t = todos.c
    query = select(t.inquiry_id).where(among(tx, t.id, todo_ids)).order_by(t.inquiry_id)
    return list(tx.execute(query.with_for_update()).scalars())


def newest_questions(tx: Read, *, before: int | None, limit: int) -> list[tuple[int, str]]:
    """With their ids, newest first."""
    q = questions.c
    query = select(q.id, q.question).order_by(q.id.desc()).limit(limit)
    if before is not None:
        query = query.where(q.id < before)
    return [(row.id, row.question) for row in tx.execute(query)]

"""Building the index anew from the texts, a page in each transaction, beside whoever works."""

from __future__ import annotations

from uuid import UUID

from services.router.similar.domain.statistics import Added, Statistics, everyday
from services.router.similar.store import state
from services.router.similar.usecases.index import NOBODY, refresh
from shared.db import Read, Write


def interrupted_at(tx: Read) -> UUID | None:
    """The last ToDo of a reindex that did not come to its end."""
    return state.reindexed_to(tx)


def begin(tx: Write, counted: Added) -> None:
    """`counted` are the statistics with which the keys are made."""
    state.lock(tx)
    fresh: Statistics = everyday().at(state.version(tx)).plus(counted)
    state.store_statistics(tx, fresh)
    state.note_reindexed(tx, NOBODY)


def page(tx: Write, after: UUID, *, limit: int) -> tuple[UUID | None, int]:
    """Write the questions of the next ToDos again; the last of these, or None when there are no
    more, and how many they were.
    """
    ids = state.todos_after(tx, after, limit=limit)
    refresh(tx, state.lock_todos(tx, ids), again=True)
    if ids:
        state.note_reindexed(tx, ids[-1])
    return (ids[-1] if ids else None), len(ids)


def end(tx: Write) -> None:
    state.note_reindexed(tx, None)


def questions_before(tx: Read, before: int | None, *, limit: int) -> list[tuple[int, str]]:
    """Stored questions for the statistics, the newest first, each with its number."""
    return state.newest_questions(tx, before=before, limit=limit)

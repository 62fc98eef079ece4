"""Keeping the index: called in the transaction that changes an inquiry, so that what must not be
shown any more is gone with the commit. The keys of what is new are made soon after, by the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.router.similar.domain.features import FORMAT
from services.router.similar.domain.signature import stored_keys
from services.router.similar.domain.statistics import Added, Statistics
from services.router.similar.store import index, state
from services.router.similar.store.index import AnswerText
from shared.db import Read, Write
from shared.events.inquiries import InquiryAnswered
from shared.messaging.envelope import Envelope

NOBODY = UUID(int=0)
"""Before the first ToDo."""


def keep_texts(tx: Write, arrived: Sequence[tuple[Envelope, InquiryAnswered]]) -> None:
    """Keep what the answers say, also where the answer itself is known already."""
    reported = [
        AnswerText(fact.inquiry_id, fact.message_id, fact.revision, envelope.time, fact.text)
        for envelope, fact in arrived
        if fact.text
    ]
    if reported:
        index.keep_answers(tx, reported)


def refresh(tx: Write, inquiry_ids: Iterable[UUID], *, again: bool = False) -> None:
    """Make the index hold of these inquiries what it should, whatever has happened to them: the
    questions of those that were answered. The caller has locked their ToDos.
    """
    asked = sorted(set(inquiry_ids))
    if asked:
        index.replace_questions(tx, asked, index.answered(tx, asked), again=again)


def forget(tx: Write, inquiry_ids: Sequence[UUID]) -> None:
    """The words of these inquiries were removed: those of their answers go too."""
    index.forget_answers(tx, inquiry_ids)
    refresh(tx, inquiry_ids)


def make_keys(tx: Write, statistics: Statistics, *, limit: int) -> list[str]:
    """Make the keys of some questions that wait for theirs; these questions. None: no more wait."""
    waiting = index.waiting(tx, limit=limit)
    index.store_keys(tx, {each.id: stored_keys(each.question, statistics) for each in waiting})
    return [each.question for each in waiting]


def count(tx: Write, added: Added) -> None:
    """Add to the statistics, unless they are of another format, which only a reindex changes."""
    state.lock(tx)
    if state.format_of(tx) == FORMAT:
        state.store_statistics(tx, state.statistics(tx).plus(added))


def problem(tx: Read) -> str | None:
    """Why similar questions may be missing."""
    if (found := state.format_of(tx)) != FORMAT:
        return (
            f"the index of answered questions has format {found} and this program has {FORMAT}: "
            "answers of before are not found; run `inbound-desk router reindex`"
        )
    if state.reindexed_to(tx) is not None:
        return (
            "a reindex is under way, or was interrupted: then run `inbound-desk router reindex` "
            "again, which goes on where it was"
        )
    return None

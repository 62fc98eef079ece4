"""The answered inquiries that are most like one: read a bounded part of the index, compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from uuid import UUID

from services.router.similar.domain.ranking import SHOWN_FROM, probability, scores
from services.router.similar.domain.signature import asked_keys
from services.router.similar.domain.statistics import Statistics, everyday
from services.router.similar.domain.words import EXCERPT_LIMIT, plain, stems, written
from services.router.similar.store import lookup, state
from services.router.similar.store.index import MOST_MESSAGES, questions_of
from services.router.similar.store.lookup import Answered, Asking, Candidate
from shared.db import Read
from shared.errors import NotFoundError

MOST_WORDS = 10
_TELLS = 1 + log(5)
"""The weight of a word that a fifth of the questions have: a more frequent one is not shown."""
ANSWER_LIMIT = 5_000
"""Characters of an answer that are shown; the whole one is at intake."""


class KnownStatistics:
    """The statistics as this process read them last; they are read again when they have changed."""

    def __init__(self) -> None:
        self._found = everyday().at(-1)

    def read(self, tx: Read) -> Statistics:
        if state.version(tx) != self._found.version:
            self._found = state.statistics(tx)
        return self._found


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is compared, and with which statistics."""

    asking: Asking
    question: str
    candidates: Sequence[Candidate]
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Ranked:
    """A similar question. `similarity` is the probability that its answer helps."""

    inquiry_id: UUID
    excerpt: str
    similarity: float
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Similar:
    ranked: Ranked
    answered: Answered


@dataclass(frozen=True, slots=True)
class Found:
    asking: Asking
    similar: Sequence[Similar] = field(default=())


def gather(tx: Read, todo_id: UUID, known: KnownStatistics) -> Gathered:
    """What the ToDo asks, and the answered questions that share something with it. Raises
    NotFoundError.
    """
    asking = lookup.asking(tx, todo_id)
    if asking is None:
        raise unknown_todo(todo_id)
    said = questions_of(tx, [asking.inquiry_id], newest=MOST_MESSAGES)
    question, statistics = said.get(asking.inquiry_id, ""), known.read(tx)
    keys = asked_keys(question, statistics)
    found = lookup.candidates(tx, keys, without=asking.inquiry_id) if keys else []
    return Gathered(asking, question, found, statistics)


def rank(gathered: Gathered, *, limit: int, least: float = SHOWN_FROM) -> list[Ranked]:
    """The most similar first, none that is less similar than `least`."""
    question, candidates = gathered.question, gathered.candidates
    if not candidates:
        return []
    fused = scores(
        question, [each.question for each in candidates], gathered.statistics
    ).fused.tolist()
    likely = [
        (round(probability(each), 3), candidate)
        for each, candidate in zip(fused, candidates, strict=True)
    ]
    likely.sort(key=lambda each: (-each[0], -each[1].question_id))
    words = written(question)
    weights = {name: gathered.statistics.of_stem(name) for name in words}
    telling = [name for name in sorted(words) if weights[name] >= _TELLS]
    telling.sort(key=lambda name: -weights[name])
    return [
        Ranked(
            each.inquiry_id,
            each.question[:EXCERPT_LIMIT],
            similarity,
            _common(words, telling, each.question),
        )
        for similarity, each in likely[:limit]
        if similarity >= least
    ]


def _common(words: Mapping[str, str], telling: Sequence[str], other: str) -> list[str]:
    """Words of the question that the other has too, in any inflection."""
    there = set(stems(plain(other)))
    return [words[name] for name in telling if name in there][:MOST_WORDS]


def show(tx: Read, asking: Asking, ranked: Sequence[Ranked]) -> Found:
    """With their answers; what has left the index meanwhile is left out."""
    ids = [each.inquiry_id for each in ranked]
    answered = lookup.shown(tx, ids, answer_limit=ANSWER_LIMIT) if ids else {}
    there = [each for each in ranked if each.inquiry_id in answered]
    return Found(asking, [Similar(each, answered[each.inquiry_id]) for each in there])


def unknown_todo(todo_id: UUID) -> NotFoundError:
    return NotFoundError("todo-not-found", f"there is no ToDo {todo_id}")

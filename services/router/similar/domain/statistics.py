"""In how many questions a feature occurs, so that what is in every question counts for little.

Counted in batches over the latest questions, so approximate, of a constant size, and never behind
what a company talks about by more than a few percent. A company that begins has no questions: for
it everyday words are taken to be in a third of a hundred questions that nobody has asked.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray

from services.router.similar.domain.everyday import EVERYDAY
from services.router.similar.domain.features import (
    BUCKETS,
    Counts,
    Ints,
    grams_of,
    stem_bucket,
)
from services.router.similar.domain.words import plain, stem

MOST_QUESTIONS = 60_000
"""When so many are counted, everything is halved: what was asked lately weighs more."""
_EVERYDAY_QUESTIONS, _EVERYDAY_IN = 100, 33


@dataclass(frozen=True, slots=True)
class Statistics:
    """`version` is that of the stored row."""

    questions: int
    counts: NDArray[np.uint16]
    version: int = 0

    def idf(self, features: Ints) -> NDArray[np.float64]:
        """The weight of each feature: high for what few questions have."""
        found = self.counts[features].astype(np.float64)
        weights: NDArray[np.float64] = np.log((1 + self.questions) / (1 + found)) + 1
        return np.maximum(weights, 1.0)

    def of_stem(self, name: str) -> float:
        found = int(self.counts[stem_bucket(name)])
        return max(log((1 + self.questions) / (1 + found)) + 1, 1.0)

    def at(self, version: int) -> Statistics:
        return replace(self, version=version)

    def plus(self, added: Added) -> Statistics:
        counts = self.counts.astype(np.uint32)
        np.add.at(counts, added.features, added.times)
        questions = self.questions + added.questions
        while questions > MOST_QUESTIONS:
            questions, counts = questions // 2, counts // 2
        return Statistics(
            questions, np.minimum(counts, MOST_QUESTIONS).astype(np.uint16), self.version + 1
        )

    def packed(self) -> bytes:
        return zlib.compress(self.counts.tobytes(), level=1)

    @classmethod
    def unpacked(cls, questions: int, packed: bytes | None, version: int) -> Statistics:
        """Raises ValueError for what is no statistics of this format."""
        if packed is None:
            return everyday().at(version)
        try:
            raw = zlib.decompressobj().decompress(packed, 2 * BUCKETS + 1)
        except zlib.error as error:
            raise ValueError("the statistics are damaged") from error
        if len(raw) != 2 * BUCKETS:
            raise ValueError("the statistics have another format")
        return cls(questions, np.frombuffer(raw, dtype=np.uint16), version)


@dataclass(frozen=True, slots=True)
class Added:
    """Questions that are not counted yet: how many, and how many of them have each feature."""

    questions: int
    features: Ints
    times: Ints

    @classmethod
    def none(cls) -> Added:
        return cls(0, np.empty(0, np.int64), np.empty(0, np.int64))

    def and_these(self, questions: int, *counts: Counts) -> Added:
        more = [each.feature for each in counts]
        once = [np.ones(len(each), np.int64) for each in more]
        features = np.concatenate([self.features, *more])
        unique, place = np.unique(features, return_inverse=True)
        times = np.bincount(
            place, weights=np.concatenate([self.times, *once]), minlength=len(unique)
        )
        return Added(self.questions + questions, unique, times.astype(np.int64))


@lru_cache(maxsize=1)
def everyday() -> Statistics:
    """What is known before any question."""
    words = [plain(word) for word in EVERYDAY.split()]
    counts = np.zeros(BUCKETS, dtype=np.uint16)
    counts[grams_of(words).feature] = _EVERYDAY_IN
    counts[[stem_bucket(stem(word.strip())) for word in words]] = _EVERYDAY_IN
    return Statistics(_EVERYDAY_QUESTIONS, counts)

"""How similar questions are to one: by their n-grams and by their stems, put together, and turned
into the probability that the answer of the one helps with the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.router.similar.domain.features import Counts, grams_of, stems_of
from services.router.similar.domain.statistics import Statistics
from services.router.similar.domain.words import plain

Floats = NDArray[np.float64]

STEMS_WEIGH = 0.4
"""Of the fusion; the rest are the n-grams."""
SLOPE, EVEN = 20.0, 0.32
"""The fused similarity that is right as often as not, and how fast that changes: fitted on
tests/data/similar_dev.jsonl (docs/decisions/similar-questions.md).
"""
SHOWN_FROM = 0.2


@dataclass(frozen=True, slots=True)
class Scores:
    """Of each question: the cosines by n-grams and by stems."""

    grams: Floats
    stems: Floats

    @property
    def fused(self) -> Floats:
        return (1 - STEMS_WEIGH) * self.grams + STEMS_WEIGH * self.stems


def scores(question: str, others: Sequence[str], statistics: Statistics) -> Scores:
    """How similar each of the others is to the question."""
    texts = [plain(question), *(plain(other) for other in others)]
    return Scores(
        _cosines(grams_of(texts), len(texts), statistics),
        _cosines(stems_of(texts), len(texts), statistics),
    )


def probability(fused: float) -> float:
    """That the answer to a question of that similarity helps, between 0 and 1."""
    return 1 / (1 + exp(-SLOPE * (fused - EVEN)))


def _cosines(counts: Counts, texts: int, statistics: Statistics) -> Floats:
    """Of each text with the first."""
    weights: Any = (1 + np.log(counts.times)) * statistics.idf(counts.feature)
    norms = np.sqrt(np.bincount(counts.text, weights=weights**2, minlength=texts))
    mine = counts.text == 0
    features, of_mine = counts.feature[mine], weights[mine]
    if not len(features):
        return np.zeros(texts - 1)
    place = np.minimum(np.searchsorted(features, counts.feature), len(features) - 1)
    shared = features[place] == counts.feature
    products = np.where(shared, weights * of_mine[place], 0.0)
    dots = np.bincount(counts.text, weights=products, minlength=texts)
    found: Floats = dots / np.maximum(norms * norms[0], 1e-12)
    return found[1:]

"""From labelled texts to a model: logistic regression, then how far to trust it.

The only module that knows scikit-learn. It runs in the process of training, never in the router.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from services.router.deciding.model.features import SPACE
from services.router.deciding.model.linear import (
    Doubles,
    Floats,
    LinearModel,
    sides,
    softmax,
)
from services.router.learning.samples import Sample
from services.router.learning.thresholds import threshold

FOLDS = 5
_INVERSE_STRENGTH = 10.0
"""C of the regression: features have length 1, so little of it would leave all scores at zero."""
_STEPS = 200
_RARE_ENOUGH = 100
"""From so many texts on, what stands in one of them alone is no feature."""

_BEFORE = (1.0, 0.5)
"""How far lexicon and weights are trusted before there is a label; labels move it from there."""
_SPREADS = (0.3, 1.0)
_OFFSET_SPREAD = 0.3

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The model, and what it says of each sample it was trained on without having seen it."""

    model: LinearModel
    unseen: Doubles


@dataclass(frozen=True, slots=True)
class _Weights:
    """`weights` has a row for each desk."""

    weights: Floats
    rarity: Floats
    bias: Floats

    def scores(self, counts: csr_matrix) -> Doubles:
        found: Doubles = np.asarray(_units(counts, self.rarity) @ self.weights.T) + self.bias
        return found


def fit(samples: Sequence[Sample], desks: tuple[str, ...]) -> Fit:
    """`desks` are two or more, each with at least `FOLDS` samples."""
    counts = _counts(samples)
    labels = np.array([desks.index(each.desk) for each in samples])
    importance = np.array([each.weight for each in samples])
    weights = _weights(counts, labels, importance, len(desks))
    unseen = np.zeros((len(samples), len(desks)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for learned, asked in folds.split(np.zeros(len(samples)), labels):
        part = _weights(counts[learned], labels[learned], importance[learned], len(desks))
        unseen[asked] = part.scores(counts[asked])
    said = np.array([each.by_words for each in samples])
    trust, lexicon, offset = _trust(unseen, said, labels, importance, sides(desks))
    probabilities = softmax(_combined(unseen, said, trust, lexicon, offset, sides(desks)))
    thresholds = tuple(
        threshold(probabilities, labels, importance, desk) for desk in range(len(desks))
    )
    model = LinearModel(
        desks=desks,
        weights=weights.weights,
        rarity=weights.rarity,
        bias=weights.bias,
        trust=trust,
        lexicon=lexicon,
        offset=offset.astype(np.float32),
        thresholds=thresholds,
    )
    return Fit(model, probabilities)


def _counts(samples: Sequence[Sample]) -> csr_matrix:
    ends = np.cumsum([0, *(len(each.seen.index) for each in samples)])
    columns = np.concatenate([each.seen.index for each in samples])
    values = np.concatenate([each.seen.count for each in samples])
    return csr_matrix((values, columns, ends), shape=(len(samples), SPACE))


def _weights(counts: csr_matrix, labels: Numbers, importance: Doubles, desks: int) -> _Weights:
    texts = counts.shape[0]
    found_in = np.bincount(counts.indices, minlength=SPACE)
    used = np.flatnonzero(found_in >= (2 if texts >= _RARE_ENOUGH else 1))
    rarity = np.zeros(SPACE, dtype=np.float32)
    rarity[used] = np.log((1 + texts) / (1 + found_in[used])) + 1
    regression = LogisticRegression(C=_INVERSE_STRENGTH, max_iter=_STEPS)
    regression.fit(_units(counts, rarity)[:, used], labels, sample_weight=importance)
    weights = np.zeros((desks, SPACE), dtype=np.float32)
    bias = np.zeros(desks, dtype=np.float32)
    if desks == 2:
        half, middle = regression.coef_[0] / 2, regression.intercept_[0] / 2
        weights[0, used], weights[1, used] = -half, half
        bias[:] = -middle, middle
    else:
        weights[:, used], bias[:] = regression.coef_, regression.intercept_
    return _Weights(weights, rarity, bias)


def _units(counts: csr_matrix, rarity: Floats) -> csr_matrix:
    """Each row weighted by how rare its features are, with length 1."""
    weighted = counts.multiply(rarity[np.newaxis, :]).tocsr()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return (diags(1 / np.where(lengths > 0, lengths, 1)) @ weighted).tocsr()


def _combined(
    scores: Doubles, said: Doubles, trust: float, lexicon: float, offset: Doubles, side: Doubles
) -> Doubles:
    found: Doubles = trust * scores + lexicon * np.outer(said, side) + offset
    return found


def _trust(
    scores: Doubles, said: Doubles, labels: Numbers, importance: Doubles, side: Doubles
) -> tuple[float, float, Doubles]:
    """The most plausible trust, lexicon and offset, on scores of what was not seen.

    The lexicon's share begins as shipped and moves only as far as the labels are many.
    """
    begin = np.array([*_BEFORE, *np.zeros(scores.shape[1])])
    spreads = np.array([*_SPREADS, *np.full(scores.shape[1], _OFFSET_SPREAD)])
    rows = np.arange(len(labels))

    def loss(at: Doubles) -> tuple[float, Doubles]:
        found = softmax(_combined(scores, said, at[1], at[0], at[2:], side))
        right = -np.log(np.maximum(found[rows, labels], 1e-12))
        error = found.copy()
        error[rows, labels] -= 1
        error *= importance[:, np.newaxis]
        away = (at - begin) / spreads
        slope = np.concatenate([[said @ (error @ side), (error * scores).sum()], error.sum(axis=0)])
        return float(importance @ right + away @ away / 2), slope + away / spreads

    bounds = [(0.0, None)] * 2 + [(None, None)] * scores.shape[1]
    best = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(best[1]), float(best[0]), best[2:]

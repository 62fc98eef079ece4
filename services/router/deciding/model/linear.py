"""The model: linear scores over features, and how far they and the lexicon are trusted together.

The score of a desk is `trust * (weights . features + bias) + lexicon * by_words + offset`, and the
probabilities are the softmax of the scores. Trust, lexicon and offset were fitted on labels that
the weights had not seen (Platt's scaling, with the lexicon as a second witness), so a probability
of 0.9 means right in nine of ten, and with few labels the lexicon has the say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.router.deciding.decision import TECHNICAL_DESK
from services.router.deciding.model.features import SPACE, Features

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Immutable, usable from any thread. `weights` has a row for each desk, a column for each
    feature; `thresholds` is the probability from which on a desk's decision stands alone.
    """

    desks: tuple[str, ...]
    weights: Floats
    rarity: Floats
    bias: Floats
    trust: float
    lexicon: float
    offset: Floats
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raises ValueError for parts that do not fit together."""
        desks = len(self.desks)
        shapes = (self.weights.shape, self.rarity.shape, self.bias.shape, self.offset.shape)
        if shapes != ((desks, SPACE), (SPACE,), (desks,), (desks,)):
            raise ValueError("the model's arrays have other sizes than its desks need")
        if desks < 2 or len(set(self.desks)) != desks or len(self.thresholds) != desks:
            raise ValueError("the model does not name two desks or more, each with a threshold")
        numbers = (self.lexicon, self.trust, *self.thresholds)
        arrays = (self.weights, self.rarity, self.bias, self.offset)
        if not np.isfinite(numbers).all() or not all(np.isfinite(each).all() for each in arrays):
            raise ValueError("the model has numbers that are none")
        if not all(0.5 <= each <= 1.0 for each in self.thresholds):
            raise ValueError("the model has a threshold that is no probability above one half")

    def probabilities(self, seen: Features, by_words: float) -> Doubles:
        """Of each desk, in the order of `desks`. `by_words`: what the words alone say, as the
        natural logarithm of the odds that it is the technical desk.
        """
        values = unit(seen.count * self.rarity.take(seen.index))
        learned = self.weights.take(seen.index, axis=1) @ values
        said = self.lexicon * by_words * sides(self.desks)
        scores = self.trust * (learned + self.bias) + said + self.offset
        found: Doubles = softmax(scores[np.newaxis, :].astype(np.float64))[0]
        return found

    def contributions(self, seen: Features, desk: int, rival: int) -> Floats:
        """What each piece of the text adds to the score of that desk beside its rival's."""
        rarity = self.rarity.take(seen.index)
        length = np.linalg.norm(seen.count * rarity)
        apart = self.weights[desk].take(seen.index) - self.weights[rival].take(seen.index)
        found: Floats = apart * rarity * np.float32(self.trust / max(float(length), 1e-9))
        return found.repeat(seen.times)


def unit(values: Floats) -> Floats:
    length = float(np.sqrt(values @ values))
    return values / np.float32(length) if length > 0 else values


def sides(desks: tuple[str, ...]) -> Doubles:
    """On which side of the lexicon each desk is."""
    return np.array([0.5 if desk == TECHNICAL_DESK else -0.5 for desk in desks])


def softmax(scores: Doubles) -> Doubles:
    """Of each row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Doubles = raised / raised.sum(axis=1, keepdims=True)
    return found

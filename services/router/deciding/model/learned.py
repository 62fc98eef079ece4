"""What a version of the model decides on an inquiry, and by which words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from services.router.deciding.decision import (
    REVIEW_DESK,
    TECHNICAL_DESK,
    Decision,
    Inquiry,
    Kind,
    Reason,
    Rule,
)
from services.router.deciding.model.features import Features, features, places
from services.router.deciding.model.linear import Doubles, LinearModel

MODEL = "model:"
"""Before the number of a version, where it is named as what decided."""
MOST_WORDS = 6
"""The words that weighed most, for and against; the rest are many and weigh little."""
_LEAST_WEIGHT = 0.01


@dataclass(frozen=True, slots=True)
class ByWords:
    """What the lexicon alone says: the natural logarithm of the odds that it is the technical desk.
    `desk` is the one that they would decide on alone, if any.
    """

    log_odds: float
    reasons: tuple[Reason, ...]
    desk: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """Immutable, usable from any thread."""

    number: int
    model: LinearModel

    @property
    def name(self) -> str:
        """`decided_by` of what it decides."""
        return f"{MODEL}{self.number}"

    def decide(
        self, inquiry: Inquiry, by_words: ByWords, *, desks: Collection[str], least: float
    ) -> Decision | None:
        """None for a text without a word, of which it knows nothing. `desks` are those that there
        are: one that is there no more is never decided. `least` is the probability below which
        nothing is decided alone, whatever the labels say, but where the lexicon alone would decide
        on the same desk: two witnesses agree, and learning sends nobody what needed none.
        """
        seen = features(inquiry.text, inquiry.subject)
        if not seen.words:
            return None
        probabilities = self.model.probabilities(seen, by_words.log_odds)
        best = int(np.argmax(probabilities))
        desk, probability = self.model.desks[best], round(float(probabilities[best]), 3)
        reasons = (*_words(self.model, seen, probabilities, inquiry), *by_words.reasons)
        sure = desk == by_words.desk or probability >= max(self.model.thresholds[best], least)
        there = desk in desks and desk != REVIEW_DESK
        kind = Kind.TECHNICAL if desk == TECHNICAL_DESK else Kind.GENERAL
        if not sure or not there:
            leaning = kind if there else None
            return Decision(
                Kind.UNSURE, REVIEW_DESK, probability, reasons, self.name, leaning=leaning
            )
        return Decision(kind, desk, probability, reasons, self.name)


@dataclass(slots=True)
class Seat:
    """Where the version sits that decides now; it is replaced as a whole."""

    current: Version | None = None


def _words(
    model: LinearModel, seen: Features, probabilities: Doubles, inquiry: Inquiry
) -> tuple[Reason, ...]:
    """Those that weighed most in the score of the best desk, for it or against it. The weight is
    what the score (a natural logarithm of odds) would lack without the word.
    """
    rival, desk = np.argsort(probabilities, kind="stable")[-2:]
    parts = model.contributions(seen, int(desk), int(rival))
    weights = np.bincount(seen.word, weights=parts, minlength=seen.words)
    where, in_subject = places(inquiry.text, inquiry.subject)
    found: dict[str, Reason] = {}
    for number in np.argsort(-np.abs(weights), kind="stable")[: 2 * MOST_WORDS].tolist():
        weight, (start, end) = round(float(weights[number]), 3), where[number]
        if abs(weight) < _LEAST_WEIGHT:
            break
        of_text = number >= in_subject
        word = (inquiry.text if of_text else inquiry.subject or "")[start:end]
        span = (start, end) if of_text else None
        same = found.get(word.casefold())
        # One that is there twice is named once, rather in the text than in the subject.
        if same is None or (same.span is None and span is not None):
            found[word.casefold()] = Reason(Rule.LEARNED_WORD, word, weight, span=span)
    return tuple(found.values())[:MOST_WORDS]

"""What a model is trained on and compared with: labelled texts, already as features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from services.router.deciding.decide import Decider, log_odds
from services.router.deciding.decision import INBOUND_DESK, TECHNICAL_DESK, Decision, Inquiry, Kind
from services.router.deciding.model.features import Features, features

HELD_BACK_PERCENT = 20
"""Of the labels. No version is ever trained on them, so all can be compared with them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text of which somebody said whose it is.

    `by_words`: see `LinearModel.probabilities`. `lexicon_desk` is what the lexicon alone would have
    decided, or its best guess; `lexicon_alone` whether it had decided.
    """

    seen: Features
    desk: str
    weight: float
    by_words: float
    lexicon_desk: str | None
    lexicon_alone: bool
    held_back: bool


def is_held_back(name: str) -> bool:
    """By the inquiry's name alone, so that it stays so from version to version."""
    return sha256(name.encode()).digest()[0] * 100 < HELD_BACK_PERCENT * 256


def sample_of(name: str, inquiry: Inquiry, desk: str, *, weight: float, decider: Decider) -> Sample:
    """`name` is the inquiry's, `decider` what weighs its words."""
    weighing = decider.weigher.weigh(inquiry)
    by_words = decider.weighed(None, inquiry, weighing)
    return Sample(
        seen=_slim(features(inquiry.text, inquiry.subject)),
        desk=desk,
        weight=weight,
        by_words=log_odds(weighing),
        lexicon_desk=best_guess(by_words),
        lexicon_alone=by_words.kind in (Kind.TECHNICAL, Kind.GENERAL),
        held_back=is_held_back(name),
    )


def best_guess(decision: Decision) -> str | None:
    """The desk to which it would go if it had to go to one."""
    if decision.kind in (Kind.TECHNICAL, Kind.GENERAL):
        return decision.desk
    if decision.leaning is None:
        return None
    return TECHNICAL_DESK if decision.leaning is Kind.TECHNICAL else INBOUND_DESK


def _slim(seen: Features) -> Features:
    """Without the places, and as small as it can be: thousands are in memory at once."""
    nothing = np.zeros(0, dtype=np.int32)
    return replace(seen, index=seen.index.astype(np.int32), times=nothing, word=nothing)

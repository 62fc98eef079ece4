"""Train a model on labels, and compare it with what decides now. Pure.

A candidate is promoted when on the labels that no version was trained on it is not worse than the
current version, and on all labels, each seen as unseen, not worse than the lexicon alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.router.deciding.model.linear import Doubles, LinearModel
from services.router.learning.fitting import FOLDS, fit
from services.router.learning.samples import Sample

FEWEST_LABELS = 50
FEWEST_OF_A_DESK = 8
"""Fewer teach nothing of a desk: its inquiries are then no part of the training."""
MOST_LABELS = 20_000
"""The newest; training must end, and fit into memory."""
ENOUGH_RIGHT_ALONE = 0.95
AS_GOOD_AS = 0.01
"""Hundreds of labels cannot tell shares apart that are nearer to each other."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How well something decides; shares from 0 to 1, None of nothing.

    `accuracy` and `macro_f1` are of the best guess for every text.
    """

    texts: int
    accuracy: float | None
    macro_f1: float | None
    alone: float | None
    right_alone: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """`model` is None when there are too few labels. `why` says what was decided, in a sentence."""

    model: LinearModel | None
    promoted: bool
    why: str
    metrics: dict[str, Any]


def train(
    samples: Sequence[Sample], *, current: LinearModel | None, fewest: int = FEWEST_LABELS
) -> Trained:
    """The caller hands in the newest `MOST_LABELS` at most. Below `fewest` nothing is trained."""
    counts = Counter(each.desk for each in samples if not each.held_back)
    desks = tuple(sorted(desk for desk, count in counts.items() if count >= FEWEST_OF_A_DESK))
    usable = [each for each in samples if each.desk in desks]
    learned = [each for each in usable if not each.held_back]
    found: dict[str, Any] = {
        "labels": len(samples),
        "desks": dict(sorted(Counter(each.desk for each in samples).items())),
    }
    if len(desks) < 2 or len(usable) < fewest or len(learned) < 2 * FOLDS:
        why = (
            f"{len(usable)} labels of {len(desks)} desks are too few: training begins with "
            f"{fewest}, and with {FEWEST_OF_A_DESK} of each of two desks"
        )
        return Trained(None, promoted=False, why=why, metrics=found)
    fitted = fit(learned, desks)
    return _compared(fitted.model, fitted.unseen, learned, usable, current, found)


def _compared(
    model: LinearModel,
    unseen: Doubles,
    learned: Sequence[Sample],
    usable: Sequence[Sample],
    current: LinearModel | None,
    found: dict[str, Any],
) -> Trained:
    held = [each for each in usable if each.held_back]
    of_held = _probabilities(model, held)
    everything, all_of_it = [*learned, *held], np.concatenate([unseen, of_held])
    candidate, by_lexicon = _scores(model, everything, all_of_it), _lexicon(everything)
    on_held = _scores(model, held, of_held)
    before = None if current is None else _scores(current, held, _probabilities(current, held))
    found |= {
        "held_back": len(held),
        "candidate": asdict(candidate),
        "lexicon": asdict(by_lexicon),
        "candidate_on_held_back": asdict(on_held),
        "current_on_held_back": None if before is None else asdict(before),
        "thresholds": dict(zip(model.desks, model.thresholds, strict=True)),
        "trust": model.trust,
        "lexicon_weight": model.lexicon,
    }
    worse = _worse(candidate, by_lexicon, "the lexicon alone")
    if worse is None and before is not None:
        worse = _worse(on_held, before, "the current version")
    why = worse or "not worse than the lexicon, nor than the current version"
    return Trained(model, promoted=worse is None, why=why, metrics=found)


def _worse(new: Scores, old: Scores, name: str) -> str | None:
    """In which way, if in any."""
    if (new.macro_f1 or 0.0) < (old.macro_f1 or 0.0):
        return f"macro-F1 {_shown(new.macro_f1)} is below that of {name}, {_shown(old.macro_f1)}"
    if new.right_alone is None or old.right_alone is None:
        return None
    if new.right_alone + AS_GOOD_AS < min(old.right_alone, ENOUGH_RIGHT_ALONE):
        shares = f"{_shown(new.right_alone)}, and by {name} {_shown(old.right_alone)}"
        return f"of what it decides alone too little is right: {shares}"
    return None


def _shown(share: float | None) -> str:
    return "none" if share is None else f"{share:.3f}"


def _probabilities(model: LinearModel, samples: Sequence[Sample]) -> Doubles:
    rows = [model.probabilities(each.seen, each.by_words) for each in samples]
    return np.array(rows).reshape(len(samples), len(model.desks))


def _scores(model: LinearModel, samples: Sequence[Sample], probabilities: Doubles) -> Scores:
    best = probabilities.argmax(axis=1) if len(samples) else np.zeros(0, dtype=np.int64)
    guesses: list[str | None] = [model.desks[desk] for desk in best]
    limits = np.array(model.thresholds)[best]
    sure = probabilities.max(axis=1, initial=0.0) >= limits
    alone = [
        bool(by_itself) or (each.lexicon_alone and guess == each.lexicon_desk)
        for each, guess, by_itself in zip(samples, guesses, sure, strict=True)
    ]
    return scored(samples, guesses, alone)


def _lexicon(samples: Sequence[Sample]) -> Scores:
    guesses = [each.lexicon_desk for each in samples]
    return scored(samples, guesses, [each.lexicon_alone for each in samples])


def scored(
    samples: Sequence[Sample], guesses: Sequence[str | None], alone: Sequence[bool]
) -> Scores:
    """Of best guesses, and of those that were decided alone."""
    if not samples:
        return Scores(0, None, None, None, None)
    right = [each.desk == guess for each, guess in zip(samples, guesses, strict=True)]
    decided = [good for good, is_alone in zip(right, alone, strict=True) if is_alone]
    return Scores(
        texts=len(samples),
        accuracy=sum(right) / len(samples),
        macro_f1=_macro_f1([each.desk for each in samples], guesses),
        alone=len(decided) / len(samples),
        right_alone=sum(decided) / len(decided) if decided else None,
    )


def _macro_f1(labels: Sequence[str], guesses: Sequence[str | None]) -> float:
    pairs = list(zip(labels, guesses, strict=True))
    found = []
    for desk in sorted(set(labels)):
        hits = sum(label == guess == desk for label, guess in pairs)
        named = sum((label == desk) + (guess == desk) for label, guess in pairs)
        found.append(2 * hits / named)
    return sum(found) / len(found)

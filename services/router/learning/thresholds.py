"""From which probability on a desk's decision stands alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AIM = 0.97
"""Of what is decided alone so much shall be right on labels the weights had not seen: in practice
that is then some percent less.
"""
CAUTIOUS = 0.97
"""The threshold while the labels speak for none."""
LOWEST, HIGHEST = 0.6, 0.999
_EXPECTED_WEIGHT = 10.0
"""Until labels say how often it is right, it is as right as it says: as if so many had said so."""


def threshold(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    importance: NDArray[np.float64],
    desk: int,
) -> float:
    """The lowest one from which on, counted together, so many are right as the aim says.

    `probabilities` has a row for each label, none of which the weights had seen.
    """
    mine = np.flatnonzero(probabilities.argmax(axis=1) == desk)
    mine = mine[np.argsort(-probabilities[mine, desk], kind="stable")]
    sure, weight = probabilities[mine, desk], importance[mine]
    all_ = np.cumsum(weight)
    right = np.cumsum(weight * (labels[mine] == desk))
    expected = np.cumsum(weight * sure) / all_
    share = (right + expected * _EXPECTED_WEIGHT) / (all_ + _EXPECTED_WEIGHT)
    reached = np.flatnonzero(share >= AIM)
    if not len(reached):
        return CAUTIOUS
    last = int(reached[-1])
    # Where nothing speaks against less, what has been seen so far must not be the measure.
    highest = CAUTIOUS if last == len(mine) - 1 else HIGHEST
    return min(max(float(sure[last]), LOWEST), highest)

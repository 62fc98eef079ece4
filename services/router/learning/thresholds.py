"""From which probability on a desk's decision stands alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AIM = 0.98
"""Of what is decided alone so much shall be right on labels the weights had not seen: in practice
that is then some percent less.
"""
CAUTIOUS = 0.97
"""The threshold while too few labels speak for a lower one."""
LOWEST, HIGHEST = 0.6, 0.999
_EXPECTED = 0.9
_EXPECTED_WEIGHT = 5.0
"""Before the first decision is seen: as if so many were, nine of ten right."""


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
    right = np.cumsum(importance[mine] * (labels[mine] == desk))
    all_ = np.cumsum(importance[mine])
    share = (right + _EXPECTED * _EXPECTED_WEIGHT) / (all_ + _EXPECTED_WEIGHT)
    reached = np.flatnonzero(share >= AIM)
    if not len(reached):
        return CAUTIOUS
    last = int(reached[-1])
    found = float(probabilities[mine[last], desk])
    # Where nothing speaks against less, what has been seen so far must not be the measure.
    highest = CAUTIOUS if last == len(mine) - 1 else HIGHEST
    return min(max(found, LOWEST), highest)

"""From weights to the probability that a kind is right."""

from __future__ import annotations

from math import exp, sqrt

from services.router.deciding.weighing import Weighing

MINIMUM_LEAD = 1.0
"""By how much the firm words of a side have to lead for it to be decided on."""

_SLOPE = 1.55
_EVIDENCE = 1.0
_SHORT = 20
_WORDS = 100.0
_MOST = 0.985


def probability_of_technical(weighing: Weighing) -> float:
    """That the technical desk is the right one, between 1.5 and 98.5 percent.

    Monotone in the lead; the same lead says less where much speaks for either side, and in a long
    text, in which some words of either side are always found.
    """
    lead = weighing.technical - weighing.general
    spread = sqrt(
        _EVIDENCE + weighing.technical + weighing.general + max(weighing.words - _SHORT, 0) / _WORDS
    )
    probability = 1.0 / (1.0 + exp(-_SLOPE * lead / spread))
    return min(max(probability, 1.0 - _MOST), _MOST)


def leads(weighing: Weighing) -> bool:
    """Whether the words that may decide lead, and on the side of all words together."""
    firm = weighing.firm_technical - weighing.firm_general
    return abs(firm) >= MINIMUM_LEAD and firm * (weighing.technical - weighing.general) > 0

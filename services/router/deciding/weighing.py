"""What the words of an inquiry weigh for either desk; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.router.deciding.decision import Inquiry, Reason

SOFT = 0.25
"""Up to this weight a word tips the scales and decides nothing alone."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Sums of weights, none negative; `netiquette` is what the policy's words give a suspicion.

    `firm_technical` and `firm_general` leave out soft words and the mark of a question, which tip
    the scales and decide nothing alone. `words`: how long the inquiry is.
    """

    technical: float
    general: float
    netiquette: float
    reasons: tuple[Reason, ...]
    firm_technical: float = 0.0
    firm_general: float = 0.0
    words: int = 0


class Weigher(Protocol):
    def weigh(self, inquiry: Inquiry) -> Weighing:
        """Never fails, whatever the text is; linear in its length."""
        ...

"""What the words of an inquiry weigh for either desk; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.router.deciding.decision import Inquiry, Reason


@dataclass(frozen=True, slots=True)
class Weighing:
    """Sums of weights, none negative; `netiquette` is what the policy's words give a suspicion."""

    technical: float
    general: float
    netiquette: float
    reasons: tuple[Reason, ...]


class Weigher(Protocol):
    def weigh(self, inquiry: Inquiry) -> Weighing:
        """Never fails, whatever the text is; linear in its length."""
        ...

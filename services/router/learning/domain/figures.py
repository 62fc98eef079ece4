"""How well it was decided: what the counts of a span say."""

from __future__ import annotations

from dataclasses import dataclass

from services.router.deciding.decision import Kind, Rule
from shared.text.percent import percent

ALONE = frozenset({Kind.TECHNICAL, Kind.GENERAL})
"""The kinds that need no person to decide."""


@dataclass(slots=True)
class Figures:
    """Inquiries `received`, those `addressed` to a desk by the customer, those decided `alone`, and
    the rest, which a person at the `review` desk decided on. Of those alone so many have a label,
    and so many of these are right.
    """

    received: int = 0
    addressed: int = 0
    alone: int = 0
    review: int = 0
    labelled: int = 0
    right: int = 0

    def add(self, kind: str, decided_by: str | None, count: int, *, right: bool | None) -> None:
        """`right` is None without a label."""
        self.received += count
        if decided_by == Rule.ADDRESSED_DESK:
            self.addressed += count
        elif kind not in ALONE:
            self.review += count
        else:
            self.alone += count
            if right is not None:
                self.labelled += count
                self.right += count * right

    @property
    def alone_percent(self) -> float | None:
        return percent(self.alone, self.alone + self.review)

    @property
    def right_percent(self) -> float | None:
        return percent(self.right, self.labelled)


@dataclass(slots=True)
class KindFigures:
    """How many were decided to be of a kind, and whether people agreed, where they have said."""

    decided: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def precision_percent(self) -> float | None:
        return percent(self.right, self.right + self.wrong)


@dataclass(slots=True)
class WatchFigures:
    """What a version would have done with so many inquiries that it did not decide.

    `right` and `wrong` are of those with a label that it would have decided alone; `were_right` are
    those of all with a label that were decided alone, and rightly, as it was.
    """

    inquiries: int = 0
    alone: int = 0
    different: int = 0
    right: int = 0
    wrong: int = 0
    were_right: int = 0
    were_wrong: int = 0

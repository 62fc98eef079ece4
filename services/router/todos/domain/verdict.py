"""What a person at the review desk decides, and when a second one has to agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from unicodedata import normalize

from services.router.todos.domain.todo import DismissReason


class Verdict(StrEnum):
    """Which desk answers, or why nobody does."""

    TECHNICAL = "technical"
    GENERAL = "general"
    NETIQUETTE = "netiquette"
    SPAM = "spam"
    NO_ANSWER_NEEDED = "no_answer_needed"

    @property
    def dismissal(self) -> DismissReason | None:
        """The reason of the dismissal; None when a desk answers."""
        return None if self in _ANSWERED else DismissReason(self.value)


_ANSWERED = frozenset({Verdict.TECHNICAL, Verdict.GENERAL})


APPEALABLE = frozenset({DismissReason.NETIQUETTE, DismissReason.SPAM})
"""The reasons of a dismissal to which the customer may object: they say something about them."""


@dataclass(frozen=True, slots=True)
class PendingVerdict:
    """The first of two verdicts: one person has decided so, and another one has to agree."""

    verdict: Verdict
    by: str
    at: datetime
    key_name: str

    def agreed_by(self, person: str, key_name: str) -> bool:
        """Whether that is another person: neither capitals nor the way in which an umlaut is
        encoded make one. Of two through one key both have to be named, for its owner may well be
        the one who was named.
        """
        who, first = _spelled(person), _spelled(self.by)
        if key_name == self.key_name and _spelled(key_name) in (who, first):
            return False
        return who != first


def _spelled(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())

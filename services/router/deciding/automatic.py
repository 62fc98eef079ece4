"""Whether a message was written by a machine: an absence, a receipt, mail that came back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from services.router.deciding.data import read_data
from services.router.deciding.decision import Inquiry, Reason, Rule
from services.router.deciding.moderation.patterns import Phrases
from services.router.deciding.moderation.words import Words

TERM = "automatic mail"

_LONGEST = 3000
_ENOUGH = 2
_HINTS = (
    "automat", "büro", "office", "abwesen", "zugestellt", "delivered", "gelesen", "was read",
    "urlaub", "leave", "erreichbar", "elternzeit", "received your", "eingegangen",
)  # fmt: skip
"""One of these is in every text with two of the phrases; looked for first, as that is cheap."""


@dataclass(frozen=True, slots=True)
class AutomaticMail:
    """What such mail begins with, and what it says."""

    subjects: tuple[str, ...]
    phrases: Phrases

    @classmethod
    def shipped(cls) -> AutomaticMail:
        """Read and compiled once for the process."""
        return _shipped()

    def reasons(self, inquiry: Inquiry) -> tuple[Reason, ...]:
        """The passages that say so; none for what asks something, or may be a person's."""
        text = inquiry.text
        if len(text) > _LONGEST or "?" in text:
            return ()
        subject = inquiry.subject and self._of_a_machine(inquiry.subject)
        if subject:
            return (Reason(Rule.NOTHING_ASKED, subject, 1.0, TERM),)
        lowered = text.lower()
        if not any(hint in lowered for hint in _HINTS):
            return ()
        words = Words.of(text)
        found = list(self.phrases.find(words))
        if len({each.pattern for each in found}) < _ENOUGH:
            return ()
        spans = [words.place(each.first, each.last) for each in found]
        return tuple(
            Reason(Rule.NOTHING_ASKED, "" if span is None else text[slice(*span)], 1.0, TERM, span)
            for span in spans
        )

    def _of_a_machine(self, subject: str) -> str | None:
        """What the subject begins with, where nothing or a colon follows."""
        beginning = subject.partition(":")[0]
        named = beginning.partition("(")[0]
        return beginning if named.strip().lower() in self.subjects else None


@cache
def _shipped() -> AutomaticMail:
    data = read_data("services.router.deciding", "automatic.toml")
    return AutomaticMail(tuple(data["subjects"]), Phrases.compile([data], ("phrases",)))

"""What is set apart before words are weighed. All of it goes to the review desk, with its reasons:
a person decides what becomes of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.router.deciding.addresses import HANDLE
from services.router.deciding.automatic import AutomaticMail
from services.router.deciding.chatter import Chatter
from services.router.deciding.decision import (
    REVIEW_DESK,
    Decision,
    Finding,
    Inquiry,
    Kind,
    Reason,
    Rule,
)
from services.router.deciding.language import foreign
from services.router.deciding.moderation.netiquette import Netiquette
from services.router.deciding.moderation.spam import Spam

LANGUAGE = "language"
NOTHING_TO_READ = "nothing_to_read"
NOTHING_ASKED = "nothing_asked"

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]{1,64}+@[\w-]++\.[\w.-]+")
_MAYBE_ADDRESS = re.compile(r"@|://|www\.")
_READABLE = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Screening:
    netiquette: Netiquette
    spam: Spam
    chatter: Chatter
    automatic: AutomaticMail

    @classmethod
    def shipped(cls) -> Screening:
        """Read and compiled once for the process."""
        return cls(Netiquette.shipped(), Spam.shipped(), Chatter.shipped(), AutomaticMail.shipped())

    def suspected(self, inquiry: Inquiry) -> Decision | None:
        """What may get no answer, whoever was addressed."""
        words = self.netiquette.read(inquiry.text)
        if (insult := self.netiquette.suspicion(inquiry, words)) is not None:
            return _for_review(Kind.NETIQUETTE, insult)
        if (spam := self.spam.suspicion(inquiry, words)) is not None:
            return _for_review(Kind.SPAM, spam)
        return None

    def set_apart(self, inquiry: Inquiry) -> Decision | None:
        """What may need no answer, or whose words say nothing here."""
        if (thanks := self.chatter.suggestion(inquiry)) is not None:
            return _for_review(Kind.NO_ANSWER_NEEDED, thanks)
        if (nothing := _nothing_to_read(inquiry)) is not None:
            reason = Reason(Rule.NOTHING_TO_READ, nothing, 0.0)
            return Decision(Kind.UNSURE, REVIEW_DESK, 0.0, (reason,), NOTHING_TO_READ)
        whole = inquiry.text if inquiry.subject is None else f"{inquiry.text}\n{inquiry.subject}"
        if (language := foreign(whole)) is not None:
            reason = Reason(Rule.FOREIGN_LANGUAGE, language, 0.0)
            return Decision(Kind.UNSURE, REVIEW_DESK, 0.0, (reason,), LANGUAGE, language)
        return None

    def checked(self, inquiry: Inquiry, decision: Decision) -> Decision:
        """What was decided by words, for a person where the text may ask nothing at all."""
        reasons = self.automatic.reasons(inquiry) or self.chatter.nothing_asked(inquiry)
        if not reasons:
            return decision
        leaning = decision.leaning
        if leaning is None and decision.kind is not Kind.UNSURE:
            leaning = decision.kind
        return Decision(
            Kind.UNSURE,
            REVIEW_DESK,
            decision.confidence,
            (*reasons, *decision.reasons),
            NOTHING_ASKED,
            leaning=leaning,
        )


def _for_review(kind: Kind, found: Finding) -> Decision:
    return Decision(kind, REVIEW_DESK, found.score, found.reasons, kind.value)


def _nothing_to_read(inquiry: Inquiry) -> str | None:
    """What there is instead of words: `link`, `handle`, `signs` (emoji, punctuation), `nothing`."""
    whole = f"{inquiry.subject or ''}\n{inquiry.text}"
    if not _MAYBE_ADDRESS.search(whole) and _READABLE.search(whole):
        return None
    without_links = _ADDRESS.sub(" ", whole)
    if _READABLE.search(HANDLE.sub(" ", without_links)):
        return None
    if without_links != whole:
        return "link"
    if _READABLE.search(without_links):
        return "handle"
    return "signs" if whole.strip() else "nothing"

"""Which desk an inquiry belongs to, by the policy as it was compiled at start.

What decides, strongest first:

1. A suspected violation of the netiquette and suspected spam go to the review desk, also when a
   desk was addressed directly: such an inquiry never disappears without a person having decided.
2. A directly addressed desk gets the inquiry with certainty; words are not asked.
3. Thanks after an answer, a text in another language and one with nothing to read are set apart for
   the review desk (`screening`).
4. Technical words speak for the technical desk, general ones for the inbound desk. Each distinct
   word counts once. The confidence is `winner / (technical + general + 0.5)`: one clear word gives
   0.67, two give 0.8, two against one 0.57. Below the policy's `min_confidence`, and always when
   both sides weigh the same, a person decides (`unsure`, review desk).
5. No word at all: a question of at least two words is a general one (somebody wants to know
   something, and the inbound desk is where general questions are answered); everything else, such
   as a lone emoji or a text in another language, goes to a person.

Where a model has learned from the company's own labels, it decides instead of 3 and 4, with what
the words weigh as one of its features.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.router.deciding.decision import (
    INBOUND_DESK,
    REVIEW_DESK,
    TECHNICAL_DESK,
    Decision,
    Inquiry,
    Kind,
    Reason,
    Rule,
)
from services.router.deciding.model.learned import Seat, Version
from services.router.deciding.policy import DirectAddresses, direct_addresses, policy_words
from services.router.deciding.screening import Screening
from services.router.deciding.weighing import Weigher, Weighing
from shared.policy import KnownHashtags, Policy, extract_hashtags, known_hashtags

SUSPICION = 1.0
"""The weight of netiquette words from which on a person looks at the inquiry."""
WORDS = "words"
"""`decided_by` of what the words decided."""

_DOUBT = 0.5
_QUESTION_WEIGHT = 0.8
_TWO_WORDS = re.compile(r"\w\W+\w")


@dataclass(frozen=True, slots=True)
class Decider:
    """The `Classifier` of a policy."""

    weigher: Weigher
    addresses: DirectAddresses
    hashtags: KnownHashtags
    min_confidence: float
    desks: frozenset[str] = frozenset()
    learned: Seat = field(default_factory=Seat)
    """The version of the model that decides instead of the words alone; none: they do."""
    dismiss_thanks_above: float | None = None
    """From which certainty on the policy dismisses what needs no answer; None: a person does."""
    screening: Screening = field(default_factory=Screening.shipped)

    @classmethod
    def of(cls, policy: Policy) -> Decider:
        """Compile the policy; takes some milliseconds, so keep the result."""
        return cls(
            policy_words(policy),
            direct_addresses(policy),
            known_hashtags(policy.hashtags),
            policy.routing.min_confidence,
            frozenset(policy.desks),
            dismiss_thanks_above=policy.routing.dismiss_thanks_above,
        )

    def decide(self, inquiry: Inquiry) -> Decision:
        """Decide by the rules above; never fails, whatever the text is."""
        return self.decide_with(self.learned.current, inquiry)

    def decide_with(self, version: Version | None, inquiry: Inquiry) -> Decision:
        """What would be decided if that version were the current one; None: by the words alone."""
        suspected = self.screening.suspected(inquiry)
        if suspected is not None:
            return suspected
        weighing = self.weigher.weigh(inquiry)
        if weighing.netiquette >= SUSPICION:
            certainty = _confidence(weighing.netiquette, 0.0)
            return Decision(
                Kind.NETIQUETTE, REVIEW_DESK, certainty, weighing.reasons, Kind.NETIQUETTE.value
            )
        desk = self.addresses.desk(inquiry.channel, inquiry.text, inquiry.hashtags)
        if desk is not None:
            return _addressed(desk, weighing.reasons)
        return self.screening.set_apart(inquiry) or self.weighed(version, inquiry, weighing)

    def weighed(self, version: Version | None, inquiry: Inquiry, weighing: Weighing) -> Decision:
        """Where no rule is certain: by that version, without one by the words alone."""
        decision = None
        if version is not None:
            decision = version.decide(
                inquiry, weighing, desks=self.desks, least=self.min_confidence
            )
        return decision or self._by_words(inquiry, weighing)

    def preview(
        self, text: str, *, subject: str | None, channel: str, after_answer: bool = False
    ) -> Decision:
        """The same for a text that never came in: its hashtags are looked for here."""
        whole = text if subject is None else f"{subject}\n{text}"
        tags = tuple(found.tag for found in extract_hashtags(whole, self.hashtags))
        return self.decide(Inquiry(text, subject, channel, tags, after_answer))

    def _by_words(self, inquiry: Inquiry, weighing: Weighing) -> Decision:
        technical, general = weighing.technical, weighing.general
        if not technical and not general:
            return self._without_words(inquiry, weighing.reasons)
        confidence = _confidence(max(technical, general), min(technical, general))
        if confidence < self.min_confidence or technical == general:
            kind, desk = Kind.UNSURE, REVIEW_DESK
        elif technical > general:
            kind, desk = Kind.TECHNICAL, TECHNICAL_DESK
        else:
            kind, desk = Kind.GENERAL, INBOUND_DESK
        return Decision(kind, desk, confidence, weighing.reasons, WORDS)

    def _without_words(self, inquiry: Inquiry, found: tuple[Reason, ...]) -> Decision:
        """`found` may hold mild netiquette words, which a plain question does not outweigh."""
        asks = _asks(inquiry.text) or _asks(inquiry.subject or "")
        confidence = _confidence(_QUESTION_WEIGHT, 0.0)
        if asks and not found and confidence >= self.min_confidence:
            reason = Reason(Rule.QUESTION, "?", _QUESTION_WEIGHT)
            return Decision(Kind.GENERAL, INBOUND_DESK, confidence, (reason,), WORDS)
        reasons = (*found, Reason(Rule.NO_WORDS, "", 0.0))
        return Decision(Kind.UNSURE, REVIEW_DESK, 0.0, reasons, WORDS)


def _confidence(winner: float, loser: float) -> float:
    return round(winner / (winner + loser + _DOUBT), 3)


def _addressed(desk: str, found: tuple[Reason, ...]) -> Decision:
    kind = {TECHNICAL_DESK: Kind.TECHNICAL, REVIEW_DESK: Kind.UNSURE}.get(desk, Kind.GENERAL)
    reasons = (Reason(Rule.ADDRESSED_DESK, desk, 1.0), *found)
    return Decision(kind, desk, 1.0, reasons, Rule.ADDRESSED_DESK.value)


def _asks(text: str) -> bool:
    return _TWO_WORDS.search(text.rpartition("?")[0]) is not None

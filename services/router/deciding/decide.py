"""Which desk an inquiry belongs to, by the policy as it was compiled at start.

What decides, strongest first:

1. A suspected violation of the netiquette and suspected spam go to the review desk, also when a
   desk was addressed directly: such an inquiry never disappears without a person having decided.
2. A directly addressed desk gets the inquiry with certainty; words are not asked.
3. Thanks after an answer, a text in another language and one with nothing to read are set apart for
   the review desk (`screening`).
4. What the words weigh gives the probability that a desk is the right one (`lexicon/calibration`).
   It decides alone where that is at least the policy's `min_confidence` and the words that may
   decide lead; else a person decides (`unsure`, review desk) and sees what it leans to.

Where a model has learned from the company's own labels, it decides instead of 4, with what the
words weigh as one of its features.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

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
from services.router.deciding.lexicon.calibration import leads, probability_of_technical
from services.router.deciding.model.learned import ByWords, Seat, Version
from services.router.deciding.policy import DirectAddresses, direct_addresses, weigher
from services.router.deciding.screening import Screening
from services.router.deciding.weighing import Weigher, Weighing
from shared.policy import KnownHashtags, Policy, extract_hashtags, known_hashtags

SUSPICION = 1.0
"""The weight of netiquette words from which on a person looks at the inquiry."""
LEXICON = "lexicon"
"""`decided_by` of what the words decided."""

_EVEN = 0.5


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
            weigher(policy),
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
            certainty = round(weighing.netiquette / (weighing.netiquette + 0.5), 3)
            return Decision(
                Kind.NETIQUETTE, REVIEW_DESK, certainty, weighing.reasons, Kind.NETIQUETTE.value
            )
        desk = self.addresses.desk(inquiry.channel, inquiry.text, inquiry.hashtags)
        if desk is not None:
            return _addressed(desk, weighing.reasons)
        apart = self.screening.set_apart(inquiry)
        return apart or self.screening.checked(inquiry, self.weighed(version, inquiry, weighing))

    def weighed(self, version: Version | None, inquiry: Inquiry, weighing: Weighing) -> Decision:
        """Where no rule is certain: by that version, without one by the words alone."""
        alone = self._by_words(weighing)
        if version is None:
            return alone
        desk = None if alone.kind is Kind.UNSURE else alone.desk
        by_words = ByWords(log_odds(weighing), weighing.reasons, desk)
        learned = version.decide(inquiry, by_words, desks=self.desks, least=self.min_confidence)
        return learned or alone

    def preview(
        self, text: str, *, subject: str | None, channel: str, after_answer: bool = False
    ) -> Decision:
        """The same for a text that never came in: its hashtags are looked for here."""
        inquiry = self.inquiry(text, subject=subject, channel=channel, after_answer=after_answer)
        return self.decide(inquiry)

    def inquiry(
        self, text: str, *, subject: str | None, channel: str, after_answer: bool = False
    ) -> Inquiry:
        """With the hashtags that are found in the text."""
        whole = text if subject is None else f"{subject}\n{text}"
        tags = tuple(found.tag for found in extract_hashtags(whole, self.hashtags))
        return Inquiry(text, subject, channel, tags, after_answer)

    def _by_words(self, weighing: Weighing) -> Decision:
        """By the lexicon and the policy's own words: where a learned model puts its probability."""
        if not weighing.technical and not weighing.general:
            reasons = (*weighing.reasons, Reason(Rule.NO_WORDS, "", 0.0))
            return Decision(Kind.UNSURE, REVIEW_DESK, 0.0, reasons, LEXICON)
        technical = probability_of_technical(weighing)
        kind, probability = (
            (Kind.TECHNICAL, technical) if technical > _EVEN else (Kind.GENERAL, 1.0 - technical)
        )
        confidence = round(probability, 3)
        if confidence >= self.min_confidence and leads(weighing):
            desk = TECHNICAL_DESK if kind is Kind.TECHNICAL else INBOUND_DESK
            return Decision(kind, desk, confidence, weighing.reasons, LEXICON)
        leaning = kind if confidence > _EVEN else None
        return Decision(
            Kind.UNSURE, REVIEW_DESK, confidence, weighing.reasons, LEXICON, leaning=leaning
        )


def log_odds(weighing: Weighing) -> float:
    """What the words alone say for the technical desk, as the natural logarithm of the odds."""
    technical = probability_of_technical(weighing)
    return log(technical / (1.0 - technical))


def _addressed(desk: str, found: tuple[Reason, ...]) -> Decision:
    kind = {TECHNICAL_DESK: Kind.TECHNICAL, REVIEW_DESK: Kind.UNSURE}.get(desk, Kind.GENERAL)
    reasons = (Reason(Rule.ADDRESSED_DESK, desk, 1.0), *found)
    return Decision(kind, desk, 1.0, reasons, Rule.ADDRESSED_DESK.value)

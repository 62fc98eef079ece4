"""What is decided on an inquiry, and what led to it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

TECHNICAL_DESK = "technical"
INBOUND_DESK = "inbound"
REVIEW_DESK = "review"


class Kind(StrEnum):
    """What an inquiry is about. All but the first two are for a person to decide on."""

    TECHNICAL = "technical"
    GENERAL = "general"
    NETIQUETTE = "netiquette"
    SPAM = "spam"
    NO_ANSWER_NEEDED = "no_answer_needed"
    UNSURE = "unsure"


class Rule(StrEnum):
    """Which rule a reason comes from."""

    TECHNICAL_TERM = "technical_term"
    GENERAL_TERM = "general_term"
    NETIQUETTE_TERM = "netiquette_term"
    SPAM_TERM = "spam_term"
    THANKS = "thanks"
    FOREIGN_LANGUAGE = "foreign_language"
    NOTHING_TO_READ = "nothing_to_read"
    NOTHING_ASKED = "nothing_asked"
    HASHTAG = "hashtag"
    ADDRESSED_DESK = "addressed_desk"
    QUESTION = "question"
    NO_WORDS = "no_words"
    LEARNED_WORD = "learned_word"


class Reason(NamedTuple):
    """One word that spoke for a kind. `word` is the customer's; `term` is the list's.

    `span` is its place in the inquiry's text; None for the subject, for hashtags, and where
    the text had to be composed (NFC) first so that places no longer agree.
    """

    rule: Rule
    word: str
    weight: float
    term: str = ""
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is decided on. `hashtags` are without their years, as intake found them.

    `after_answer`: somebody in this conversation had been answered before this was received.
    """

    text: str
    subject: str | None = None
    channel: str = ""
    hashtags: tuple[str, ...] = ()
    after_answer: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Kind, desk and certainty (0 to 1) of an inquiry, with every word that was weighed.

    `decided_by` is the rule that was certain (`addressed_desk`), what the text was screened for
    (`netiquette`, `spam`, `no_answer_needed`, `language`, `nothing_to_read`, `nothing_asked`), or
    what weighed the words. `language` (ISO 639-1) is set for a text that is surely neither German
    nor English.
    `leaning`: the kind that an unsure one more probably is; `confidence` is then its probability.
    """

    kind: Kind
    desk: str
    confidence: float
    reasons: tuple[Reason, ...]
    decided_by: str
    language: str | None = None
    leaning: Kind | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspicion or suggestion (score 0 to 1) with the passages that led to it."""

    score: float
    reasons: tuple[Reason, ...]

"""Which desk an inquiry belongs to, decided by the policy's words; the decision explains itself.

What decides, strongest first:

1. A suspected violation of the netiquette goes to the review desk, also when a desk was addressed
   directly: such an inquiry never disappears without a person having decided.
2. A directly addressed desk gets the inquiry with certainty; words are not asked.
3. Technical words speak for the technical desk, general ones for the inbound desk. Each distinct
   word counts once. The confidence is `winner / (technical + general + 0.5)`: one clear word gives
   0.67, two give 0.8, two against one 0.57. Below the policy's `min_confidence`, and always when
   both sides weigh the same, a person decides (`unsure`, review desk).
4. No word at all: a question of at least two words is a general one (somebody wants to know
   something, and the inbound desk is where general questions are answered); everything else, such
   as a lone emoji or a text in another language, goes to a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from services.router.deciding.rules.terms import Term, TermFinder, prepare
from shared.text.composing import composed

TECHNICAL_DESK = "technical"
INBOUND_DESK = "inbound"
REVIEW_DESK = "review"

SUSPICION = 1.0
"""The weight of netiquette words from which on a person looks at the inquiry."""

_DOUBT = 0.5
_QUESTION_WEIGHT = 0.8
_TWO_WORDS = re.compile(r"\w\W+\w")
# Wider than the gap inside a term: no term spans from the subject into the text.
_BETWEEN = "\n\n\n\n"


class Kind(StrEnum):
    TECHNICAL = "technical"
    GENERAL = "general"
    NETIQUETTE = "netiquette"
    UNSURE = "unsure"


class Rule(StrEnum):
    """Which rule a reason comes from."""

    TECHNICAL_TERM = "technical_term"
    GENERAL_TERM = "general_term"
    NETIQUETTE_TERM = "netiquette_term"
    HASHTAG = "hashtag"
    ADDRESSED_DESK = "addressed_desk"
    QUESTION = "question"
    NO_WORDS = "no_words"


_RULE = {
    "technical": Rule.TECHNICAL_TERM,
    "general": Rule.GENERAL_TERM,
    "netiquette": Rule.NETIQUETTE_TERM,
}


class Reason(NamedTuple):
    """One word that spoke for a kind. `word` is the customer's; `term` is the policy's.

    `span` is its place in the inquiry's text; None for the subject, for hashtags, and where
    the text had to be composed (NFC) first so that places no longer agree.
    """

    rule: Rule
    word: str
    weight: float
    term: str = ""
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Kind, desk and certainty (0 to 1) of an inquiry, with every word that was weighed."""

    kind: Kind
    desk: str
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """The policy's words, compiled once; immutable and usable from any thread."""

    finder: TermFinder = field(repr=False)
    hashtags: Mapping[str, Term]
    min_confidence: float

    @classmethod
    def compile(cls, terms: Iterable[Term], *, min_confidence: float) -> RoutingRules:
        """Terms whose kind is a `Kind`; one that begins with # is a hashtag without its year.

        ValueError for a kind without a desk.
        """
        words: list[Term] = []
        hashtags: dict[str, Term] = {}
        for term in terms:
            if Kind(term.kind) is Kind.UNSURE:
                raise ValueError(f"the term {term.text!r} cannot speak for {term.kind}")
            if term.text.startswith("#"):
                hashtags.setdefault(term.text[1:].casefold(), term)
            else:
                words.append(term)
        return cls(TermFinder.compile(words), MappingProxyType(hashtags), min_confidence)


def classify(
    text: str,
    subject: str | None = None,
    *,
    hashtags: Iterable[str] = (),
    addressed_desk: str | None = None,
    rules: RoutingRules,
) -> Decision:
    """Decide by the rules above; never fails, whatever the text is.

    `hashtags` are the tags of the inquiry without their years.
    """
    weights = dict.fromkeys(_RULE, 0.0)
    reasons = _reasons(text, subject, hashtags, rules, weights)
    suspicion = weights["netiquette"]
    if suspicion >= SUSPICION:
        return Decision(Kind.NETIQUETTE, REVIEW_DESK, _confidence(suspicion, 0.0), reasons)
    if addressed_desk is not None:
        return _addressed(addressed_desk, reasons)
    technical, general = weights["technical"], weights["general"]
    if not technical and not general:
        return _without_words(text, subject, reasons, rules)
    confidence = _confidence(max(technical, general), min(technical, general))
    if confidence < rules.min_confidence or technical == general:
        return Decision(Kind.UNSURE, REVIEW_DESK, confidence, reasons)
    if technical > general:
        return Decision(Kind.TECHNICAL, TECHNICAL_DESK, confidence, reasons)
    return Decision(Kind.GENERAL, INBOUND_DESK, confidence, reasons)


def _reasons(
    text: str,
    subject: str | None,
    hashtags: Iterable[str],
    rules: RoutingRules,
    weights: dict[str, float],
) -> tuple[Reason, ...]:
    """Every distinct term that was found; adds its weight to its kind."""
    prepared = prepare(text)
    same_places = len(prepared) == len(text) and composed(text) == text
    offset = 0
    if subject:
        head = prepare(subject) + _BETWEEN
        offset = len(head)
        prepared = head + prepared
    seen: set[int] = set()
    reasons: list[Reason] = []
    for term, start, end in rules.finder.find(prepared):
        if id(term) in seen:
            continue
        seen.add(id(term))
        weights[term.kind] += term.weight
        rule = _RULE[term.kind]
        if same_places and start >= offset:
            span = (start - offset, end - offset)
            word = text[span[0] : span[1]]
            reasons.append(Reason(rule, word, term.weight, term.text, span))
        else:
            reasons.append(Reason(rule, prepared[start:end], term.weight, term.text))
    for tag in hashtags:
        named = rules.hashtags.get(tag.casefold())
        if named is not None and id(named) not in seen:
            seen.add(id(named))
            weights[named.kind] += named.weight
            reasons.append(Reason(Rule.HASHTAG, f"#{tag}", named.weight, named.text))
    return tuple(reasons)


def _confidence(winner: float, loser: float) -> float:
    return round(winner / (winner + loser + _DOUBT), 3)


def _addressed(desk: str, found: tuple[Reason, ...]) -> Decision:
    kind = {TECHNICAL_DESK: Kind.TECHNICAL, REVIEW_DESK: Kind.UNSURE}.get(desk, Kind.GENERAL)
    return Decision(kind, desk, 1.0, (Reason(Rule.ADDRESSED_DESK, desk, 1.0), *found))


def _without_words(
    text: str, subject: str | None, found: tuple[Reason, ...], rules: RoutingRules
) -> Decision:
    """`found` may hold mild netiquette words, which a plain question does not outweigh."""
    asks = _asks(text) or _asks(subject or "")
    confidence = _confidence(_QUESTION_WEIGHT, 0.0)
    if asks and not found and confidence >= rules.min_confidence:
        reason = Reason(Rule.QUESTION, "?", _QUESTION_WEIGHT)
        return Decision(Kind.GENERAL, INBOUND_DESK, confidence, (reason,))
    return Decision(Kind.UNSURE, REVIEW_DESK, 0.0, (*found, Reason(Rule.NO_WORDS, "", 0.0)))


def _asks(text: str) -> bool:
    return _TWO_WORDS.search(text.rpartition("?")[0]) is not None

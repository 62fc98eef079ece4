"""What an inquiry weighs by the lexicon, with the policy's own words on top."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.router.deciding.decision import Inquiry, Reason, Rule
from services.router.deciding.lexicon.finder import Hit, TermFinder
from services.router.deciding.lexicon.words import Words, comparable, words_of
from services.router.deciding.weighing import Weigher, Weighing

SUBJECT_FACTOR = 2.0
"""A word of the subject counts twice."""
MISTYPED_FACTOR = 0.8
FORMER_PART_FACTOR = 0.5
"""What a compound is lies in its last part: a Lizenzserver is a server."""
SOFT_MOST = 0.25
"""What all soft words of a side weigh together at most."""
QUESTION_WEIGHT = 0.25
"""What a plain question weighs for the general desk: it suggests, and decides nothing."""
MOST_REASONS = 30
"""Words that a decision names; of more, those that weigh most."""

Span = tuple[int, int]

_RULES = {"technical": Rule.TECHNICAL_TERM, "general": Rule.GENERAL_TERM}
_TWO_WORDS = re.compile(r"\w\W+\w")


@dataclass(frozen=True, slots=True)
class LexiconWords:
    """The lexicon and, on top, the words of the policy."""

    finder: TermFinder = field(repr=False)
    own: Weigher

    def weigh(self, inquiry: Inquiry) -> Weighing:
        own = self.own.weigh(inquiry)
        sides = {
            "technical": _Side(own.firm_technical, own.technical - own.firm_technical),
            "general": _Side(own.firm_general, own.general - own.firm_general),
        }
        subject, text = words_of(inquiry.subject or ""), words_of(inquiry.text)
        reasons = list(own.reasons)
        for words, within, factor in ((subject, None, SUBJECT_FACTOR), (text, inquiry.text, 1.0)):
            hits = self.finder.find(words)
            if not hits:
                continue
            spans = words.spans()
            if own.reasons:
                said = _Said(own.reasons, of_text=within is not None)
                hits = [hit for hit in hits if not said.covers(hit, words, spans)]
            chosen = _longest(hits)
            former = _former_parts(hit for hit, _ in chosen)
            for hit, most in chosen:
                part = FORMER_PART_FACTOR if hit in former else 1.0
                weight = sides[hit.term.kind].take(hit, most * factor * part)
                if weight:
                    reasons.append(_reason(hit, words, spans, within, weight))
        technical, general = sides["technical"], sides["general"]
        if not technical.firm and _asks(inquiry):
            general.soft += QUESTION_WEIGHT
            reasons.append(Reason(Rule.QUESTION, "?", QUESTION_WEIGHT))
        return Weighing(
            technical.total,
            general.total,
            own.netiquette,
            _weightiest(reasons),
            firm_technical=technical.firm,
            firm_general=general.firm,
            words=len(subject.written) + len(text.written),
        )


@dataclass(slots=True)
class _Side:
    """What speaks for one desk. Each distinct term counts once, soft ones together a little."""

    firm: float
    soft: float
    seen: set[int] = field(default_factory=set)

    def take(self, hit: Hit, weight: float) -> float:
        """Count the hit; what it adds."""
        if id(hit.term) in self.seen:
            return 0.0
        self.seen.add(id(hit.term))
        if hit.term.soft:
            weight = max(min(hit.term.weight, SOFT_MOST - self.soft), 0.0)
            self.soft += weight
            return weight
        weight *= MISTYPED_FACTOR if hit.match.mistyped else 1.0
        self.firm += weight
        return weight

    @property
    def total(self) -> float:
        return max(self.firm + self.soft, 0.0)


def _longest(hits: Iterable[Hit]) -> list[tuple[Hit, float]]:
    """Of the hits for one desk that share a word, the longest, with the most that one of them
    weighs; one of no weight stays without.
    """
    chosen: list[tuple[Hit, float]] = []
    covered: dict[str, dict[int, int]] = {kind: {} for kind in _RULES}
    for hit in hits:
        weight, places = hit.term.weight, covered[hit.term.kind]
        over = {places[word] for word in hit.words if word in places}
        for place in over:
            longer, most = chosen[place]
            if 0 < most < weight:
                chosen[place] = (longer, weight)
        if not over:
            places.update(dict.fromkeys(hit.words, len(chosen)))
            chosen.append((hit, weight))
    return chosen


def _former_parts(hits: Iterable[Hit]) -> set[Hit]:
    """The hits that are the former part of a compound whose latter speaks for the other desk."""
    words: dict[int, list[Hit]] = {}
    for hit in hits:
        if len(hit.words) == 1 and hit.term.weight:
            words.setdefault(hit.words[0], []).append(hit)
    return {
        hit
        for parts in words.values()
        if len(parts) > 1
        for hit in parts
        if hit.match.end < max(part.match.end for part in parts)
    }


class _Said:
    """What the policy's own words say something of: there the lexicon says nothing."""

    def __init__(self, own: Iterable[Reason], *, of_text: bool) -> None:
        reasons = list(own)
        self._spans = [each.span for each in reasons if each.span is not None and of_text]
        self._words = {
            comparable(word) for each in reasons if each.span is None for word in each.word.split()
        }

    def covers(self, hit: Hit, words: Words, spans: Sequence[Span]) -> bool:
        return any(
            comparable(words.written[number]) in self._words or self._overlaps(*spans[number])
            for number in hit.words
        )

    def _overlaps(self, start: int, end: int) -> bool:
        return any(first < end and start < last for first, last in self._spans)


def _reason(
    hit: Hit, words: Words, spans: Sequence[Span], text: str | None, weight: float
) -> Reason:
    start, end = spans[hit.words[0]][0], spans[hit.words[-1]][1]
    rule = _RULES[hit.term.kind]
    if text is not None and words.exact:
        return Reason(rule, text[start:end], weight, hit.term.text, (start, end))
    found = " ".join(words.written[number] for number in hit.words)
    return Reason(rule, found, weight, hit.term.text)


def _weightiest(reasons: list[Reason]) -> tuple[Reason, ...]:
    """Those that are worth keeping, in their order."""
    if len(reasons) <= MOST_REASONS:
        return tuple(reasons)
    least = sorted((each.weight for each in reasons), reverse=True)[MOST_REASONS - 1]
    return tuple(each for each in reasons if each.weight >= least)[:MOST_REASONS]


def _asks(inquiry: Inquiry) -> bool:
    return any(
        _TWO_WORDS.search(text.rpartition("?")[0]) is not None
        for text in (inquiry.text, inquiry.subject or "")
    )

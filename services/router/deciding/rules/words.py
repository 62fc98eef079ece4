"""What the policy's words weigh in an inquiry. Each distinct word counts once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.router.deciding.decision import Inquiry, Kind, Reason, Rule
from services.router.deciding.rules.terms import Term, TermFinder, prepare
from services.router.deciding.weighing import SOFT, Weighing
from shared.text.composing import composed

# Wider than the gap inside a term: no term spans from the subject into the text.
_BETWEEN = "\n\n\n\n"
_RULE = {
    "technical": Rule.TECHNICAL_TERM,
    "general": Rule.GENERAL_TERM,
    "netiquette": Rule.NETIQUETTE_TERM,
}


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """The policy's words, compiled once; immutable and usable from any thread."""

    finder: TermFinder = field(repr=False)
    hashtags: Mapping[str, Term]

    @classmethod
    def compile(cls, terms: Iterable[Term]) -> PolicyWords:
        """Terms whose kind has words; one that begins with # is a hashtag without its year.

        ValueError for a kind that has none.
        """
        words: list[Term] = []
        hashtags: dict[str, Term] = {}
        for term in terms:
            if Kind(term.kind).value not in _RULE:
                raise ValueError(f"the term {term.text!r} cannot speak for {term.kind}")
            if term.text.startswith("#"):
                hashtags.setdefault(term.text[1:].casefold(), term)
            else:
                words.append(term)
        return cls(TermFinder.compile(words), MappingProxyType(hashtags))

    def weigh(self, inquiry: Inquiry) -> Weighing:
        weights, firm = dict.fromkeys(_RULE, 0.0), dict.fromkeys(_RULE, 0.0)
        reasons: list[Reason] = []
        for term, reason in _found(inquiry, self):
            weights[term.kind] += term.weight
            firm[term.kind] += term.weight if term.weight > SOFT else 0.0
            reasons.append(reason)
        return Weighing(
            weights["technical"],
            weights["general"],
            weights["netiquette"],
            tuple(reasons),
            firm_technical=firm["technical"],
            firm_general=firm["general"],
        )


def _found(inquiry: Inquiry, words: PolicyWords) -> Iterator[tuple[Term, Reason]]:
    """Every distinct term that was found, with the reason that it is."""
    text, subject = inquiry.text, inquiry.subject
    whole = composed(text)
    prepared = prepare(whole)
    same_places = len(prepared) == len(text) and whole == text
    offset = 0
    if subject:
        head = prepare(subject) + _BETWEEN
        offset = len(head)
        prepared = head + prepared
    seen: set[int] = set()
    for term, start, end in words.finder.find(prepared):
        if id(term) in seen:
            continue
        seen.add(id(term))
        rule = _RULE[term.kind]
        if same_places and start >= offset:
            span = (start - offset, end - offset)
            yield term, Reason(rule, text[slice(*span)], term.weight, term.text, span)
        else:
            yield term, Reason(rule, prepared[start:end], term.weight, term.text)
    for tag in inquiry.hashtags:
        named = words.hashtags.get(tag.casefold())
        if named is not None and id(named) not in seen:
            seen.add(id(named))
            yield named, Reason(Rule.HASHTAG, f"#{tag}", named.weight, named.text)

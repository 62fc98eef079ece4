"""Whether an inquiry is spam: a person decides whether it is.

Phrases of masses of messages weigh 1, 0.5 or 0.25, each once; so do links to many hosts, shortened
links, short codes and premium numbers. What only customers say weighs against it. A customer who
writes a link, asks for a refund or mentions money stays below the sum that suspects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp

from services.router.deciding.data import read_data
from services.router.deciding.decision import Finding, Inquiry, Reason, Rule
from services.router.deciding.moderation.patterns import Found, Phrases
from services.router.deciding.moderation.words import Words

_WEIGHTS = {"strong": 1.0, "medium": 0.45, "weak": 0.2}
_OF_A_CUSTOMER = 0.6
_SUSPICION = 1.0
_MOST_WEAK = 3
_FEW_WORDS = 12
_WORDS_OF_A_LINK = 5
_MOST_REASONS = 12
_LANGUAGES = ("de", "en")
_DATA = "services.router.deciding.moderation"
_HOST = re.compile(
    r"(?:https?://|www\.)(?:www\.)?([\w-]{1,63}+(?:\.[\w-]{1,63}+){0,5})", re.IGNORECASE
)
# Each begins with a set, which the search goes to at once.
_MAYBE_SIGNS = re.compile("[0-9£$€](?:[0-9p]|(?<=[£$€]))")
_SHOUTING = re.compile(
    r"[A-Z!$€£](?:(?<=[A-Z])(?<!\w.)[A-Z]{2,}\b[^a-z]{0,6}(?:\b[A-Z]{3,}\b[^a-z]{0,6}){2}"
    r"|(?<=!)!!|(?<=[$€£])[$€£])"
)
SIGNS: Sequence[tuple[str, float, re.Pattern[str], re.Pattern[str]]] = (
    (
        "short code",
        0.6,
        re.compile(r"\d\d\d\d\d"),
        re.compile(r"\b(?:to|2|on|an)\s*:?\s?\d{5}\b", re.IGNORECASE),
    ),
    (
        "premium number",
        0.6,
        re.compile(r"0[879]\d"),
        re.compile(r"\b0(?:8[47]\d|9[0-9]\d|70\d)[ \-]?\d{3}[ \-]?\d{3,5}\b"),
    ),
    (
        "price of a message",
        0.8,
        re.compile(r"\d\s{0,2}[pP/]"),
        re.compile(
            r"(?:£|\b)\d(?:[.,]\d\d)?\d{0,2}\s?(?:p|ppm)?\s?(?:/|per\s?)\s?(?:msg|min|wk|text|sms|week|mo)\b|\b\d{2,3}p(?:pm|/|\b)",
            re.IGNORECASE,
        ),
    ),
    (
        "sum of money",
        0.4,
        re.compile(r"[\d£$]\d\d"),
        re.compile(
            r"(?:[£$€]\s?\d[\d.,]*\d\d\d\b|\b\d[\d.,]*\d\d\d\s?(?:£|\$|€|usd|euro|dollar|dollars|pounds)\b)|[£$]\d{2,}",
            re.IGNORECASE,
        ),
    ),
    (
        "phone number",
        0.3,
        re.compile(r"[+0]0?\d"),
        re.compile(r"(?<![\w+])(?:\+|00)\d[\d \-()]{8,16}\d\b"),
    ),
    (
        "number to call",
        0.5,
        re.compile(r"0\d{9}"),
        re.compile(r"\bcall\b[^.!?\n]{0,25}\b0\d{9,10}\b", re.IGNORECASE),
    ),
)
"""Each with its weight, what is in every text that has it and is found at a glance, and itself."""


@dataclass(frozen=True, slots=True)
class Spam:
    """The phrases by what they weigh, of both languages."""

    phrases: Phrases
    customer: Phrases
    shorteners: frozenset[str]
    endings: frozenset[str]

    @classmethod
    def shipped(cls) -> Spam:
        """Read and compiled once for the process."""
        return _shipped()

    def suspicion(self, inquiry: Inquiry, words: Words | None = None) -> Finding | None:
        """With the passages that led to it; linear in the length of the text.

        `words` are those of the text, where the caller has them.
        """
        words = words or Words.of(inquiry.text)
        subject = None if inquiry.subject is None else Words.of(inquiry.subject)
        signs = [*self._signs(inquiry.text), *self._links(inquiry.text, len(words.listed))]
        phrases = _weighed(self.phrases, words)
        of_subject = [] if subject is None else _weighed(self.phrases, subject)
        total = sum(sign.weight for sign in signs)
        total += sum(_WEIGHTS[found.kind] for found in (*phrases, *of_subject))
        if total < _SUSPICION:
            return None
        for each in (words, subject):
            if each is not None:
                total -= _OF_A_CUSTOMER * len({said.pattern for said in self.customer.find(each)})
        if total < _SUSPICION:
            return None
        reasons = [*signs, *(_reason(found, words, inquiry.text) for found in phrases)]
        if subject is not None:
            reasons += [_reason(found, subject, None) for found in of_subject]
        return Finding(round(1 / (1 + exp(-2 * (total - 0.6))), 3), tuple(reasons[:_MOST_REASONS]))

    def _signs(self, text: str) -> Iterator[Reason]:
        if _SHOUTING.search(text) is not None:
            yield _sign("shouting", 0.2)
        if _MAYBE_SIGNS.search(text) is None:
            return
        for name, weight, maybe, pattern in SIGNS:
            if maybe.search(text) is not None and pattern.search(text) is not None:
                yield _sign(name, weight)

    def _links(self, text: str, words: int) -> Iterator[Reason]:
        if "://" not in text and "www." not in text:
            return
        hosts = {match[1].lower() for match in _HOST.finditer(text)}
        if hosts:
            yield _sign("link", 0.4 if words <= _FEW_WORDS else 0.3)
        if len(hosts) > 2:
            few_words = words <= _WORDS_OF_A_LINK * len(hosts)
            yield _sign("links to many hosts", 0.8 if few_words else 0.1)
        if not self.shorteners.isdisjoint(hosts):
            yield _sign("shortened link", 0.4)
        if any(host.rpartition(".")[2] in self.endings for host in hosts):
            yield _sign("ending of a host", 0.4)


def _weighed(phrases: Phrases, words: Words) -> list[Found]:
    """Each once, of those that share words the heaviest."""
    covered: set[int] = set()
    seen: set[str] = set()
    kept: list[Found] = []
    weak = 0
    for found in sorted(phrases.find(words), key=_heaviest_first):
        places = range(found.first, found.last + 1)
        if found.pattern in seen or not covered.isdisjoint(places):
            continue
        weak += found.kind == "weak"
        if weak > _MOST_WEAK:
            break
        seen.add(found.pattern)
        covered.update(places)
        kept.append(found)
    return kept


def _reason(found: Found, words: Words, text: str | None) -> Reason:
    """`text` is where the words stand; None: they get no place."""
    word, span = words.passage(found.first, found.last, text)
    return Reason(Rule.SPAM_TERM, word, _WEIGHTS[found.kind], "phrase", span)


def _sign(name: str, weight: float) -> Reason:
    return Reason(Rule.SPAM_TERM, name, weight, name)


def _heaviest_first(found: Found) -> tuple[float, int]:
    return -_WEIGHTS[found.kind], found.first


@cache
def _shipped() -> Spam:
    data = {language: read_data(_DATA, f"spam.{language}.toml") for language in _LANGUAGES}
    return Spam(
        Phrases.compile(data.values(), tuple(_WEIGHTS)),
        Phrases.compile(data.values(), ("customer",)),
        frozenset(data["en"]["shorteners"]),
        frozenset(data["en"]["endings"]),
    )

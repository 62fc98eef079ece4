"""Whether an inquiry is spam: a person decides whether it is.

Phrases of masses of messages weigh 1, 0.5 or 0.25, each once; so do links to many hosts, shortened
links, short codes and premium numbers. What only customers say weighs against it. A customer who
writes a link, asks for a refund or mentions money stays below the sum that suspects.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any

from services.router.deciding.decision import Finding, Inquiry, Reason, Rule
from services.router.deciding.moderation.patterns import Phrases
from services.router.deciding.moderation.words import Words

_WEIGHTS = {"strong": 1.0, "medium": 0.5, "weak": 0.2, "customer": -0.6}
_SUSPICION = 1.0
_MOST_WEAK = 3
_MOST_REASONS = 12
_LANGUAGES = ("de", "en")
_HOST = re.compile(
    r"(?:https?://|www\.)(?:www\.)?([\w-]{1,63}+(?:\.[\w-]{1,63}+){0,5})", re.IGNORECASE
)
_SIGNS: Sequence[tuple[str, float, re.Pattern[str]]] = (
    ("short code", 0.6, re.compile(r"\b(?:to|2|on|an)\s*:?\s?\d{5}\b", re.IGNORECASE)),
    ("premium number", 0.6, re.compile(r"\b0(?:8[47]\d|9[0-9]\d|70\d)[ \-]?\d{3}[ \-]?\d{3,5}\b")),
    (
        "price of a message",
        0.8,
        re.compile(
            r"(?:£|\b)\d(?:[.,]\d\d)?\d{0,2}\s?(?:p|ppm)?\s?(?:/|per\s?)\s?(?:msg|min|wk|text|sms|week|mo)\b|\b\d{2,3}p(?:pm|/|\b)",
            re.IGNORECASE,
        ),
    ),
    (
        "sum of money",
        0.4,
        re.compile(
            r"(?:[£$€]\s?\d[\d.,]*\d\d\d\b|\b\d[\d.,]*\d\d\d\s?(?:£|\$|€|usd|euro|dollar|dollars|pounds)\b)|[£$]\d{2,}",
            re.IGNORECASE,
        ),
    ),
    ("phone number", 0.3, re.compile(r"(?<![\w+])(?:\+|00)\d[\d \-()]{8,16}\d\b")),
    ("number to call", 0.5, re.compile(r"\bcall\b[^.!?\n]{0,25}\b0\d{9,10}\b", re.IGNORECASE)),
    ("shouting", 0.2, re.compile(r"(?:\b[A-Z]{3,}\b[^a-z]{0,6}){3}|!!!+|[$€£]{2,}")),
)


@dataclass(frozen=True, slots=True)
class Spam:
    """The phrases by what they weigh, of both languages."""

    phrases: Sequence[tuple[str, Phrases]]
    shorteners: frozenset[str]
    endings: frozenset[str]

    @classmethod
    def shipped(cls) -> Spam:
        """Read and compiled once for the process."""
        return _shipped()

    def suspicion(self, inquiry: Inquiry) -> Finding | None:
        """With the passages that led to it; linear in the length of the text."""
        text = inquiry.text if inquiry.subject is None else f"{inquiry.subject}\n{inquiry.text}"
        words = Words.of(text)
        distinct = frozenset(words.listed)
        found = [
            *self._signs(text),
            *self._links(text, len(words.listed)),
            *self._phrases(words, distinct),
        ]
        total = sum(weight for _, weight, _ in found)
        if total < _SUSPICION:
            return None
        offset = len(text) - len(inquiry.text)
        reasons = [self._reason(each, words, text, offset) for each in found if each[1] > 0]
        score = 1 / (1 + exp(-2 * (total - 0.6)))
        return Finding(round(score, 3), tuple(reasons[:_MOST_REASONS]))

    def _phrases(self, words: Words, distinct: frozenset[str]) -> Iterator[_Sign]:
        covered: set[int] = set()
        weak = 0
        for kind, phrases in self.phrases:
            for found in phrases.find(words, distinct):
                places = range(found.first, found.last + 1)
                if kind != "customer" and not covered.isdisjoint(places):
                    continue
                if kind == "weak":
                    weak += 1
                    if weak > _MOST_WEAK:
                        continue
                if kind != "customer":
                    covered.update(places)
                yield "phrase", _WEIGHTS[kind], (found.first, found.last)

    def _signs(self, text: str) -> Iterator[_Sign]:
        for name, weight, pattern in _SIGNS:
            if pattern.search(text) is not None:
                yield name, weight, None

    def _links(self, text: str, words: int) -> Iterator[_Sign]:
        if "://" not in text and "www." not in text.lower():
            return
        hosts = {match[1].lower() for match in _HOST.finditer(text)}
        if hosts:
            yield "link", 0.4 if words <= 12 else 0.3, None
        if len(hosts) > 2:
            yield "links to many hosts", 0.7, None
        if not self.shorteners.isdisjoint(hosts):
            yield "shortened link", 0.4, None
        if any(host.rpartition(".")[2] in self.endings for host in hosts):
            yield "ending of a host", 0.4, None

    def _reason(self, sign: _Sign, words: Words, text: str, offset: int) -> Reason:
        name, weight, places = sign
        if places is None:
            return Reason(Rule.SPAM_TERM, name, weight, name)
        span = words.place(*places)
        if span is None or span[0] < offset:
            word = " ".join(words.listed[places[0] : places[1] + 1])
            return Reason(Rule.SPAM_TERM, word, weight, name)
        span = (span[0] - offset, span[1] - offset)
        return Reason(Rule.SPAM_TERM, text[offset:][slice(*span)], weight, name, span)


_Sign = tuple[str, float, tuple[int, int] | None]


@cache
def _shipped() -> Spam:
    data = {language: _data(f"spam.{language}.toml") for language in _LANGUAGES}
    phrases = [
        (kind, Phrases.compile(each[kind], each)) for kind in _WEIGHTS for each in data.values()
    ]
    return Spam(phrases, frozenset(data["en"]["shorteners"]), frozenset(data["en"]["endings"]))


def _data(name: str) -> Mapping[str, Any]:
    source = files("services.router.deciding.moderation") / name
    return tomllib.loads(source.read_text("utf-8"))

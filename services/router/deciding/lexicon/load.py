"""The lexicon's files, read and compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from services.router.deciding.data import read_data
from services.router.deciding.lexicon.finder import TermFinder
from services.router.deciding.lexicon.terms import LexiconTerm, read_term
from services.router.deciding.weighing import SOFT

FIELDS = ("technical", "general")
LANGUAGES = ("de", "en")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All terms with the forms they are made of."""

    terms: tuple[LexiconTerm, ...]
    heads: frozenset[str]
    ordinary: frozenset[str]

    def finder(self) -> TermFinder:
        return TermFinder(self.terms, heads=self.heads, ordinary=self.ordinary)


@cache
def shipped_finder() -> TermFinder:
    """That of the shipped lexicon, compiled at the first use and shared from then on."""
    return load_lexicon().finder()


def load_lexicon() -> Lexicon:
    """Read the shipped files; ValueError for a term that is none or stands there twice."""
    forms = _read("forms.toml")
    terms = [
        term
        for field in FIELDS
        for language in LANGUAGES
        for term in _terms(field, language, forms["alternatives"])
    ]
    return Lexicon(tuple(terms), frozenset(forms["heads"]), frozenset(forms["ordinary"]))


def _terms(field: str, language: str, alternatives: Mapping[str, str]) -> Iterator[LexiconTerm]:
    seen: set[str] = set()
    for group in _read(f"{field}.{language}.toml")["terms"]:
        weight, soft = float(group["weight"]), bool(group.get("soft", False))
        if soft and weight > SOFT:
            raise ValueError(f"a soft word of {field}.{language} weighs more than {SOFT}")
        for text in (each.strip() for each in group["words"].split(",")):
            if not text:
                continue
            if text in seen:
                raise ValueError(f"{text!r} stands twice in {field}.{language}")
            seen.add(text)
            yield read_term(text, field, weight, alternatives, soft=soft)


def _read(name: str) -> dict[str, Any]:
    return read_data("services.router.deciding.lexicon", f"data/{name}")

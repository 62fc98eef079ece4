"""What a term of the lexicon is, and how its written form is read.

A term is one word or several. In a word `*` at the end is any ending, at the start any beginning
of a compound; `|` parts words of which one has to be there; `{name}` stands for the words of that
name in `forms.toml`. Words that stand side by side follow each other; `...` between them
lets up to `GAP` other words in ("stürzt ... ab"). A hyphen is a hyphen, a space or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from services.router.deciding.lexicon.words import comparable

GAP = 5
"""Words that may stand between two words of a phrase where it has `...`."""
_MOST_WAYS = 16


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a phrase: the words of which one has to stand there, and how many others may
    stand before it.
    """

    patterns: tuple[str, ...]
    gap: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LexiconTerm:
    """One entry: as written, the kind it speaks for, and how strongly (against it below 0). Each is
    equal to itself only.

    `soft`: it tips the scales and decides nothing.
    """

    text: str
    kind: str
    weight: float
    ways: tuple[tuple[Element, ...], ...]
    soft: bool = False


def read_term(
    text: str,
    kind: str,
    weight: float,
    alternatives: Mapping[str, str] | None = None,
    *,
    soft: bool = False,
) -> LexiconTerm:
    """The entry; ValueError for a form that is not one of those above."""
    written = text
    for name, words in (alternatives or {}).items():
        written = written.replace(f"{{{name}}}", words)
    ways = tuple(_ways(written))
    if not ways or any(not way or not all(each.patterns for each in way) for way in ways):
        raise ValueError(f"{text!r} is no term of the lexicon")
    return LexiconTerm(text, kind, weight, ways, soft)


def _ways(text: str) -> Iterator[tuple[Element, ...]]:
    """The term with each hyphen as a space or as nothing."""
    steps = [
        [word]
        if "-" not in word or "|" in word
        else [word.replace("-", ""), word.replace("-", " ")]
        for word in text.split()
    ]
    for way in list(product(*steps))[:_MOST_WAYS]:
        yield tuple(_elements(" ".join(way).split()))


def _elements(words: list[str]) -> Iterator[Element]:
    gap = 0
    for word in words:
        if word == "...":
            gap = GAP
            continue
        yield Element(tuple(_pattern(each) for each in word.split("|") if each), gap)
        gap = 0


def _pattern(word: str) -> str:
    stem = word.strip("*")
    if not stem or set(stem) & set("*{}-"):
        raise ValueError(f"{word!r} is no word of a term")
    return f"{'*' * word.startswith('*')}{comparable(stem)}{'*' * word.endswith('*')}"

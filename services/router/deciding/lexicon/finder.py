"""Finding the lexicon's terms among the words of a text.

Each distinct word is looked up once and remembered for the next texts; a phrase is looked for only
where all its parts occur. The cost is linear in the number of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.router.deciding.lexicon.terms import Element, LexiconTerm
from services.router.deciding.lexicon.typos import Typos
from services.router.deciding.lexicon.words import Words, comparable

COMPOUND_LETTERS = 4
"""Letters before a part of a compound: "Zerstörung" is no "Störung"."""
_INDEXED = 4
_SHORTEST_PREFIX = 2
_REMEMBERED = 20_000
_POSSESSIVE = re.compile("['\u2019\u00b4`]s$", re.IGNORECASE)


class _Match(NamedTuple):
    """How a word fits: `letters` of it, the last of them before `end`."""

    letters: int
    end: int
    mistyped: bool = False


class Hit(NamedTuple):
    """A term and the words of the text it was found in, by their numbers. `match`: of the first."""

    term: LexiconTerm
    words: tuple[int, ...]
    match: _Match


class _Phrase(NamedTuple):
    """A term of several words without its first: each other element, and how many words may stand
    before it.
    """

    term: LexiconTerm
    rest: tuple[tuple[int, int], ...]
    needed: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a word: the elements that it is one of behind the first of a phrase, and the
    terms that begin there.
    """

    elements: frozenset[int]
    singles: tuple[tuple[LexiconTerm, _Match], ...]
    phrases: tuple[tuple[_Phrase, _Match], ...]


@dataclass(slots=True)
class _Patterns:
    """The words of the terms by how they are written, each with the elements they belong to; parts
    of compounds by how they begin, with whether any ending may follow.
    """

    whole: dict[str, list[int]]
    beginnings: dict[str, list[int]]
    inside: dict[str, list[tuple[str, bool, int]]]


_NOTHING = _Known(frozenset(), (), ())


class TermFinder:
    """All terms, compiled. What it has looked up it remembers, within bounds."""

    def __init__(
        self,
        terms: Iterable[LexiconTerm],
        *,
        heads: Iterable[str] = (),
        ordinary: Iterable[str] = (),
    ) -> None:
        """`heads`: beginnings of compounds that are shorter than `COMPOUND_LETTERS`."""
        self._numbers: dict[tuple[str, ...], int] = {}
        self._singles: dict[int, list[LexiconTerm]] = {}
        self._phrases: dict[int, list[_Phrase]] = {}
        for term in terms:
            for way in term.ways:
                self._add(term, way)
        self._following = {
            number for of in self._phrases.values() for phrase in of for number in phrase.needed
        }
        self._patterns = _patterns(self._numbers)
        self._heads = frozenset(heads)
        long = (*self._patterns.whole, *self._patterns.beginnings)
        self._typos = Typos(long, ordinary=ordinary)
        self._longest = max((len(stem) for stem in self._patterns.beginnings), default=0)
        self._known: dict[str, _Known] = {}

    def find(self, words: Words) -> list[Hit]:
        """Every hit, the ones of more words and more letters first."""
        known = self._known
        entries = [known.get(word) or self._entry(word) for word in words.written]
        present = frozenset().union(*[each.elements for each in entries])
        hits: list[Hit] = []
        for number, word in enumerate(entries):
            for term, match in word.singles:
                hits.append(Hit(term, (number,), match))
            for phrase, match in word.phrases:
                if phrase.needed <= present:
                    follow = _follow(number, phrase.rest, entries, words.places)
                    if follow is not None:
                        hits.append(Hit(phrase.term, (number, *follow), match))
        hits.sort(key=_length, reverse=True)
        return hits

    def _add(self, term: LexiconTerm, way: tuple[Element, ...]) -> None:
        first, *rest = [
            (self._numbers.setdefault(each.patterns, len(self._numbers)), each.gap) for each in way
        ]
        if rest:
            needed = frozenset(number for number, _ in rest)
            phrase = _Phrase(term, tuple(rest), needed)
            self._phrases.setdefault(first[0], []).append(phrase)
        else:
            self._singles.setdefault(first[0], []).append(term)

    def _entry(self, written: str) -> _Known:
        word = comparable(written)
        found = self._search(word)
        if not found and _POSSESSIVE.search(written):
            found = self._search(word[:-1])
        known = _NOTHING
        if found:
            known = _Known(
                frozenset(found.keys() & self._following),
                tuple(
                    (term, match)
                    for element, match in found.items()
                    for term in self._singles.get(element, ())
                ),
                tuple(
                    (phrase, match)
                    for element, match in found.items()
                    for phrase in self._phrases.get(element, ())
                ),
            )
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[written] = known
        return known

    def _search(self, word: str) -> dict[int, _Match]:
        """The elements that the word is one of, each with the most letters that fit."""
        found: dict[int, _Match] = {}
        for element, match in self._matches(word):
            if element not in found or match.letters > found[element].letters:
                found[element] = match
        return found or dict(self._mistyped(word))

    def _matches(self, word: str) -> Iterator[tuple[int, _Match]]:
        for element in self._patterns.whole.get(word, ()):
            yield element, _Match(len(word), len(word))
        beginnings = self._patterns.beginnings
        for length in range(_SHORTEST_PREFIX, min(len(word), self._longest) + 1):
            for element in beginnings.get(word[:length], ()):
                yield element, _Match(length, length)
        yield from self._compounds(word)

    def _compounds(self, word: str) -> Iterator[tuple[int, _Match]]:
        inside = self._patterns.inside
        for start in range(2, len(word) - _INDEXED + 1):
            for stem, open_end, element in inside.get(word[start : start + _INDEXED], ()):
                fits = word.startswith(stem, start) if open_end else word[start:] == stem
                if fits and (start >= COMPOUND_LETTERS or word[:start] in self._heads):
                    yield element, _Match(len(stem), start + len(stem))

    def _mistyped(self, word: str) -> Iterator[tuple[int, _Match]]:
        for stem, length in self._typos.stems(word):
            match = _Match(len(stem), length, mistyped=True)
            for element in self._patterns.beginnings.get(stem, ()):
                yield element, match
            if length == len(word):
                for element in self._patterns.whole.get(stem, ()):
                    yield element, match


def _length(hit: Hit) -> tuple[int, int]:
    return len(hit.words), hit.match.letters


def _follow(
    start: int,
    rest: Sequence[tuple[int, int]],
    entries: Sequence[_Known],
    places: Sequence[int],
) -> tuple[int, ...] | None:
    """The words that are the other parts, each the nearest one; None where one is missing."""
    chosen: list[int] = []
    last = start
    for element, gap in rest:
        furthest = places[last] + gap + 1
        place = last + 1
        while place < len(places) and places[place] <= furthest:
            if element in entries[place].elements:
                break
            place += 1
        else:
            return None
        chosen.append(place)
        last = place
    return tuple(chosen)


def _patterns(numbers: Mapping[tuple[str, ...], int]) -> _Patterns:
    patterns = _Patterns({}, {}, {})
    for alternatives, number in numbers.items():
        for written in alternatives:
            stem, open_end = written.strip("*"), written.endswith("*")
            by_stem = patterns.beginnings if open_end else patterns.whole
            by_stem.setdefault(stem, []).append(number)
            if written.startswith("*"):
                if len(stem) < _INDEXED:
                    raise ValueError(f"{written!r} is too short for a part of a compound")
                inside = patterns.inside.setdefault(stem[:_INDEXED], [])
                inside.append((stem, open_end, number))
    return patterns

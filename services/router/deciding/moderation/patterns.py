"""Phrases with gaps and alternatives, looked for only where one of their words stands.

    ich bring* (dich|euch) ..2 um

`bring*` is any ending, `~` a usual one (`idiot~`: idioten, idiots), `(a|b)` one of several,
`(a|b)?` perhaps one, `..2` up to two words of the same sentence, `<name>` a group of the data file,
`^` and `$` where a clause begins and ends. Cost: one look-up for each distinct word of a text, and
one pass over it for each phrase whose rarest word is there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from services.router.deciding.moderation.words import Words, folded

ENDINGS = ("", "e", "em", "en", "er", "ern", "es", "n", "s", "in", "innen", "chen")
_MOST_PLACES = 4
_GAP = re.compile(r"\.\.(\d)")
_END = r"(?= (?:[.!?,;:)\n\"]|[.!?]{2,}| *$))"
_START = r"(?:^|(?<=[.!?,;:\n\"@]))"
_EDGES = {"^": _START, "$": _END}
_ANY = r"(?:[^\W_]+(?:'[^\W_]+)*)"
_AS_IT_IS = re.compile(r"[\w' ]+")
_LITERAL = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[\u2600-\u27bf\U0001f300-\U0001faff]")
_ELEMENT = re.compile(r"\([^()]*\)\??|<\w+>\??|[^\s()]+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A phrase, and the words of which one is in every text that has it: `anchors` the rarest, and
    one of each of `others`.
    """

    text: str
    kind: str
    anchors: frozenset[str]
    others: tuple[frozenset[str], ...]
    expression: str | None
    """Compiled when a text has an anchor; None where the phrase is found as it is."""

    def places(self, line: str) -> Iterator[tuple[int, int]]:
        """Where its words begin and end in a line of words."""
        if self.expression is None:
            place = line.find(f" {self.text} ")
            if place >= 0:
                yield place + 1, place + 1 + len(self.text)
            return
        for match in islice(_expression(self.expression).finditer(line), _MOST_PLACES):
            begun = match.start() + (line[match.start()] == " ")
            yield begun, match.end()


@dataclass(frozen=True, slots=True)
class Found:
    """The phrase, and its words [first, last] of the text."""

    pattern: str
    kind: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of some kinds, compiled once."""

    by_anchor: Mapping[str, Sequence[Pattern]]

    @classmethod
    def compile(cls, data: Iterable[Mapping[str, Any]], kinds: Sequence[str]) -> Phrases:
        """Of several languages. ValueError for a phrase in which no word must stand as it is."""
        by_anchor: dict[str, list[Pattern]] = defaultdict(list)
        for groups in data:
            for kind in kinds:
                for text in groups[kind]:
                    pattern = _compiled(text, kind, groups)
                    for anchor in pattern.anchors:
                        by_anchor[anchor].append(pattern)
        return cls(by_anchor)

    def find(self, words: Words) -> Iterator[Found]:
        """Each phrase, the first few times that it stands there."""
        seen: set[str] = set()
        for anchor in sorted(words.distinct & self.by_anchor.keys()):
            for pattern in self.by_anchor[anchor]:
                if pattern.text in seen:
                    continue
                seen.add(pattern.text)
                if any(words.distinct.isdisjoint(each) for each in pattern.others):
                    continue
                for start, end in pattern.places(words.line):
                    first = words.line.count(" ", 0, start) - 1
                    last = first + words.line.count(" ", start, end)
                    yield Found(pattern.text, pattern.kind, first, last)


@cache
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text)


def literal_words(texts: Iterable[str]) -> frozenset[str]:
    """Every word that stands in one of these phrases as it is."""
    return frozenset(word for text in texts for word in _LITERAL.findall(folded(text)))


def _compiled(text: str, kind: str, groups: Mapping[str, Sequence[str]]) -> Pattern:
    if _AS_IT_IS.fullmatch(text):
        plain = folded(text)
        anchor = max(plain.split(), key=len)
        others = tuple(frozenset([word]) for word in plain.split() if word != anchor)
        return Pattern(plain, kind, frozenset([anchor]), others, None)
    parts: list[str] = []
    needed: list[frozenset[str]] = []
    for element in _ELEMENT.findall(text):
        gap = _GAP.fullmatch(element)
        if gap is not None:
            parts.append(rf"(?: (?:{_ANY}|,)){{0,{gap[1]}}}?")
            continue
        if element in _EDGES:
            parts.append(_EDGES[element])
            continue
        optional = element.endswith("?") and len(element) > 1
        written = list(_alternatives(element.removesuffix("?") if optional else element, groups))
        named = sorted((_word(each) for each in written if each != "$"), key=len, reverse=True)
        one = f" (?:{'|'.join(named)})(?= )"
        if optional:
            parts.append(f"(?:{one})?")
        else:
            parts.append(f"(?:{one}|{_END})" if "$" in written else one)
        if optional or any("*" in each or each == "$" for each in written):
            continue
        longest = (max(each.split(), key=len) for each in written)
        needed.append(frozenset(form for each in longest for form in forms(each)))
    if not needed:
        raise ValueError(f"no word of {text!r} must stand as it is")
    anchors = max(needed, key=_rarity)
    others = tuple(each for each in needed if each is not anchors)
    return Pattern(text, kind, anchors, others, "".join(parts))


def _rarity(literal: frozenset[str]) -> tuple[int, int]:
    return min(len(word) for word in literal), -len(literal)


def _alternatives(element: str, groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for each in element.strip("()").split("|"):
        if each.startswith("<"):
            yield from (folded(word) for word in groups[each.strip("<>")])
        else:
            yield folded(each)


def forms(word: str) -> tuple[str, ...]:
    """With each usual ending, when it is written with ~."""
    if not word.endswith("~"):
        return (word,)
    return tuple(word[:-1] + ending for ending in ENDINGS)


def _word(written: str) -> str:
    if written.endswith("~"):
        return re.escape(written[:-1]) + f"(?:{'|'.join(ENDINGS[1:])})?"
    return re.escape(written).replace(r"\*", r"[^ ]*").replace(r"\ ", " ")

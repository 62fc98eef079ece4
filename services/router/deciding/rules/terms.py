"""Finding a policy's words in a text, fast and tolerant of how German is really typed.

A term is one or more words. `*` at the end of a word is any ending; `*` at the very start finds the
term also inside a compound, after three letters or more (`*ausfall*` finds Serverausfall). A hyphen
is a hyphen, a space or nothing. Case does not matter; ä is also found as ae, ß as ss. All terms
become two regular expressions shaped as tries, so the cost of a text hardly depends on how many
terms there are; it is linear in the length of the text. A term that could match anything or nothing
is refused where the policy file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, product

from services.router.deciding.addresses import without_addresses
from shared.text.composing import composed

# Possessive and bounded: a term never looks further than this, whatever the text is made of.
_ANY_ENDING = r"\w{0,40}+"
_COMPOUND_LETTERS = 3
_BEFORE_WORD = r"\W"
_IN_COMPOUND = rf"(?<=\w{{{_COMPOUND_LETTERS}}})"
_WORD_END = r"(?!\w)"
_GAP = r"\W{1,3}"
_HYPHEN = r"[\s\-\u2010\u2011]?"
_APOSTROPHES = "'\u2019\u00b4`"
_APOSTROPHE = r"['\u2019\u00b4`]?"
_RANK = {_HYPHEN: 1, _APOSTROPHE: 1, _GAP: 2, _WORD_END: 3, _ANY_ENDING: 4}
_SPELLINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "ä": (("ä",), ("a", "e")),
    "ö": (("ö",), ("o", "e")),
    "ü": (("ü",), ("u", "e")),
    "ß": (("ß",), ("s", "s")),
}
_MOST_SPELLINGS = 64
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase as written in the policy, what it speaks for, and how strongly."""

    text: str
    kind: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TermFinder:
    """All terms of a policy, compiled once; immutable and usable from any thread.

    The groups name the term of each group of a pattern; a term has one for each way to spell it.
    """

    words: re.Pattern[str] = field(repr=False)
    word_groups: tuple[Term, ...]
    compounds: re.Pattern[str] = field(repr=False)
    compound_groups: tuple[Term, ...]
    shortest_compound: int

    @classmethod
    def compile(cls, terms: Iterable[Term]) -> TermFinder:
        """Build the finder for terms that the policy file allows."""
        everywhere, inside = _Node(), _Node()
        lengths: list[int] = []
        for term in terms:
            for elements in _elements(term.text):
                everywhere.add(elements, term)
                if term.text.lstrip().startswith("*"):
                    inside.add(elements, term)
                    lengths.append(len(elements) - 1)
        return cls(
            *_pattern(_BEFORE_WORD, everywhere),
            *_pattern(_IN_COMPOUND, inside),
            min(lengths, default=0) + _COMPOUND_LETTERS,
        )

    def find(self, text: str) -> list[tuple[Term, int, int]]:
        """Every hit in a text from `prepare`: the term found at [start, end), the longest at each
        place, from left to right.

        Compounds are looked for in long words only, which is most of what makes this fast.
        """
        groups = self.word_groups
        hits = [
            (groups[match.lastindex - 1], match.start(), match.end() - 1)
            for match in self.words.finditer(f" {text}")
            if match.lastindex
        ]
        compounds = self._all_compounds(text) if self.compound_groups else []
        return sorted(hits + compounds, key=_place) if compounds else hits

    def _all_compounds(self, text: str) -> list[tuple[Term, int, int]]:
        """Of each distinct word where it stands first; each search goes on from the last hit."""
        shortest, search = self.shortest_compound, self.compounds.search
        words = dict.fromkeys(word for word in text.split() if len(word) >= shortest)
        hits: list[tuple[Term, int, int]] = []
        place = 0
        for word in words:
            if search(word):
                place = text.index(word, place)
                hits += self._compounds_in(word, place)
                place += len(word)
        return hits

    def _compounds_in(self, word: str, offset: int) -> list[tuple[Term, int, int]]:
        groups = self.compound_groups
        return [
            (groups[match.lastindex - 1], offset + match.start(), offset + match.end())
            for match in self.compounds.finditer(word)
            if match.lastindex
        ]


def _place(hit: tuple[Term, int, int]) -> tuple[int, int]:
    return hit[1:]


def prepare(text: str) -> str:
    """The text as the finder wants it: lower case, composed, web and mail addresses blanked."""
    return without_addresses(composed(text).lower())


@dataclass(slots=True)
class _Node:
    """A place in the trie: what may follow, and the term that ends here."""

    children: dict[str, _Node] = field(default_factory=dict)
    term: Term | None = None

    def add(self, elements: Iterable[str], term: Term) -> None:
        node = self
        for element in elements:
            node = node.children.setdefault(element, _Node())
        node.term = node.term or term


def _pattern(before: str, trie: _Node) -> tuple[re.Pattern[str], tuple[Term, ...]]:
    if not trie.children:
        return _NEVER, ()
    order: list[Term] = []
    return re.compile(before + _expression(trie, order)), tuple(order)


def _expression(node: _Node, order: list[Term]) -> str:
    """Letters before endings, so that the longest term wins; `order` names the groups."""
    children = sorted(node.children.items(), key=lambda child: _RANK.get(child[0], 0))
    branches = [element + _expression(child, order) for element, child in children]
    if node.term is not None:
        order.append(node.term)
        branches.append("()")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _elements(text: str) -> Iterator[tuple[str, ...]]:
    """The term as steps of an expression, once for each way to spell it."""
    words = composed(text).lower().split()
    words[:1] = [word.removeprefix("*") for word in words[:1]]
    steps: list[tuple[tuple[str, ...], ...]] = []
    for place, word in enumerate(words):
        steps += [((_GAP,),)] if place else []
        steps += [_step(letter) for letter in word.removesuffix("*")]
        steps += [((_ANY_ENDING,),)] if word.endswith("*") else []
    if not words[-1].endswith("*"):
        steps.append(((_WORD_END,),))
    for way in islice(product(*steps), _MOST_SPELLINGS):
        yield tuple(chain.from_iterable(way))


def _step(letter: str) -> tuple[tuple[str, ...], ...]:
    """The ways to write one letter, each as one or more elements."""
    if letter in _SPELLINGS:
        return _SPELLINGS[letter]
    if letter == "-":
        return ((_HYPHEN,),)
    if letter in _APOSTROPHES:
        return ((_APOSTROPHE,),)
    return ((re.escape(letter),),)

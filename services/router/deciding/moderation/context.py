"""Why an insult is none: it is quoted or reported, of oneself, of a thing, denied or compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.router.deciding.moderation.words import QUOTATION_MARKS, Words, folded

_QUOTES = frozenset(QUOTATION_MARKS)
_LONGEST_QUOTATION = 80
_BEFORE, _AFTER, _NEAR = 9, 5, 5
_CLAUSE_ENDS = frozenset(",;:()\n")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The words of a language that tell whom an insult means."""

    reporting: frozenset[str]
    you: frozenset[str]
    me: frozenset[str]
    me_subject: frozenset[str]
    copula: frozenset[str]
    denying: frozenset[str]
    like: frozenset[str]
    simile: frozenset[str]
    of: frozenset[str]
    things: frozenset[str]
    exclamations: frozenset[str]

    @classmethod
    def of_data(cls, data: Mapping[str, Sequence[str]]) -> Circumstances:
        def read(key: str) -> frozenset[str]:
            return frozenset(folded(word) for word in data[key])

        return cls(
            read("reporting"),
            read("you_surely"),
            read("me"),
            read("me_subject"),
            read("copula"),
            read("not"),
            read("like"),
            read("simile"),
            read("of"),
            read("things"),
            read("exclamations"),
        )

    def reported(self, words: Words, first: int, last: int) -> bool:
        """Whether somebody else is told to have said it."""
        listed = words.listed
        before = _sentence_before(listed, first, _BEFORE)
        after = _sentence_after(listed, last, _AFTER)
        addressed = not self.you.isdisjoint(listed[max(0, first - 2) : first + 1])
        for place, word in enumerate(before):
            if word not in self.reporting or self._said_by_me(before, place):
                continue
            between = before[place + 1 :]
            if not addressed or ":" in between or len(between) <= 2:
                return True
        return not addressed and any(
            word in self.reporting and not self._said_by_me(after, place)
            for place, word in enumerate(after)
        )

    def spared(self, words: Words, place: int) -> bool:
        """Whether this noun says nothing against anybody else."""
        listed = words.listed
        before = _clause_before(listed, place, _NEAR)
        after = _sentence_after(listed, place, _AFTER - 1)
        if not self.denying.isdisjoint(before[-2:]):
            return True
        if " ".join([*before[-3:], listed[place]]) in self.exclamations:
            return True
        return self._of_oneself(before, after) or self._of_a_thing(before, after)

    def _of_oneself(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """ "I'm an idiot", "treated like an idiot", "an idiot like me"."""
        if not self.me_subject.isdisjoint(before[-1:]):
            return True
        to_you = not self.you.isdisjoint(before)
        of_me = not self.me.isdisjoint(before)
        compared = self.copula | self.like
        if of_me and not compared.isdisjoint(before):
            return not to_you or _last(before, self.me) > _last(before, self.you)
        if not self.simile.isdisjoint(before[-4:]) and (of_me or not to_you):
            return self.you.isdisjoint(before[-1:])
        return not (self.me_subject.isdisjoint(after[:3]) or compared.isdisjoint(after[:3]))

    def _of_a_thing(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """ "This printer is a bastard", "a bastard of a printer"."""
        if self.you.isdisjoint(before) and not self.things.isdisjoint(before):
            return True
        return not (self.of.isdisjoint(after[:1]) or self.things.isdisjoint(after))

    def denied(self, inside: Sequence[str]) -> bool:
        """Whether the words between "you" and the insult take it back or turn it on oneself."""
        return not (self.denying | self.me).isdisjoint(inside)

    def _said_by_me(self, around: Sequence[str], place: int) -> bool:
        return not self.me_subject.isdisjoint(around[max(0, place - 3) : place + 2])


def _last(listed: Sequence[str], among: frozenset[str]) -> int:
    return max((place for place, word in enumerate(listed) if word in among), default=-1)


def quoted(words: Words) -> list[tuple[int, int]]:
    """The words [first, last] between quotation marks, and lines that begin with >."""
    found: list[tuple[int, int]] = []
    opened: int | None = None
    line_quoted: int | None = None
    for place, word in enumerate(words.listed):
        if word in _QUOTES:
            if opened is None or place - opened > _LONGEST_QUOTATION:
                opened = place
            else:
                found.append((opened, place))
                opened = None
        elif word == ">" and (place == 0 or words.listed[place - 1] == "\n"):
            line_quoted = place
        elif word == "\n" and line_quoted is not None:
            found.append((line_quoted, place))
            line_quoted = None
    if line_quoted is not None:
        found.append((line_quoted, len(words.listed)))
    return found


def _sentence_before(listed: Sequence[str], place: int, most: int) -> list[str]:
    before = list(listed[max(0, place - most) : place])
    for back in range(len(before) - 1, -1, -1):
        if before[back][0] in ".!?":
            return before[back + 1 :]
    return before


def _clause_before(listed: Sequence[str], place: int, most: int) -> list[str]:
    before = _sentence_before(listed, place, most)
    for back in range(len(before) - 1, -1, -1):
        if before[back] in _CLAUSE_ENDS:
            return before[back + 1 :]
    return before


def _sentence_after(listed: Sequence[str], place: int, most: int) -> list[str]:
    after = list(listed[place + 1 : place + 1 + most])
    for forward, word in enumerate(after):
        if word and word[0] in ".!?\n":
            return after[:forward]
    return after

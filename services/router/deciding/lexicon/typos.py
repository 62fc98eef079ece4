"""One typing error in a long word: a letter too many, too few, another, or two exchanged.

The words with one letter left out are looked up beforehand (a deletion neighbourhood), so a word
of the text costs a look-up per letter, however many terms there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SHORTEST = 8
"""Letters of a word from which on a typing error is looked for."""


class Typos:
    """The long words of the lexicon, each with its neighbourhood; immutable once built."""

    def __init__(self, stems: Iterable[str], *, ordinary: Iterable[str] = ()) -> None:
        """`ordinary`: beginnings of words that are near to a stem and mean something else."""
        self._ordinary = frozenset(ordinary)
        self._stems = frozenset(stem for stem in stems if len(stem) >= SHORTEST)
        self._longest = max((len(stem) for stem in self._stems), default=0)
        near: dict[str, list[str]] = {}
        for stem in sorted(self._stems):
            for shorter in set(_shorter(stem)):
                near.setdefault(shorter, []).append(stem)
        self._near = near

    def stems(self, word: str) -> Iterator[tuple[str, int]]:
        """The stems with which the word begins but for one error, each with how many letters of
        the word it takes. The first letter is right: nearly nobody errs there.
        """
        if len(word) < SHORTEST - 1 or any(word.startswith(each) for each in self._ordinary):
            return
        seen: set[str] = set()
        for length in range(SHORTEST - 1, min(len(word), self._longest + 1) + 1):
            beginning = word[:length]
            for stem in self._candidates(beginning):
                if stem not in seen and one_error(beginning, stem):
                    seen.add(stem)
                    yield stem, length

    def _candidates(self, beginning: str) -> Iterator[str]:
        yield from self._near.get(beginning, ())
        for shorter in _shorter(beginning):
            if shorter in self._stems:
                yield shorter
            yield from self._near.get(shorter, ())


def one_error(word: str, right: str) -> bool:
    """Whether exactly one letter was added, left out or changed, or two neighbours exchanged."""
    if word == right or word[:1] != right[:1] or abs(len(word) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(word), len(right)) and word[start] == right[start]:
        start += 1
    rest, right_rest = word[start:], right[start:]
    if len(word) == len(right):
        exchanged = rest[:2] == right_rest[1::-1] and rest[2:] == right_rest[2:]
        return exchanged or rest[1:] == right_rest[1:]
    return rest[1:] == right_rest if len(word) > len(right) else rest == right_rest[1:]


def _shorter(word: str) -> Iterator[str]:
    """The word with one of its letters left out, the first excepted."""
    for place in range(1, len(word)):
        yield word[:place] + word[place + 1 :]

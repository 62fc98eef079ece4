"""The most telling parts of a question, as a few numbers by which similar ones are found.

Every word gives its stem and some four characters of it, so that inflections, compounds and single
typing errors still meet. Of the stored question only the most telling are kept, and of the one that
is looked up the rarest are asked for first: both are bounded, however long a text is and however
many questions are stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from zlib import crc32

import numpy as np

from services.router.similar.domain.features import gram_bucket
from services.router.similar.domain.statistics import Statistics
from services.router.similar.domain.words import plain, stem

MOST_STORED = 48
MOST_ASKED = 64
_MOST_WORDS = 14
_GRAM = 4
_SHORTEST = 3
"""Characters of a word that counts here, unless it has a digit."""
_DIGITS_WEIGH = 0.6
"""A number is most often the customer's own."""


@dataclass(frozen=True, slots=True)
class Key:
    """A 32-bit number that questions share, and how much it tells."""

    number: int
    weight: float


def stored_keys(question: str, statistics: Statistics) -> list[int]:
    """By which the question will be found, sorted; none for one without words."""
    found: dict[int, float] = {}
    for name, weight in _telling(question, statistics)[:_MOST_WORDS]:
        for number, key_weight in _keys_of(name, weight, statistics, _some_grams(name)):
            found[number] = max(found.get(number, 0.0), key_weight)
    most = sorted(found, key=lambda number: (-found[number], number))[:MOST_STORED]
    return sorted(most)


def asked_keys(question: str, statistics: Statistics) -> list[Key]:
    """What to look for, the most telling first."""
    found: dict[int, float] = {}
    for name, weight in _telling(question, statistics):
        for number, key_weight in _keys_of(name, weight, statistics, _all_grams(name)):
            found[number] = max(found.get(number, 0.0), key_weight)
    order = sorted(found, key=lambda number: (-found[number], number))[:MOST_ASKED]
    return [Key(number, found[number]) for number in order]


def _telling(question: str, statistics: Statistics) -> list[tuple[str, float]]:
    """The stems of the question with their weights, the most telling first."""
    words = [word for word in plain(question).split() if _counts(word)]
    times = Counter(stem(word) for word in words)
    weighed = {
        name: (1 + log(count)) * statistics.of_stem(name) * _DIGITS_WEIGH ** _has_digit(name)
        for name, count in times.items()
    }
    return sorted(weighed.items(), key=lambda each: (-each[1], -len(each[0]), each[0]))


def _keys_of(
    name: str, weight: float, statistics: Statistics, grams: set[str]
) -> Iterator[tuple[int, float]]:
    yield _number("s", name), weight
    if grams:
        ordered = sorted(grams)
        rare = statistics.idf(np.array([gram_bucket(gram) for gram in ordered]))
        for gram, idf in zip(ordered, rare, strict=True):
            # A part tells less than the whole, and never more than the word that it is of.
            yield _number("g", gram), min(weight, float(idf)) / 2


def _some_grams(name: str) -> set[str]:
    if len(name) <= _GRAM or _has_digit(name):
        return {name} if len(name) == _GRAM else set()
    middle = (len(name) - _GRAM) // 2
    inner = {name[middle : middle + _GRAM]} if len(name) >= 2 * _GRAM else set()
    return {name[:_GRAM], name[-_GRAM:]} | inner


def _all_grams(name: str) -> set[str]:
    if _has_digit(name):
        return set()
    return {name[at : at + _GRAM] for at in range(len(name) - _GRAM + 1)}


def _counts(word: str) -> bool:
    return len(word) >= _SHORTEST or _has_digit(word)


def _has_digit(word: str) -> bool:
    return any(each.isdecimal() for each in word)


def _number(kind: str, part: str) -> int:
    """As a signed 32-bit number, as both databases keep it."""
    hashed = crc32(f"{kind}{part}".encode())
    return hashed - (1 << 32) if hashed >= 1 << 31 else hashed

"""The most telling parts of a question, as a few numbers by which similar ones are found.

Every word gives its stem and some four characters of it, so that inflections, compounds and single
typing errors still meet, and the most telling words give each pair of them: of two words that many
questions have, few have both. Of the stored question only the most telling are kept, and of the one
that is looked up the rarest are asked for: both are bounded, however long a text is and however
many questions are stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log
from zlib import crc32

import numpy as np

from services.router.similar.domain.features import gram_bucket
from services.router.similar.domain.statistics import Statistics
from services.router.similar.domain.words import plain, stem

MOST_STORED = 48
MOST_ASKED = 96
_WORDS_STORED, _WORDS_ASKED = 12, 24
_PAIRED_STORED, _PAIRED_ASKED = 7, 11
"""Words of which each pair is a key."""
_GRAM = 4
_SHORTEST = 3
"""Characters of a word that counts here, unless it has a digit."""
_DIGITS_WEIGH = 0.6
"""A number is most often the customer's own."""

Weighed = dict[int, float]
Telling = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Key:
    """A 32-bit number that questions share, and how much it tells."""

    number: int
    weight: float


def stored_keys(question: str, statistics: Statistics) -> list[int]:
    """By which the question will be found, sorted; none for one without words."""
    telling = _telling(question, statistics)[:_WORDS_STORED]
    found = _words(telling) | _pairs(telling[:_PAIRED_STORED])
    grams = _grams(telling, statistics, _some_grams)
    for number in _heaviest(grams):
        if len(found) == MOST_STORED:
            break
        found.setdefault(number, 0.0)
    return sorted(found)


def asked_keys(question: str, statistics: Statistics) -> list[Key]:
    """What to look for, the most telling first."""
    telling = _telling(question, statistics)[:_WORDS_ASKED]
    grams = _grams(telling, statistics, _all_grams)
    found = grams | _words(telling) | _pairs(telling[:_PAIRED_ASKED])
    return [Key(number, found[number]) for number in _heaviest(found)[:MOST_ASKED]]


def _telling(question: str, statistics: Statistics) -> Telling:
    """The stems of the question with their weights, the most telling first."""
    words = [word for word in plain(question).split() if _counts(word)]
    times = Counter(stem(word) for word in words)
    weighed = {
        name: (1 + log(count)) * statistics.of_stem(name) * _DIGITS_WEIGH ** _has_digit(name)
        for name, count in times.items()
    }
    return sorted(weighed.items(), key=lambda each: (-each[1], -len(each[0]), each[0]))


def _words(telling: Telling) -> Weighed:
    return {_number("s", name): weight for name, weight in telling}


def _pairs(telling: Telling) -> Weighed:
    return {
        _number("p", " ".join(sorted((one, other)))): weight + other_weight
        for (one, weight), (other, other_weight) in combinations(telling, 2)
    }


def _grams(
    telling: Telling, statistics: Statistics, grams_of: Callable[[str], set[str]]
) -> Weighed:
    """A part tells less than the whole, and never more than the word that it is of."""
    found: Weighed = {}
    for name, weight in telling:
        if grams := sorted(grams_of(name)):
            idf = statistics.idf(np.array([gram_bucket(gram) for gram in grams])).tolist()
            for gram, rare in zip(grams, idf, strict=True):
                number = _number("g", gram)
                found[number] = max(found.get(number, 0.0), min(weight, rare) / 2)
    return found


def _heaviest(weighed: Weighed) -> list[int]:
    return sorted(weighed, key=lambda number: (-weighed[number], number))


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

"""What a text looks like to the model: hashed pieces of its words, no vocabulary.

Each word, each two words in a row, and each piece of 2 to 5 characters of a word is hashed into one
of `SPACE` numbers, so a model holds numbers alone and none of what customers wrote. The pieces make
typos, inflections and compounds alike. The subject counts twice, and its words once more as words
of a subject.

All hashes come from one running polynomial over the code points (Rabin and Karp): the hash of any
piece is a difference of two entries, so the work is linear and is done by numpy at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.text.composing import composed

FEATURE_SPACE = "chars2-5+words1-2/1"
"""The name of this way to hash. Another way needs another name: a model fits one of them only."""
BITS = 18
SPACE = 1 << BITS
MOST_CHARACTERS = 6_000
"""More of a text than its beginning and its end says little else, and must cost nothing."""

_PIECES = (2, 3, 4, 5)
_LONGEST_WORD = 40
_TOKEN = re.compile(r"\w[\w\u0300-\u036f]*|[?!\u2190-\u2bff\U0001f000-\U0001faff]")
_DIGIT = re.compile(r"\d")
_SUBJECT_TWICE = 2

_BASE = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_BASE, -1, 1 << 64)
_POWERS_AT_ONCE = 4 * MOST_CHARACTERS
_WORD_BITS = 32
"""More than a number of a word needs; with `BITS` of a feature it is one number of 64."""
_WORD, _PAIR, _SUBJECT = 101, 102, 103

U64 = NDArray[np.uint64]
Floats = NDArray[np.float32]
Ints = NDArray[np.signedinteger[Any]]
Span = tuple[int, int]


def _powers(base: int) -> U64:
    found = np.full(_POWERS_AT_ONCE, base, dtype=np.uint64)
    found[0] = 1
    return np.multiply.accumulate(found)


_POWER = _powers(_BASE)
_INVERSE_POWER = _powers(_INVERSE)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)
_DOWN = np.uint64(64 - BITS)
_ALL = (1 << 64) - 1
_SPACE_POINT = ord(" ")


@dataclass(frozen=True, slots=True)
class Features:
    """The pieces of one text of so many `words` (the subject's twice).

    `index` are the distinct features, rising, `times` how many pieces each has, and `count` how
    much it is there: 1 for once, and by a logarithm more for more often. `word` are the numbers of
    the words to which the pieces belong, in the order of their features.
    """

    index: Ints
    count: Floats
    times: Ints
    word: Ints
    words: int


def features(text: str, subject: str | None = None) -> Features:
    """Never fails, whatever the text is."""
    head = _TOKEN.findall(subject[:MOST_CHARACTERS]) if subject else []
    words = [*head * _SUBJECT_TWICE]
    for part, _ in _parts(text):
        words += _TOKEN.findall(part)
    if not words:
        nothing = np.zeros(0, dtype=np.int64)
        return Features(nothing, np.zeros(0, dtype=np.float32), nothing, nothing, 0)
    return _counted(*_hashed(_alike(words), len(head)), len(words))


def _counted(where: Ints, word: Ints, words: int) -> Features:
    """Of the feature of each piece, and the number of its word."""
    # Sorting both in one number is faster than sorting places.
    both = np.sort((where << _WORD_BITS) | word)
    rising = both >> _WORD_BITS
    ends = np.append(np.flatnonzero(rising[1:] != rising[:-1]) + 1, len(both))
    times = ends.copy()
    times[1:] -= ends[:-1]
    count = (1 + np.log(times)).astype(np.float32)
    return Features(rising[ends - 1], count, times, both & ((1 << _WORD_BITS) - 1), words)


def places(text: str, subject: str | None = None) -> tuple[list[Span], int]:
    """Where the words stand, as `features` numbers them; so many first are words of the subject,
    in which their places are.
    """
    head = _spans(subject[:MOST_CHARACTERS], 0) if subject else []
    found = head * _SUBJECT_TWICE
    for part, offset in _parts(text):
        found += _spans(part, offset)
    return found, len(head) * _SUBJECT_TWICE


def _spans(text: str, offset: int) -> list[Span]:
    if not offset:
        return [match.span() for match in _TOKEN.finditer(text)]
    return [(match.start() + offset, match.end() + offset) for match in _TOKEN.finditer(text)]


def _parts(text: str) -> list[tuple[str, int]]:
    """The whole text, or of a long one its beginning and its end."""
    if len(text) <= MOST_CHARACTERS:
        return [(text, 0)]
    half = MOST_CHARACTERS // 2
    return [(text[:half], 0), (text[-half:], len(text) - half)]


def _alike(words: list[str]) -> str:
    """The words between spaces, in one case and spelling, every digit the same."""
    if max(map(len, words)) > _LONGEST_WORD:
        words = [word[:_LONGEST_WORD] for word in words]
    joined = composed(" ".join(["", *words, ""]).casefold())
    return joined if _DIGIT.search(joined) is None else _DIGIT.sub("0", joined)


def _hashed(joined: str, subject: int) -> tuple[Ints, Ints]:
    """The feature of each piece, and the number of its word; the first words are the subject's."""
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    points = points[: _POWERS_AT_ONCE - 1]
    spaces = np.cumsum(points == _SPACE_POINT)
    sums = np.zeros(len(points) + 1, dtype=np.uint64)
    np.cumsum(points.astype(np.uint64) * _POWER[: len(points)], out=sums[1:])

    hashes, owners = [], []
    for size in _PIECES:
        count = max(len(points) - size + 1, 0)
        # Inside a word: no space between the first character and the last.
        inside = spaces[size - 2 : size - 2 + count] == spaces[:count]
        every = (sums[size : size + count] - sums[:count]) * _INVERSE_POWER[:count]
        hashes.append(_salted(every[inside], size))
        owners.append(spaces[:count][inside])
    edges = (points == _SPACE_POINT).nonzero()[0]
    starts = edges[:-1] + 1
    whole = _piece(sums, starts, edges[1:])
    numbers = np.arange(1, len(starts) + 1)
    hashes += [
        _salted(whole, _WORD),
        _salted(whole[:-1] * _MIX + whole[1:], _PAIR),
        _salted(whole[:subject], _SUBJECT),
    ]
    owners += [numbers, numbers[:-1], numbers[:subject]]
    return _spread(np.concatenate(hashes)), np.concatenate(owners) - 1


def _piece(sums: U64, starts: Ints, ends: Ints) -> U64:
    """The hash of each piece from start to end, wherever it stands."""
    return (sums[ends] - sums[starts]) * _INVERSE_POWER[starts]


def _salted(hashes: U64, salt: int) -> U64:
    """Apart for each kind of piece."""
    return hashes + np.uint64(salt * _BASE & _ALL)


def _spread(hashes: U64) -> Ints:
    """Over the space of features."""
    spread = hashes * _MIX
    spread ^= spread >> _SHIFT
    spread *= np.uint64(_BASE)
    spread >>= _DOWN
    return spread.astype(np.int64)

"""Texts as hashed features: character n-grams within words, and stems. Many texts in one go.

The hashes are part of what is stored (`statistics`, `signature`): who changes them, raises FORMAT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.router.similar.domain.words import stems

FORMAT = 1
"""Of what is stored of a question; another one needs `inbound-desk router reindex`."""
GRAM_BUCKETS = 1 << 20
STEM_BUCKETS = 1 << 18
BUCKETS = GRAM_BUCKETS + STEM_BUCKETS
SHORTEST_GRAM, LONGEST_GRAM = 3, 5

_SPACE = 32
_64_BITS = (1 << 64) - 1
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each feature is in each text: three columns, by text, then by feature."""

    text: Ints
    feature: Ints
    times: Ints


def grams_of(plain_texts: Sequence[str]) -> Counts:
    """Every 3 to 5 characters of a word, its edges included, of texts as `plain` writes them."""
    whole = "".join(plain_texts)
    codes = np.frombuffer(whole.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    lengths = [len(text) for text in plain_texts]
    of_text = np.repeat(np.arange(len(plain_texts), dtype=np.int64), lengths)
    space = codes == _SPACE
    found = [np.empty(0, dtype=np.int64)]
    hashed = codes.copy()
    inside = np.ones(len(codes), dtype=np.bool_)
    for size in range(2, LONGEST_GRAM + 1):
        end = size - 1
        if len(codes) < size:
            break
        hashed = hashed[: len(codes) - end] * _PRIME + codes[end:]
        if size > 2:
            # What was the last character of the shorter one is inside now.
            inside = inside[: len(hashed)] & ~space[end - 1 : end - 1 + len(hashed)]
        if size >= SHORTEST_GRAM:
            bucket = _bucket(hashed, size)[inside]
            found.append(of_text[: len(hashed)][inside] * BUCKETS + bucket)
    return _counted(np.concatenate(found))


def stems_of(plain_texts: Sequence[str]) -> Counts:
    found = [
        number * BUCKETS + stem_bucket(name)
        for number, text in enumerate(plain_texts)
        for name in stems(text)
    ]
    return _counted(np.array(found, dtype=np.int64))


def stem_bucket(name: str) -> int:
    return GRAM_BUCKETS + crc32(name.encode()) % STEM_BUCKETS


def gram_bucket(gram: str) -> int:
    """Of one n-gram, as `grams_of` counts it."""
    hashed = 0
    for each in gram:
        hashed = (hashed * int(_PRIME) + ord(each)) & _64_BITS
    mixed = ((hashed ^ len(gram)) * int(_MIX)) & _64_BITS
    return (mixed >> 40) % GRAM_BUCKETS


def _bucket(hashed: Any, size: int) -> Ints:
    mixed = (hashed ^ np.uint64(size)) * _MIX
    found: Ints = ((mixed >> np.uint64(40)) % np.uint64(GRAM_BUCKETS)).astype(np.int64)
    return found


def _counted(keys: Ints) -> Counts:
    unique, times = np.unique(keys, return_counts=True)
    return Counts(unique // BUCKETS, unique % BUCKETS, times.astype(np.int64))

"""From what a customer wrote to words and stems, of bounded length, in linear time.

The same for German and English, because nobody says in which language an inquiry is: what is left
of a word without its ending is compared, whichever language it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

QUESTION_LIMIT = 1_000
"""Characters of a question that are compared; what comes later says little more."""
EXCERPT_LIMIT = 300
LONGEST_WORD = 30
LONGEST_NUMBER = 5
"""Digits; a longer number is the customer's own: an order, a telephone."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "\u2019": "", "'": ""})
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_ENDINGS = (
    "ungen", "ings", "ung", "ing", "edly", "ern", "ies", "en", "em", "er", "es", "ed", "ly", "e",
    "n", "s", "t", "y",
)  # fmt: skip
_SHORTEST_STEM = 4


def question_of(subject: str | None, texts: Sequence[str]) -> str:
    """What is compared of an inquiry: the subject and the newest messages (`texts` in their order),
    as long as they fit.
    """
    left = QUESTION_LIMIT
    kept: list[str] = []
    beginning = (subject or "").strip()[: QUESTION_LIMIT // 4]
    left -= len(beginning)
    for text in reversed(texts):
        if left <= 0:
            break
        kept.append(text[: 4 * QUESTION_LIMIT].strip()[:left])
        left -= len(kept[-1])
    return "\n".join(each for each in (beginning, *reversed(kept)) if each)


def plain(text: str) -> str:
    """Lower case, umlauts written out, without accents, addresses, long numbers and punctuation:
    words between single spaces, one before the first and after the last; empty without any.
    """
    parts = [part for part in text[:QUESTION_LIMIT].split() if "@" not in part and "/" not in part]
    folded = unicodedata.normalize("NFC", " ".join(parts)).casefold().translate(_UMLAUTS)
    bare = folded if folded.isascii() else _without_accents(folded)
    words = [word[:LONGEST_WORD] for word in _BETWEEN_WORDS.split(bare) if _says_something(word)]
    return f" {' '.join(words)} " if words else ""


def _without_accents(text: str) -> str:
    # Some characters stand for many (U+FDFA for 18).
    parts = unicodedata.normalize("NFKD", text)[: 2 * QUESTION_LIMIT]
    return "".join(each for each in parts if not unicodedata.combining(each))


def _says_something(word: str) -> bool:
    return bool(word) and not (word.isdecimal() and len(word) > LONGEST_NUMBER)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """What is left of a word (as `plain` writes it) without a usual ending."""
    if len(word) > 6 and word.startswith("ge"):  # a participle: geloescht, loeschen
        word = word[2:]
    for ending in _ENDINGS:
        if len(word) - len(ending) >= _SHORTEST_STEM and word.endswith(ending):
            return word[: -len(ending)]
    return word


def stems(plain_text: str) -> list[str]:
    """In their order, as often as they are there."""
    return [stem(word) for word in plain_text.split()]


def written(question: str) -> dict[str, str]:
    """The stems of a question, each with the first word of it, as the customer wrote that."""
    found: dict[str, str] = {}
    for word in _BETWEEN_WORDS.split(question[:QUESTION_LIMIT]):
        for part in plain(word).split():
            found.setdefault(stem(part), word)
    return found

"""From what a customer wrote to words and stems, of bounded length, in linear time.

The same for German and English, because nobody says in which language an inquiry is: what is left
of a word without its ending is compared, whichever language it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

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
    bare = "".join(each for each in _decomposed(folded) if not unicodedata.combining(each))
    words = [word[:LONGEST_WORD] for word in _BETWEEN_WORDS.split(bare) if _says_something(word)]
    return f" {' '.join(words)} " if words else ""


def _decomposed(text: str) -> str:
    # Some characters stand for many (U+FDFA for 18).
    return unicodedata.normalize("NFKD", text)[: 2 * QUESTION_LIMIT]


def _says_something(word: str) -> bool:
    return bool(word) and not (word.isdecimal() and len(word) > LONGEST_NUMBER)


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


def common_words(question: str, other: str, weigh: Iterable[tuple[str, float]]) -> list[str]:
    """Words of `question` that `other` has too, in any inflection, the most telling first.

    `weigh` gives the stems of `question` with their weights.
    """
    there = set(stems(plain(other)))
    written: dict[str, str] = {}
    for word in plain(question).split():
        written.setdefault(stem(word), word)
    order = sorted(weigh, key=lambda each: (-each[1], each[0]))
    return [written[name] for name, _ in order if name in there and name in written]

"""In which language a text is, when it surely is neither German nor English.

By the script where that says it, else by the smallest words of a language, which hardly any
sentence does without. Short texts and mixed ones are rather nobody's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache

from services.router.deciding.data import read_data
from shared.text.composing import composed

_READ = 5_000
"""More letters would not change the answer."""
_FEWEST_LETTERS = 4
_FEWEST_WORDS = 3
_FEWEST_LONGER = 2
_ENOUGH_AT_HOME = 5
_SMALLEST_SHARE = 0.2
_WORD = re.compile(r"(?<![\w:=/])[^\W\d_]+(?:['’][^\W\d_]+)*(?![\d:=/])")  # noqa: RUF001
_NO_WORDS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+")
_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("ja", "\u3040-\u30ff"),
    ("ko", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"),
    ("zh", "\u3400-\u4dbf\u4e00-\u9fff"),
    ("cyrillic", "\u0400-\u052f"),
    ("arabic", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc"),
    ("he", "\u0590-\u05ff"),
    ("el", "\u0370-\u03ff\u1f00-\u1fff"),
    ("th", "\u0e00-\u0e7f"),
    ("hi", "\u0900-\u097f"),
    ("bn", "\u0980-\u09ff"),
    ("ta", "\u0b80-\u0bff"),
    ("ka", "\u10a0-\u10ff"),
    ("hy", "\u0530-\u058f"),
    ("am", "\u1200-\u137f"),
)
_OF_SCRIPT = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS}
_OTHER_LETTERS = re.compile(r"[\u0370-\u1fff\u3040-\ud7a3\ufb50-\ufefc]")
_CYRILLIC: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("uk", re.compile("[іїєґ]")),
    ("be", re.compile("ў")),
    ("sr", re.compile("[ђјљњћџ]")),
    ("ru", re.compile("[ыэё]")),
    ("bg", re.compile(r"\b(?:съм|ще|вие|какво|това|благодаря|защо|моля|имам|няма|където)\b")),
)  # fmt: skip


def foreign(text: str) -> str | None:
    """ISO 639-1 of the language, or None where the text may be German or English."""
    letters = composed(text[:_READ]).lower()
    if _surely_at_home(letters):
        return None
    letters = _NO_WORDS.sub(" ", letters)
    if _OTHER_LETTERS.search(letters) and (name := _by_script(letters)) is not None:
        return name
    words = Counter(_WORD.findall(letters.replace("’", "'")))  # noqa: RUF001
    if len(words) < _FEWEST_WORDS:
        return None
    return _by_words(words, frozenset(letters))


def _surely_at_home(letters: str) -> bool:
    """What most texts are, seen at a glance."""
    words = set(letters.split())
    at_home = len(words & _at_home())
    return at_home >= _ENOUGH_AT_HOME and at_home > len(words & _elsewhere())


def _by_script(letters: str) -> str | None:
    counts = {name: len(pattern.findall(letters)) for name, pattern in _OF_SCRIPT.items()}
    latin = len(re.findall(r"[a-zà-ɏ]", letters))
    others = sum(counts.values())
    if others < _FEWEST_LETTERS or others < latin:
        return None
    name = max(counts, key=lambda each: counts[each])
    if counts["ja"] * 8 >= others:
        return "ja"
    if name == "cyrillic":
        return next((language for language, sign in _CYRILLIC if sign.search(letters)), "ru")
    if name == "arabic":
        return "fa" if re.search("[پچژگ]", letters) else "ar"
    return name


def _by_words(words: Counter[str], letters: AbstractSet[str]) -> str | None:
    known, own_letters = _languages()
    votes: Counter[str] = Counter()
    longer: Counter[str] = Counter()
    for word, count in words.items():
        for language in known.get(word, ()):
            votes[language] += min(count, 2)
            longer[language] += len(word) > 1
    at_home = max(votes["de"], votes["en"])
    others = {name: votes[name] for name in votes if name not in ("de", "en")}
    for name, signs in own_letters.items():
        if not signs.isdisjoint(letters):
            others[name] = others.get(name, 0) + 1
    if not others:
        return None
    # Of equal ones the first by name, so that the answer is always the same.
    name, most = max(sorted(others.items()), key=lambda each: each[1])
    share = most / sum(words.values())
    sure = most >= max(_FEWEST_WORDS, 2 * at_home) and share >= _SMALLEST_SHARE
    return name if sure and longer[name] >= _FEWEST_LONGER else None


@cache
def _at_home() -> frozenset[str]:
    known, _ = _languages()
    return frozenset(word for word, of in known.items() if "de" in of or "en" in of)


@cache
def _elsewhere() -> frozenset[str]:
    known, _ = _languages()
    return frozenset(word for word, of in known.items() if not {"de", "en"}.issuperset(of))


@cache
def _languages() -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, frozenset[str]]]:
    data = read_data("services.router.deciding", "languages.toml")
    known: dict[str, tuple[str, ...]] = {}
    for language, words in data["words"].items():
        for word in dict.fromkeys(words):
            known[word] = (*known.get(word, ()), language)
    return known, {name: frozenset(signs) for name, signs in data["letters"].items()}

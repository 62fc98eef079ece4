"""Words that are spelled so that no list finds them: f*ck, sh1t, i d i o t, idioooot.

A masked word is replaced by the word it stands for, where the vocabulary has it, and everything
else stays as it is. The text keeps its length, so that places agree: a word that is shorter than
its mask is filled up with spaces, and `ends` says where the mask ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_LETTERS = "a-zäöüß"
_SEPARATED = re.compile(
    rf"(?<![\w.*\-])[{_LETTERS}0-9@$](?:([ .\-_*+/])[{_LETTERS}0-9@$](?!\w))"
    rf"(?:\1[{_LETTERS}0-9@$](?!\w)){{2,22}}+"
)
_MASKED = re.compile(
    rf"(?<![\w*#@$])(?=[{_LETTERS}]{{0,24}}+[*#@$!|€0-9])"
    rf"[{_LETTERS}0-9*#@$!|€]{{2,23}}[{_LETTERS}0-9*#@$€](?![\w*#@$€])"
)
_REPEATED = re.compile(
    rf"(?<!\w)[{_LETTERS}]{{0,20}}([{_LETTERS}])\1{{2}}[{_LETTERS}]{{0,30}}(?!\w)"
)
# What is in every text with such a mask, and found at a glance: a search goes at once to where the
# set stands with which it begins.
_MAYBE_SEPARATED = re.compile(rf"[ .\-_*+/][{_LETTERS}0-9@$](?:[ .\-_*+/][{_LETTERS}0-9@$]){{2}}")
_MAYBE_MASKED = re.compile("[*#@$!|€0-9]")
_MAYBE_REPEATED = re.compile(r"(.)\1\1")
SPELLINGS = (
    (_MAYBE_SEPARATED, _SEPARATED),
    (_MAYBE_MASKED, _MASKED),
    (_MAYBE_REPEATED, _REPEATED),
)
"""What is found at a glance, and the spellings that it may belong to."""
_SIGN = re.compile("[*#@$|€0-9]")
_EXCLAIMED = re.compile(r"!(?<=[^\W_]!)[^\W_]")
_SINGLE = re.compile(
    r"[ .\-_*+/][^\W_][ .\-_*+/][^\W_](?:(?<=[ .\-_*+/][^\W_].{4})|(?<=^[^\W_].{4}))"
)
_THREE_TIMES = re.compile(rf"([{_LETTERS}])\1\1")
_LINE_BREAK = "\n"
_STARS = re.compile(r"[*#]+")
_RUN = re.compile(r"(.)\1{2,}")
_LEET = (
    str.maketrans("013457@$€!|", "oieastaseil"),
    str.maketrans("013457@$€!|", "oleastaseli"),
)
_HIDDEN = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LOOKALIKES = str.maketrans("аеорсухіѕ", "aeopcyxis")  # noqa: RUF001 - Cyrillic, that is the point
_HALF_CYRILLIC = re.compile(r"[a-z][аеорсухіѕ]|[аеорсухіѕ][a-z]")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Unmasked:
    """The text with its masked words spelled out; `ends` by where such a word begins."""

    text: str
    ends: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Masks:
    """The words that somebody may want to hide, in lower case. `by_length`: those of one length in
    lines.
    """

    words: frozenset[str]
    by_length: Mapping[int, str]

    @classmethod
    def of(cls, words: Iterable[str]) -> Masks:
        """Where a mask fits several words the first is taken."""
        by_length: dict[int, str] = {}
        listed = dict.fromkeys(words)
        for word in listed:
            by_length[len(word)] = f"{by_length.get(len(word), _LINE_BREAK)}{word}\n"
        return cls(frozenset(listed), by_length)

    def unmask(self, text: str) -> Unmasked:
        """`text` in lower case."""
        if not text.isascii() and _CYRILLIC.search(text) and _HALF_CYRILLIC.search(text):
            text = text.translate(_LOOKALIKES)
        if not _may_be_masked(text):
            return Unmasked(text)
        ends: dict[int, int] = {}

        def spelled(match: re.Match[str]) -> str:
            mask = match[0]
            word = self._word(mask)
            if word is None or len(word) > len(mask):
                return mask
            ends[match.start()] = match.end()
            return word.ljust(len(mask))

        for maybe, masks in SPELLINGS:
            if maybe.search(text) is not None:
                text = masks.sub(spelled, text)
        return Unmasked(text, ends)

    def _word(self, mask: str) -> str | None:
        """What the mask stands for."""
        separator = (
            mask[1] if not mask[1].isalnum() and mask[1::2] == mask[1] * (len(mask) // 2) else ""
        )
        plain = mask.replace(separator, "") if separator else mask
        spellings = [plain]
        if _MAYBE_REPEATED.search(plain) is not None:
            spellings += [_RUN.sub(r"\1", plain), _RUN.sub(r"\1\1", plain)]
        for table in _LEET:
            for spelling in spellings:
                word = spelling.translate(table).rstrip("*#")
                if word in self.words and (word != mask):
                    return word
        if "*" in plain or "#" in plain:
            return self._starred(plain)
        return None

    def _starred(self, mask: str) -> str | None:
        """One star for each hidden letter; two letters are left, or the first of three to five."""
        visible = len(_STARS.sub("", mask))
        if visible < 2 and not (visible == 1 and 3 <= len(mask) <= 5 and mask[0].isalpha()):
            return None
        line = f"\n{mask.translate(_LEET[0])}\n"
        known = max(_STARS.split(line), key=len)
        before = line.index(known)
        words = self.by_length.get(len(mask), "")
        place = words.find(known)
        while place >= 0:
            found = words[max(place - before, 0) : place - before + len(line)]
            if _fits(found, line):
                return found[1:-1]
            place = words.find(known, place + 1)
        return None


def shown(text: str) -> str:
    """Without characters that nobody sees."""
    return text if text.isascii() else _HIDDEN.sub("", text)


def _fits(word: str, mask: str) -> bool:
    return len(word) == len(mask) and all(
        letter == sign or (sign in "*#" and letter != "\n")
        for letter, sign in zip(word, mask, strict=True)
    )


def _may_be_masked(text: str) -> bool:
    return (
        _SIGN.search(text) is not None
        or _EXCLAIMED.search(text) is not None
        or _SINGLE.search(text) is not None
        or (_MAYBE_REPEATED.search(text) is not None and _THREE_TIMES.search(text) is not None)
    )

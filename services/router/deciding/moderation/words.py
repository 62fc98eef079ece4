"""A text as words between single spaces: what patterns are matched against.

ä is ae, ß is ss; a comma, the end of a sentence and a quotation mark are words of their own. Web
and mail addresses are left out, and of an @handle the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.router.deciding.addresses import HANDLE, without_addresses
from services.router.deciding.moderation.masks import Masks, shown
from shared.text.composing import composed

_APOSTROPHES = "'\u2019\u00b4`"
QUOTATION_MARKS = '"\u201e\u201c\u201d\u201f\u00bb\u00ab\u2039\u203a'
_WORD = re.compile(
    rf"[^\W_]++(?:[{_APOSTROPHES}][^\W_]++)*+|[.!?\u2026]+|[,;:()\n@>]|[{QUOTATION_MARKS}]"
    "|[\u2600-\u27bf\U0001f300-\U0001faff]"
)
_FOLDED = (
    ("ä", "ae"),
    ("ö", "oe"),
    ("ü", "ue"),
    ("ß", "ss"),
    ("é", "e"),
    ("\u2026", "."),
    *((apostrophe, "'") for apostrophe in _APOSTROPHES[1:]),
)


Place = tuple[int, int]


def folded(text: str) -> str:
    """As the words of a text are spelled here."""
    return _folded(composed(text).lower())


def _folded(text: str) -> str:
    if not text.isascii() or "`" in text:
        for letter, spelled in _FOLDED:
            text = text.replace(letter, spelled)
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """`line` is the words with one space before and after each."""

    listed: Sequence[str]
    distinct: frozenset[str]
    line: str
    _text: str = field(repr=False)
    _read: str = field(repr=False)
    _ends: Mapping[int, int] = field(repr=False)

    @classmethod
    def of(cls, text: str, masks: Masks | None = None) -> Words:
        read = composed(shown(text)).replace("İ", "i").lower()
        read = without_addresses(read)
        if "@" in read:
            read = HANDLE.sub(lambda match: "@" + " " * len(match[1]), read)
        ends: Mapping[int, int] = {}
        if masks is not None:
            unmasked = masks.unmask(read)
            read, ends = unmasked.text, unmasked.ends
        line = _folded(" ".join(_WORD.findall(read)))
        listed = line.split(" ")
        return cls(listed, frozenset(listed), f" {line} ", text, read, ends)

    def passage(self, first: int, last: int, text: str | None) -> tuple[str, Place | None]:
        """These words and their place; as they stand in `text`, where that agrees with places."""
        place = None if text is None else self.place(first, last)
        if text is None or place is None:
            return " ".join(self.listed[first : last + 1]), None
        return text[slice(*place)], place

    def place(self, first: int, last: int) -> Place | None:
        """Where these words stand in the text; None where its places no longer agree."""
        if len(self._read) != len(self._text) or composed(self._text) != self._text:
            return None
        start = end = 0
        for number, match in enumerate(_WORD.finditer(self._read)):
            if number == first:
                start = match.start()
            if number == last:
                end = self._ends.get(match.start(), match.end())
                break
        return start, end

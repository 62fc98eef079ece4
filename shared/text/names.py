"""Names of people and keys, as every list and every log can show them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_JOINERS = "\u200c\u200d"
_JOINED = (
    (0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1800, 0x18AF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF),
)  # fmt: skip
"""Arabic and its kin, the scripts of India, Mongolian: a joiner belongs to their spelling."""
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_BLANK = frozenset(
    chr(each)
    for first, last in (
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164),
        (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
        (0x2800, 0x2800), (0xFFFC, 0xFFFC),
    )
    for each in range(first, last + 1)
)  # fmt: skip
"""Marks and letters that show nothing: Default_Ignorable_Code_Point of Unicode, but for Cf; and the
empty Braille cell and the mark for an object that is not there.
"""


def clean_name(name: str) -> str:
    """The name without what cannot be seen in it: control characters, marks that turn the direction
    of the text around them, and others that only format. White space becomes single spaces.

    Joiners stay between letters of scripts whose spelling needs them, and inside emoji. So no other
    name differs from one only in what nobody sees, and none rewrites the line it stands in. Letters
    of different scripts that look alike stay.
    """
    if name.isascii() and name.isprintable():
        return " ".join(name.split())
    seen = [each for each in name if _may_stay(each)]
    kept = [
        each
        for place, each in enumerate(seen)
        if each not in _JOINERS or _needed(seen[place - 1 : place], seen[place + 1 : place + 2])
    ]
    return " ".join("".join(kept).split())


def shows_nothing(text: str) -> bool:
    """Whether it has only white space and what `clean_name` leaves out, or may leave out."""
    return all(each.isspace() or each in _JOINERS or not _may_stay(each) for each in text)


def _needed(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a joiner changes how its neighbours are written."""
    return all(
        neighbour and all(_is_joined(each) for each in neighbour) for neighbour in (before, after)
    )


def _is_joined(character: str) -> bool:
    point = ord(character)
    return (
        any(first <= point <= last for first, last in _JOINED)
        or unicodedata.category(character) == "So"
        or point in _SKIN_TONES
    )


def _may_stay(character: str) -> bool:
    # Cc: control; Cf: format, with all marks of direction.
    return (
        character.isspace()
        or character in _JOINERS
        or (character not in _BLANK and unicodedata.category(character) not in {"Cc", "Cf"})
    )

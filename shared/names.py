"""Names of people and keys, as every list and every log can show them."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""They belong to the spelling of names in Persian and in scripts of India, and to emoji."""
_BLANK = frozenset(
    chr(each)
    for first, last in (
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164),
        (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
    )
    for each in range(first, last + 1)
)  # fmt: skip
"""Marks and letters that show nothing: Default_Ignorable_Code_Point of Unicode, but for Cf."""


def clean_name(name: str) -> str:
    """The name without what cannot be seen in it: control characters, marks that turn the direction
    of the text around them, and others that only format. White space becomes single spaces.

    So no name differs from another only in what nobody sees, joiners apart, and none rewrites the
    line it stands in. Letters of different scripts that look alike stay.
    """
    kept = "".join(each for each in name if _may_stay(each))
    return " ".join(kept.split()).strip(_JOINERS)


def _may_stay(character: str) -> bool:
    # Cc: control; Cf: format, with all marks of direction.
    return (
        character.isspace()
        or character in _JOINERS
        or (character not in _BLANK and unicodedata.category(character) not in {"Cc", "Cf"})
    )

"""Names of people and keys, as every list and every log can show them."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""They belong to the spelling of names in Persian and in scripts of India, and to emoji."""


def clean_name(name: str) -> str:
    """The name without what cannot be seen in it: control characters, marks that turn the direction
    of the text around them, and others that only format. White space becomes single spaces.

    So nobody has a name that looks like somebody else's, or that rewrites the line it stands in.
    """
    kept = "".join(each for each in name if _may_stay(each))
    return " ".join(kept.split()).strip(_JOINERS)


def _may_stay(character: str) -> bool:
    # Cc: control; Cf: format, with all marks of direction.
    return (
        character.isspace()
        or character in _JOINERS
        or unicodedata.category(character) not in {"Cc", "Cf"}
    )

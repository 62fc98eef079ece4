"""When two texts say the same."""

from __future__ import annotations

from shared.text.composing import composed

COMPARED = 4_000
"""Characters that are compared; two texts of that length that agree so far are the same."""


def alike(one: str, other: str) -> bool:
    """Equal but for case, white space, and how characters are composed.

    Platforms change these when they show what was posted. Linear in the length.
    """
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    shown = " ".join(text[:COMPARED].split())
    return composed(shown).casefold()

"""When two texts say the same."""

from __future__ import annotations

from shared.text.composing import composed

COMPARED = 4_000
"""Characters that are compared; two texts of that length that agree so far are the same."""


def alike(one: str, other: str) -> bool:
    """Equal but for case, white space, and how characters are composed.

    Platforms change these when they show what was posted. Linear in the length.
    """
    return plain(one[:COMPARED]) == plain(other[:COMPARED])


def plain(text: str) -> str:
    """The text without what `alike` passes over."""
    return composed(" ".join(text.split())).casefold()

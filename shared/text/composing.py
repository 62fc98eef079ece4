"""Texts in one spelling (Unicode NFC), at a cost in proportion to their length.

Standard library only: the domains compare texts too.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

MOST_MARKS = 30
"""Combining marks in a row; no language needs as many, normalising more is quadratic."""
_JOINER = "\u034f"  # COMBINING GRAPHEME JOINER: ends a run, and changes nothing that is seen
# No mark lies below U+0300, so in most texts there is nothing to look at closer. A set at the start
# is what the search goes to at once.
_MAYBE_MARKS = re.compile(rf"[^\0-\u02ff][^\0-\u02ff]{{{MOST_MARKS}}}")


def composed(text: str) -> str:
    """NFC of `stream_safe`."""
    return text if text.isascii() else normalize("NFC", stream_safe(text))


def stream_safe(text: str) -> str:
    """A joiner after every 30 combining marks in a row: Stream-Safe Text Format (UAX #15), for
    whatever counts as a mark.
    """
    if _MAYBE_MARKS.search(text) is None:
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if category(character).startswith("M") else 0
        if marks > MOST_MARKS:
            kept.append(_JOINER)
            marks = 1
        kept.append(character)
    return "".join(kept)

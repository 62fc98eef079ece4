"""A text as the words that the lexicon compares, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.router.deciding.addresses import blank, without_addresses
from shared.text.composing import composed

LONGEST_TEXT = 20_000
"""Characters that are looked at, some ten pages; what follows weighs nothing."""
LONGEST_WORD = 40
"""Characters of a word that are compared."""
LONGEST_SIGNATURE = 600
"""Characters from a closing formula to the end."""
BREAK = 64
"""How far apart the end of a sentence puts two words: no phrase reaches over it."""

_PIECE = re.compile(r"[^\W_]++(?:['\u2019\u00b4`][^\W_]++)*+|[.!?;:\u2026](?=\s)|\n[^\S\n]*+\n")
"""A word, or what ends a sentence. Only words begin with a letter or a digit."""
_QUOTED = re.compile(r"^[ \t]{0,8}>.*$", re.MULTILINE)
_OLDER = re.compile(
    r"^[ \t]{0,8}(?:-{2,}[ \t]{0,4}(?:original message|forwarded message|"
    r"urspr\u00fcngliche nachricht|weitergeleitete nachricht)|-- ?$|_{10,}$"
    r"|(?:am|on) [^\n]{5,200}(?:schrieb|wrote)[^\n]{0,100}:[ \t]{0,8}$)",
    re.MULTILINE | re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^[ \t]{0,8}(?:mit (?:freundlich|best|lieb|herzlich|sonnig)\w{0,4} (?:gr\u00fc(?:\u00df|ss)|"
    r"gruess|gru(?:\u00df|ss))\w{0,3}|(?:viele|liebe|beste|freundliche|sch\u00f6ne|herzliche) "
    r"gr(?:\u00fc|ue)(?:\u00df|ss)e|(?:mfg|vg|lg|bg|hg)\b|(?:best|kind|warm|many) regards|"
    r"regards|sincerely|yours (?:sincerely|faithfully|truly)|best wishes|"
    r"sent from my|von meinem \w{1,20} gesendet|gesendet (?:von|mit) )[^\n]{0,30}$",
    re.MULTILINE | re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"^[ \t]{0,8}p\.? ?s\.?[ :]", re.MULTILINE | re.IGNORECASE)
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_JOINTS = re.compile("['\u2019\u00b4`]")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text in its order.

    `written`: as they stand there. `places`: how far from the start, in words, where the end of a
    sentence counts as `BREAK`. `exact` is False where the text had to be composed first, so that
    `spans` do not agree with it.
    """

    written: list[str]
    places: list[int]
    exact: bool
    _text: str = field(repr=False)

    def spans(self) -> list[tuple[int, int]]:
        """Where each word begins and ends in the text."""
        found: list[tuple[int, int]] = []
        end, find = 0, self._text.find
        for word in self.written:
            # Between two words there is no letter, so nothing that looks like the second one.
            start = find(word, end)
            end = start + len(word)
            found.append((start, end))
        return found


def words_of(text: str) -> Words:
    """The words of what the customer writes: addresses, quoted lines and signatures left out."""
    read = text[:LONGEST_TEXT]
    whole = composed(read)
    exact = whole == read
    found = _split(without_addresses(own_part(whole)), exact=exact)
    return found if found.written else _split(without_addresses(whole), exact=exact)


def comparable(word: str) -> str:
    """As the lexicon compares it: lower case, umlauts and ß written out, no apostrophes."""
    return _JOINTS.sub("", word[:LONGEST_WORD].lower().translate(_WRITTEN_OUT))


def own_part(text: str) -> str:
    """The text without what it quotes and without its signature, which are blanked: places stay."""
    older = _OLDER.search(text)
    if older is not None:
        text = text[: older.start()]
    if ">" in text:
        text = _QUOTED.sub(blank, text)
    closing = _CLOSING.search(text, max(1, len(text) - LONGEST_SIGNATURE))
    if closing is None:
        return text
    later = _POSTSCRIPT.search(text, closing.end())
    after = "" if later is None else text[later.start() :]
    return text[: closing.start()] + " " * (len(text) - closing.start() - len(after)) + after


def _split(text: str, *, exact: bool) -> Words:
    written: list[str] = []
    places: list[int] = []
    place = 0
    for piece in _PIECE.findall(text):
        if piece[0].isalnum():
            written.append(piece)
            places.append(place)
            place += 1
        else:
            place += BREAK
    return Words(written, places, exact, text)

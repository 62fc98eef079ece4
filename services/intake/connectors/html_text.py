"""Words out of the HTML that platforms make of a post.

In one pass over the text: `html.parser` reads what has no end over and over, and a sender's hundred
kilobytes of `<a` would cost minutes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>|<[!?][^<>]*+>")
_UNSEEN = frozenset({"script", "style", "template", "title"})
_PARAGRAPHS = frozenset({"p", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset({"br", "div", "li", "tr", "hr"})
_WHITE = re.compile(r"[ \t\r\n\f\v]+")
_GAPS = re.compile(r"\n{3,}")


def html_to_text(markup: str) -> str:
    """What a reader has of it: entities resolved, `<br>` as a line, `<p>` as a paragraph.

    Links that are shown shortened (Mastodon hides their beginning and end) are whole.
    """
    lines = [line.strip() for line in "".join(_words(markup)).split("\n")]
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


def _words(markup: str) -> Iterator[str]:
    unseen: str | None = None
    for piece in _pieces(markup):
        if isinstance(piece, str):
            if unseen is None:
                yield html.unescape(_WHITE.sub(" ", piece))
            continue
        closing, name = piece[1] == "/", (piece[2] or "").lower()
        if unseen is not None:
            unseen = None if closing and name == unseen else unseen
        elif name in _UNSEEN and not closing:
            unseen = name
        elif name in _PARAGRAPHS:
            yield "\n\n"
        elif name in _LINES and not (closing and name == "li"):
            yield "\n"


def _pieces(markup: str) -> Iterator[str | re.Match[str]]:
    """Text and tags in their order. A `<` that begins no tag is text."""
    place, comments = 0, True
    while (start := markup.find("<", place)) >= 0:
        yield markup[place:start]
        if comments and markup.startswith("<!--", start):
            end = markup.find("-->", start + 4)
            if end >= 0:
                place = end + 3
                continue
            comments = False  # nor does any later one have an end
        tag = _TAG.match(markup, start)
        if tag is None:
            yield "<"
            place = start + 1
        else:
            yield tag
            place = tag.end()
    yield markup[place:]

"""HTML of mails and posts as plain text: words in lines and paragraphs, quotations marked by `>`.

The standard library's parser takes the square of the length for some hostile documents, so this is
lxml's. Tables are read cell by cell: drawn as columns, a hostile one would be endlessly wide.
"""

from __future__ import annotations

import re
from html import unescape

from lxml import etree

LONGEST = 2_000_000
"""Characters of a document that are read."""
DEEPEST_QUOTE = 5
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre", "hr"})
_BLOCKS = _PARAGRAPHS | frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dt",
        "fieldset", "figure", "footer", "form", "header", "li", "main", "nav", "section", "table",
        "tr",
    }
)  # fmt: skip
_UNSEEN = frozenset({"script", "style", "title", "template", "select", "object", "svg"})
_SPACE = re.compile(r"[ \t\r\n\f\v\xa0]+")
_TAGS = re.compile(r"<[^<>]*>")
_LONG_REFERENCE = re.compile(r"&#[0-9]{8,}+;?")
_UNPARSABLE = re.compile("[\0\ud800-\udfff]")


def html_to_text(html: str) -> str:
    """The text of a document, or of a piece of one, at a cost in proportion to its length."""
    document = _UNPARSABLE.sub("\ufffd", html[:LONGEST])
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(document.encode(), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or _gave_up(parser):
        return _SPACE.sub(" ", _TAGS.sub(" ", document)).strip()
    lines = _Lines()
    _render(root, lines)
    return lines.text()


def unescaped(text: str) -> str:
    """Entities and character references resolved; no character has a number of eight digits."""
    # `unescape` raises ValueError where there are thousands.
    return unescape(_LONG_REFERENCE.sub("\ufffd", text))


def _gave_up(parser: etree.HTMLParser) -> bool:
    """Whether the rest of the document was not read, because it is nested too deep."""
    return any(entry.level_name == "FATAL" for entry in parser.error_log)


def _render(root: etree._Element, lines: _Lines) -> None:
    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            unseen += tag in _UNSEEN
            if not unseen:
                lines.begin(tag)
                lines.add(element.text)
        else:
            if not unseen:
                lines.end(tag)
            unseen -= tag in _UNSEEN
            if not unseen:
                lines.add(element.tail)


class _Lines:
    """The lines so far, and the one that is being written."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._pieces: list[str] = []
        self._quoted = 0
        self._verbatim = 0

    def text(self) -> str:
        self._break()
        return "\n".join(self._lines).strip("\n")

    def begin(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
        if tag in _PARAGRAPHS:
            self._blank()
        if tag == "blockquote":
            self._quoted += 1
        elif tag == "pre":
            self._verbatim += 1
        elif tag == "li":
            self._pieces.append("* ")

    def end(self, tag: str) -> None:
        if tag == "br":
            self._write()
        elif tag in ("td", "th"):
            self.add(" ")
        if tag in _BLOCKS:
            self._break()
        if tag == "blockquote":
            self._quoted -= 1
        elif tag == "pre":
            self._verbatim -= 1
        if tag in _PARAGRAPHS:
            self._blank()

    def add(self, text: str | None) -> None:
        if not text:
            return
        if self._verbatim:
            first, *others = text.splitlines() or [""]
            self._pieces.append(first)
            for line in others:
                self._write()
                self._pieces.append(line)
        else:
            self._pieces.append(_SPACE.sub(" ", text))

    def _break(self) -> None:
        """End the line, if there is anything in it."""
        if any(not piece.isspace() for piece in self._pieces):
            self._write()
        self._pieces = []

    def _write(self) -> None:
        line = "".join(self._pieces)
        if not self._verbatim:
            line = _SPACE.sub(" ", line).strip()
        self._pieces = []
        if line or (self._lines and self._lines[-1].strip("> ")):
            self._lines.append(self._mark + line)

    def _blank(self) -> None:
        """One empty line, unless there is one."""
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._mark.rstrip())

    @property
    def _mark(self) -> str:
        return "> " * min(self._quoted, DEEPEST_QUOTE)

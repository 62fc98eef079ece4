"""Whether a message after an answer needs none itself: thanks, a confirmation, good wishes.

Every word must be known to say nothing more, but for a few; one question, one request or one word
of doubt, and it is an inquiry like any other. So a thanks with a question in it stays with a desk.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from services.router.deciding.decision import Finding, Inquiry, Reason, Rule
from services.router.deciding.moderation.patterns import Phrases, literal_words
from services.router.deciding.moderation.words import Words, folded

_LONGEST = 600
"""Longer messages say more than thanks."""
_MOST_UNKNOWN = 5
_UNKNOWN_SHARE = 0.25
_SURE = 0.98
_DOUBT_OF_A_WORD = 0.03
_QUESTION = re.compile("[?¿؟？]")  # noqa: RUF001
_LONG_NUMBER = re.compile(r"\d{3}|https?://|www\.")
_SIGNATURE = re.compile(
    r"\n[ \t]*(?:--[ \t]*\n|(?:mit (?:freundlichen|besten|lieben)|(?:viele|beste|liebe|herzliche|"
    r"freundliche|schöne) grüße|(?:kind|best|warm) regards|regards|sincerely|cheers,|"
    r"(?:lg|vg|mfg)\b|von meinem|sent from|gesendet))",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"(?:^|\n)\s{0,9}p\.?\s?s\b", re.IGNORECASE)
_ANSWERING = re.compile(r"^\s*(?:re|aw|antw|antwort|wg|fwd?|sv)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chatter:
    closing: Phrases
    excused: Phrases
    known: frozenset[str]
    stopping: frozenset[str]

    @classmethod
    def shipped(cls) -> Chatter:
        """Read and compiled once for the process."""
        return _shipped()

    def suggestion(self, inquiry: Inquiry) -> Finding | None:
        """With the passages that say so; None for what did not come after an answer."""
        if not inquiry.after_answer or _says_more(inquiry):
            return None
        said = _unsigned(inquiry.text)
        words = Words.of(said)
        excused = list(self.excused.find(words))
        found = [*self.closing.find(words), *excused]
        passed = {place for each in excused for place in range(each.first, each.last + 1)}
        rest = [word for place, word in enumerate(words.listed) if place not in passed]
        if not found or not self.stopping.isdisjoint(rest):
            return None
        read = [word for word in rest if word[:1].isalnum()]
        unknown = sum(word not in self.known for word in read)
        if unknown > min(_MOST_UNKNOWN, max(1, _UNKNOWN_SHARE * len(read))):
            return None
        reasons = []
        for each in found:
            span = words.place(each.first, each.last)
            word = "" if span is None else inquiry.text[slice(*span)]
            reasons.append(Reason(Rule.THANKS, word, 1.0, "", span))
        doubts = unknown + (said != inquiry.text)
        return Finding(round(_SURE - _DOUBT_OF_A_WORD * doubts, 3), tuple(reasons))


def _unsigned(text: str) -> str:
    """Without a signature. What it may hide, a question, is looked for in the whole text."""
    signature = _SIGNATURE.search(text, 0, _LONGEST)
    return text if signature is None else text[: signature.start()]


def _says_more(inquiry: Inquiry) -> bool:
    text, subject = inquiry.text, inquiry.subject or ""
    said = _unsigned(text)
    if len(said) > _LONGEST or len(text) - len(said) > _LONGEST or _LONG_NUMBER.search(said):
        return True
    if _QUESTION.search(text) or _POSTSCRIPT.search(text):
        return True
    return _QUESTION.search(subject) is not None and _ANSWERING.match(subject) is None


@cache
def _shipped() -> Chatter:
    source = files("services.router.deciding") / "chatter.toml"
    data = tomllib.loads(source.read_text("utf-8"))
    return Chatter(
        Phrases.compile([data], ("closing",)),
        Phrases.compile([data], ("excused",)),
        frozenset(map(folded, data["filler"])) | literal_words(data["closing"]),
        frozenset(map(folded, data["stopping"])),
    )

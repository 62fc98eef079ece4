"""Whether a message after an answer needs none itself: thanks, a confirmation, good wishes.

Every word must be known to say nothing more, but for a few; one question, one request or one word
of doubt, and it is an inquiry like any other. So a thanks with a question in it stays with a desk.
Praise and greetings that came before any answer are only set apart, for a person to decide on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from services.router.deciding.data import read_data
from services.router.deciding.decision import Finding, Inquiry, Reason, Rule
from services.router.deciding.moderation.patterns import Found, Phrases, literal_words
from services.router.deciding.moderation.words import Words, folded

_LONGEST = 600
"""Longer messages say more than thanks."""
_MOST_UNKNOWN = 5
_UNKNOWN_SHARE = 0.25
_LONGEST_UNASKED = 300
_MOST_UNASKED = 10
_UNASKED_SHARE = 0.5
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
    praise: Phrases
    """Those of `closing`, and praise and greetings that nobody waits for an answer to."""
    excused: Phrases
    known: frozenset[str]
    stopping: frozenset[str]
    known_of_praise: frozenset[str]
    wanting: frozenset[str]
    """Those of `stopping`, and what a text wants or tells that praises something besides."""

    @classmethod
    def shipped(cls) -> Chatter:
        """Read and compiled once for the process."""
        return _shipped()

    def suggestion(self, inquiry: Inquiry) -> Finding | None:
        """With the passages that say so; None for what did not come after an answer."""
        if not inquiry.after_answer or _says_more(inquiry):
            return None
        said = self._said(inquiry.text, self.closing, self.known, self.stopping)
        if said is None or said.unknown > min(_MOST_UNKNOWN, max(1, _UNKNOWN_SHARE * said.read)):
            return None
        reasons = _reasons(Rule.THANKS, inquiry.text, said)
        doubts = said.unknown + (_unsigned(inquiry.text) != inquiry.text)
        return Finding(round(_SURE - _DOUBT_OF_A_WORD * doubts, 3), reasons)

    def nothing_asked(self, inquiry: Inquiry) -> tuple[Reason, ...]:
        """The thanks, praise and greetings of a text that may say nothing else, whenever it came.
        It may have more words that are not known than what is suggested: a person looks at it.
        """
        if len(inquiry.text) > _LONGEST_UNASKED or _says_more(inquiry):
            return ()
        said = self._said(inquiry.text, self.praise, self.known_of_praise, self.wanting)
        if said is None or said.unknown > min(_MOST_UNASKED, max(1, _UNASKED_SHARE * said.read)):
            return ()
        return _reasons(Rule.NOTHING_ASKED, inquiry.text, said)

    def _said(
        self, text: str, closing: Phrases, known: frozenset[str], stopping: frozenset[str]
    ) -> _Said | None:
        """None where nothing of it is thanks, or one word wants something more."""
        words = Words.of(_unsigned(text))
        excused = list(self.excused.find(words))
        found = [*closing.find(words), *excused]
        passed = {place for each in excused for place in range(each.first, each.last + 1)}
        rest = [word for place, word in enumerate(words.listed) if place not in passed]
        if not found or not stopping.isdisjoint(rest):
            return None
        read = [word for word in rest if word[:1].isalnum()]
        return _Said(found, words, len(read), sum(word not in known for word in read))


@dataclass(frozen=True, slots=True)
class _Said:
    found: Sequence[Found]
    """Thanks and the like among `words`."""
    words: Words
    read: int
    unknown: int


def _reasons(rule: Rule, text: str, said: _Said) -> tuple[Reason, ...]:
    reasons = []
    for each in said.found:
        span = said.words.place(each.first, each.last)
        reasons.append(Reason(rule, "" if span is None else text[slice(*span)], 1.0, "", span))
    return tuple(reasons)


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
    data = read_data("services.router.deciding", "chatter.toml")
    known = frozenset(map(folded, data["filler"])) | literal_words(data["closing"])
    stopping = frozenset(map(folded, data["stopping"]))
    return Chatter(
        Phrases.compile([data], ("closing",)),
        Phrases.compile([data], ("closing", "praise")),
        Phrases.compile([data], ("excused",)),
        known,
        stopping,
        known | literal_words(data["praise"]),
        stopping | frozenset(map(folded, data["wanting"])),
    )

"""The hashtags of a text: known ones of the company and its events, with their year, and others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.policy.model import Hashtags
from shared.text.composing import composed

LONGEST_TAG = 100
MOST_TAGS = 50

# Not inside a word, a web address (page#part) or an HTML entity (&#39;). Marks of scripts that
# write vowels as signs do not count as \w and are therefore named.
_TAG = re.compile(
    r"(?<![\w&/#\uff03])[#\uff03]([\w\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u200c]+)"
)
_WITH_YEAR = re.compile(r"(\w+?)((?:19|20)[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Hashtag:
    """One hashtag, case folded and without #.

    `known`: the policy defines it. `event`: it names an event, in the edition of `year` if given.
    """

    tag: str
    year: int | None = None
    known: bool = False
    event: bool = False


@dataclass(frozen=True, slots=True)
class KnownHashtags:
    """The policy's hashtags, ready for look-up; `events` says whether the year is required."""

    company: frozenset[str]
    events: Mapping[str, bool]


def known_hashtags(hashtags: Hashtags) -> KnownHashtags:
    """Prepare once per policy."""
    events = {event.tag: event.always_with_year for event in hashtags.events}
    return KnownHashtags(frozenset(hashtags.company), MappingProxyType(events))


def extract_hashtags(text: str, known: KnownHashtags) -> tuple[Hashtag, ...]:
    """The distinct hashtags in order of appearance, at most 50; longer than 100 letters is none.

    `#iico2013` is the event iico of 2013. Of an event that always carries its year the bare tag
    is known, but names no event. A tag of digits only (#1) is not a hashtag.
    """
    if "#" not in text and "\uff03" not in text:
        return ()
    found: dict[Hashtag, None] = {}
    for match in _TAG.finditer(composed(text)):
        tag = match[1].casefold()
        if len(tag) <= LONGEST_TAG and not tag.isdecimal() and tag.strip("_"):
            found.setdefault(_read(tag, known))
            if len(found) == MOST_TAGS:
                break
    return tuple(found)


def _read(tag: str, known: KnownHashtags) -> Hashtag:
    if tag in known.events:
        return Hashtag(tag, known=True, event=not known.events[tag])
    if tag in known.company:
        return Hashtag(tag, known=True)
    match = _WITH_YEAR.fullmatch(tag)
    if match is not None and match[1] in known.events:
        return Hashtag(match[1], year=int(match[2]), known=True, event=True)
    return Hashtag(tag)

"""Whether an inquiry may violate the netiquette; a person decides whether it does.

Suspected: insults that are said to somebody ("du ...", "you ..."), nouns that are an insult of
whoever is meant, slurs, threats and sexual harassment, also when they are masked. Not suspected:
swearing at nobody or at a thing, anger, an insult of oneself, and what somebody else said: a rude
customer with a real problem is still a customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import islice

from services.router.deciding.data import read_data
from services.router.deciding.decision import Finding, Inquiry, Reason, Rule
from services.router.deciding.moderation.context import Circumstances, quoted
from services.router.deciding.moderation.masks import Masks
from services.router.deciding.moderation.patterns import Phrases, forms
from services.router.deciding.moderation.words import Words, folded

_KINDS = {
    "slurs": ("slur", 0.95),
    "strong": ("insult", 0.9),
    "templates": ("insult", 0.85),
    "phrases": ("insult", 0.9),
    "threats": ("threat", 0.95),
    "sexual": ("harassment", 0.9),
}
"""The lists of the data files: what each finds, and how sure that is."""
_NOUNS = ("slurs", "strong")
_LONG_WORD = 8
_SHORTEST_MASKED = 4
_MOST_FINDINGS = 8
_MOST_PLACES = 40
_LANGUAGES = ("en", "de")
_DATA = "services.router.deciding.moderation"


@dataclass(frozen=True, slots=True)
class Noun:
    entry: str
    kind: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What ships, of both languages; the same for every policy."""

    nouns: Mapping[str, Noun]
    parts: Mapping[str, tuple[str, ...]]
    part_noun: Noun
    harmless: frozenset[str]
    mild: frozenset[str]
    """In English only when it is said to somebody, in German an insult."""
    phrases: Phrases
    circumstances: Mapping[str, Circumstances]
    small_words: Mapping[str, frozenset[str]]
    masks: Masks


@dataclass(frozen=True, slots=True)
class _Passage:
    kind: str
    entry: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Netiquette:
    vocabulary: Vocabulary

    @classmethod
    def shipped(cls) -> Netiquette:
        """Read and compiled once for the process."""
        return cls(_vocabulary())

    def suspicion(self, inquiry: Inquiry, words: Words | None = None) -> Finding | None:
        """With the passages that led to it; linear in the length of the text.

        `words` are those of `read`, where the caller has them.
        """
        reasons = self._reasons(words or self.read(inquiry.text), inquiry.text)
        if inquiry.subject:
            reasons += self._reasons(self.read(inquiry.subject), None)
        if not reasons:
            return None
        doubt = 1.0
        for reason in reasons:
            doubt *= 1 - reason.weight
        return Finding(round(1 - doubt, 3), tuple(reasons))

    def read(self, text: str) -> Words:
        """The words of a text, masked ones spelled out."""
        return Words.of(text, self.vocabulary.masks)

    def _reasons(self, words: Words, text: str | None) -> list[Reason]:
        """`text` is where the words stand; None: they get no places."""
        passages = {each.entry: each for each in reversed(list(self._passages(words)))}
        reasons: list[Reason] = []
        for each in islice(reversed(passages.values()), _MOST_FINDINGS):
            word, span = words.passage(each.first, each.last, text)
            what, sure = _KINDS[each.kind]
            reasons.append(Reason(Rule.NETIQUETTE_TERM, word, sure, what, span))
        return reasons

    def _passages(self, words: Words) -> Iterator[_Passage]:
        known = self.vocabulary
        nouns = dict(self._nouns(words.distinct))
        phrases = list(known.phrases.find(words))
        if not nouns and not phrases:
            return
        circumstances = known.circumstances[language_of(words.distinct)]
        quotations = quoted(words)
        for found in phrases:
            inside = words.listed[found.first + 1 : found.last]
            if found.kind == "templates" and circumstances.denied(inside):
                continue
            if not _within(found.first, quotations) and not circumstances.reported(
                words, found.first, found.last
            ):
                yield _Passage(found.kind, found.pattern, found.first, found.last)
        places = (place for place, word in enumerate(words.listed) if word in nouns)
        for place in islice(places, _MOST_PLACES):
            noun = nouns[words.listed[place]]
            if _within(place, quotations) or circumstances.reported(words, place, place):
                continue
            if noun.kind == "slurs" or not circumstances.spared(words, place):
                yield _Passage(noun.kind, noun.entry, place, place)

    def _nouns(self, distinct: AbstractSet[str]) -> Iterator[tuple[str, Noun]]:
        known = self.vocabulary
        found = distinct & known.nouns.keys()
        if found & known.mild and language_of(distinct) == "en":
            found -= known.mild
        for word in found:
            yield word, known.nouns[word]
        long = [word for word in distinct if len(word) >= _LONG_WORD]
        together = " ".join(long)
        for part, heads in known.parts.items():
            if part not in together:
                continue
            for word in long:
                tail = word.partition(part)
                if not tail[1] or word in known.harmless or word in known.nouns:
                    continue
                if not heads or any(tail[2].startswith(head) for head in heads):
                    yield word, known.part_noun


def _within(place: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= place <= last for first, last in ranges)


def language_of(distinct: AbstractSet[str]) -> str:
    """Of the two: the one with more of its smallest words."""
    known = _vocabulary().small_words
    return "en" if len(distinct & known["en"]) > len(distinct & known["de"]) else "de"


@cache
def _vocabulary() -> Vocabulary:
    """Read and compiled once for the process."""
    data = {language: read_data(_DATA, f"netiquette.{language}.toml") for language in _LANGUAGES}
    harmless = {form for each in data.values() for form in _forms(each["harmless"])}
    nouns: dict[str, Noun] = {}
    for each in data.values():
        for kind in _NOUNS:
            for entry in each[kind]:
                noun = Noun(entry, kind)
                for form in forms(folded(entry)):
                    if form not in harmless:
                        nouns.setdefault(form, noun)
    maskable = [folded(word) for each in data.values() for word in each["maskable"]]
    listed = (entry for each in data.values() for kind in _NOUNS for entry in each[kind])
    spelled = {
        form for entry in listed for word in (entry.lower(), folded(entry)) for form in forms(word)
    }
    maskable += sorted(word for word in spelled if len(word) >= _SHORTEST_MASKED and word.isalpha())
    return Vocabulary(
        nouns,
        {
            folded(part): tuple(map(folded, each.get("part_heads", {}).get(part, ())))
            for each in data.values()
            for part in each["parts"]
        },
        Noun("(part of a word)", "strong"),
        frozenset(harmless),
        frozenset(_forms(data["en"]["mild"])) & nouns.keys(),
        Phrases.compile(data.values(), ("templates", "phrases", "threats", "sexual")),
        {language: Circumstances.of_data(each) for language, each in data.items()},
        {language: frozenset(_forms(each["small_words"])) for language, each in data.items()},
        Masks.of(maskable),
    )


def _forms(entries: Iterable[str]) -> Iterator[str]:
    for entry in entries:
        yield from forms(folded(entry))

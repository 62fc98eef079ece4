"""What is looked for first, to spare most texts the rest, hides nothing that would be found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from services.router.deciding.lexicon.words import words_of
from services.router.deciding.moderation import masks, spam
from services.router.deciding.moderation.netiquette import Netiquette
from services.router.deciding.moderation.spam import Spam

DATA = Path(__file__).parents[2] / "data"
MASKED = (
    "you f*ck, sh1t! i d i o t s and (i-d-i-o-t) and idioooot, a$$hole\n"
    "CALL NOW 09061234567, 150p/msg, £5.50 per week to 80082 $$$ 12.000 € +49 30 123456789\n"
)


def _texts() -> Iterator[str]:
    yield MASKED
    yield MASKED.upper()
    for path in sorted(DATA.glob("*_dev.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            item = json.loads(line)
            yield from (item[key] for key in ("text", "stored", "asked") if key in item)


def test_signs_of_spam_and_masks() -> None:
    looks = [(maybe, pattern) for _, _, maybe, pattern in spam.SIGNS]
    found: set[str] = set()
    for text in _texts():
        for read in (text, text.lower()):
            for maybe, pattern in (*looks, *masks.SPELLINGS):
                if pattern.search(read) is not None:
                    found.add(pattern.pattern)
                    assert maybe.search(read) is not None, (pattern.pattern, read)
    assert len(found) == len(looks) + len(masks.SPELLINGS)


def test_words_that_a_phrase_needs() -> None:
    vocabulary, lists, count = Netiquette.shipped(), Spam.shipped(), 0
    for text in _texts():
        words = vocabulary.read(text)
        for phrases in (vocabulary.vocabulary.phrases, lists.phrases, lists.customer):
            for anchor in words.distinct & phrases.by_anchor.keys():
                for pattern in phrases.by_anchor[anchor]:
                    if list(pattern.places(words.line)):
                        count += 1
                        assert not any(words.distinct.isdisjoint(each) for each in pattern.others)
    assert count > 500


def test_where_the_words_of_a_text_stand() -> None:
    for text in _texts():
        words = words_of(text)
        if words.exact:
            said = [text[start:end] for start, end in words.spans()]
            assert said == words.written

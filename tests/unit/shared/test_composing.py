"""Texts in one spelling, and runs of marks that no language has."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.composing import MOST_MARKS, composed, stream_safe

JOINER = "\u034f"
MARKS = "\u0301\u0316\u093c\u094d\u20dd\U0001d165\u0345"

texts = st.text(st.sampled_from("aé ß#ｱ각" + MARKS), max_size=200)


def longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        mark = unicodedata.category(character).startswith("M") and character != JOINER
        run = run + 1 if mark else 0
        longest = max(longest, run)
    return longest


@given(texts)
def test_no_run_is_longer_than_thirty(text: str) -> None:
    safe = stream_safe(text)
    assert longest_run(safe) <= MOST_MARKS
    assert safe.replace(JOINER, "") == text
    assert longest_run(text) > MOST_MARKS or safe == text


@given(texts)
def test_composed_is_nfc(text: str) -> None:
    assert unicodedata.is_normalized("NFC", composed(text))
    assert composed(composed(text)) == composed(text)
    if longest_run(text) <= MOST_MARKS:
        assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "text", ["Gru\u0308\u00dfe", "e" + "\u0301" * MOST_MARKS, "हिन्दी", "한국어", "ไม่ได้"]
)
def test_what_people_write_has_no_joiner(text: str) -> None:
    assert JOINER not in composed(text)


@given(st.lists(st.sampled_from(MARKS), min_size=31, max_size=100))
def test_a_long_run_of_any_marks_is_broken_up(marks: list[str]) -> None:
    assert JOINER in stream_safe("a" + "".join(marks) + "b")

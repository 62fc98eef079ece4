"""Which edit counts, and what is more than typing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.inquiries.domain.edits import COMPARED, Version, Versions, says_more

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ASKED = "Wann öffnet die Anmeldung zur Konferenz?"


@pytest.mark.parametrize(
    "after",
    [
        ASKED,
        ASKED.upper(),
        f"  {ASKED.replace(' ', chr(10))}  ",
        ASKED.replace("ö", "o\u0308"),
        ASKED.replace("Anmeldung", "Anmeldnug"),
        ASKED.replace("?", "??!"),
        ASKED.replace("Konferenz", "Conferenz"),
    ],
)
def test_typing(after: str) -> None:
    assert not says_more(ASKED, after)
    assert not says_more(after, ASKED)


@pytest.mark.parametrize(
    "after",
    [
        "",
        "Danke!",
        ASKED.replace("Anmeldung", "Kasse"),
        f"{ASKED} Und was kostet sie?",
        ASKED[::-1],
        ASKED.replace("Wann", "Warum nicht gleich: wann"),
    ],
)
def test_more_than_typing(after: str) -> None:
    assert says_more(ASKED, after)
    assert says_more(after, ASKED)


def test_the_tenth_part_is_still_typing() -> None:
    text = "abcdefghij"
    assert not says_more(text, "abcdefghi_")
    assert says_more(text, "abcdefgh__")
    assert not says_more("", " ")


def test_a_long_text_is_compared_where_it_differs() -> None:
    long = "".join(f"Satz {number}. " for number in range(5 * COMPARED // 10))
    assert not says_more(long, f"{long[:-9]}!")
    assert not says_more(long, f"{long[:20]}und {long[20:]}")
    # What lies beyond counts as changed: rather an inquiry too many.
    assert says_more(long, f"!{long[1:-1]}!")
    assert says_more(long, long[COMPARED:])


def version(text: str, minutes: float, *, edited: bool = True) -> Version:
    return Version(text, None, NOON + minutes * MINUTE, edited)


FIRST = version("A", 0, edited=False)


def test_which_edit_is_known() -> None:
    known = Versions(version("C", 3), [version("B", 2), FIRST])
    assert known.has(version("C", 9), dated=True), "it says so already"
    assert known.has(version("B", 2), dated=True)
    assert known.has(version("B", 9), dated=False), "without a moment it is the one of before"
    assert not known.has(version("B", 9), dated=True), "it was changed back"
    assert not known.has(version("A", 9), dated=False), "the first words were no edit"
    assert not known.has(version("D", 9), dated=False)


def test_which_edit_is_the_newest() -> None:
    assert Versions(FIRST).is_newest(version("B", -1)), "whatever the clocks say"
    assert Versions(version("C", 3), [FIRST]).is_newest(version("D", 3))
    assert not Versions(version("C", 3), [FIRST]).is_newest(version("B", 2))


def test_what_a_message_said_then() -> None:
    known = Versions(version("C", 3), [version("B", 2), FIRST])
    assert known.words_at(None) == "A"
    said = {-1: "A", 0: "A", 1: "A", 2: "B", 2.5: "B", 3: "C", 9: "C"}
    assert {at: known.words_at(NOON + at * MINUTE) for at in said} == said


def test_what_the_terms_took_is_known_by_its_moment() -> None:
    known = Versions(version("", 3), removed=True)
    assert known.has(version("C", 3), dated=True)
    assert not known.has(version("D", 4), dated=True)

"""References: what the check character notices, what is read, and what is found in a text."""

from __future__ import annotations

from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ids import new_id
from shared.text.references import (
    ALPHABET,
    EXAMPLE,
    LENGTH,
    MOST_FOUND,
    MistypedReferenceError,
    find_in,
    parsed,
    reference_of,
)

SOME = [reference_of(UUID(int=number)) for number in range(40)]
LOOKS_ALIKE = "01ILO"


def characters(reference: str) -> str:
    return reference.replace("-", "")


def is_accepted(typed: str) -> bool:
    try:
        parsed(typed)
    except MistypedReferenceError:
        return False
    return True


def test_the_same_inquiry_has_the_same_reference_for_ever() -> None:
    assert reference_of(UUID("019ab0c2-7d0e-7c31-9f0a-3f5d7f1f2a10")) == EXAMPLE


def test_no_character_is_taken_for_another() -> None:
    assert len(set(ALPHABET)) == 31
    assert not set(ALPHABET) & set(LOOKS_ALIKE)
    used = set("".join(map(characters, (reference_of(new_id()) for _ in range(500)))))
    assert used == set(ALPHABET)


def test_every_single_wrong_character_is_noticed() -> None:
    for reference in map(characters, SOME):
        for place in range(LENGTH):
            for other in set(ALPHABET) - {reference[place]}:
                assert not is_accepted(reference[:place] + other + reference[place + 1 :])


def test_every_two_that_changed_places_are_noticed() -> None:
    for reference in map(characters, SOME):
        for one, two in combinations(range(LENGTH), 2):
            if reference[one] != reference[two]:
                swapped = list(reference)
                swapped[one], swapped[two] = swapped[two], swapped[one]
                assert not is_accepted("".join(swapped))


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        characters,
        lambda each: each.replace("-", " "),
        lambda each: each.replace("-", "\u2013"),
        lambda each: f"  {each}\n",
        lambda each: each.replace("-", "."),
    ],
)
def test_case_and_separators_do_not_matter(change: object) -> None:
    for reference in SOME:
        assert parsed(change(reference)) == reference  # type: ignore[operator]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "0 characters"),
        ("K7Q", "3 characters"),
        (characters(SOME[0]) + "2", "11 characters"),
        ("O7Q-4MX-9RTD", "no reference has"),
        ("\u212a7Q-4MX-9RTD", "no reference has"),
        ("\ud83d" * 10, "no reference has"),
        ("2" * 1_000_000, "characters"),
        ("222-222-2223", "mistyped"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(typed: str, said: str) -> None:
    with pytest.raises(MistypedReferenceError, match=said) as error:
        parsed(typed)
    assert not typed or typed not in str(error.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    if is_accepted(text):
        assert parsed(parsed(text)) == parsed(text)


def test_it_is_found_in_a_subject_and_in_a_plus_address() -> None:
    one, two = SOME[:2]
    assert find_in(f"AW: [{one}] Anmeldung") == (one,)
    assert find_in(f"desk+{characters(one).lower()}@example.org") == (one,)
    assert find_in(f"{two} und {one.replace('-', ' ')}, nochmals {two}") == (two, one)
    assert find_in(f"XYZ-{one}") == (one,)


def test_what_only_looks_like_one_is_passed_over() -> None:
    one = characters(SOME[0])
    for text in ("", "der und dann", f"A{one}", f"{one}B", f"{one[:9]}", one[:9] + "\u212a"):
        assert find_in(text) == ()


def test_no_more_are_found_than_anybody_means() -> None:
    assert len(find_in(" ".join(SOME))) == MOST_FOUND

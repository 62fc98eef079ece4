"""Which hashtags a text carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy import (
    EventHashtag,
    Hashtag,
    Hashtags,
    extract_hashtags,
    known_hashtags,
    load_policy,
)

KNOWN = known_hashtags(load_policy().hashtags)


def test_an_event_with_its_year() -> None:
    assert extract_hashtags("Bis zur #IICO2013!", KNOWN) == (
        Hashtag("iico", 2013, known=True, event=True),
    )


def test_without_its_year_the_tag_is_known_but_names_no_event() -> None:
    assert extract_hashtags("#iico", KNOWN) == (Hashtag("iico", known=True),)


def test_an_event_that_need_not_carry_its_year() -> None:
    events = Hashtags(events=(EventHashtag(tag="meetup", always_with_year=False),))
    assert extract_hashtags("#meetup #meetup2024", known_hashtags(events)) == (
        Hashtag("meetup", known=True, event=True),
        Hashtag("meetup", 2024, known=True, event=True),
    )


def test_the_company_tag_has_no_years() -> None:
    assert extract_hashtags("#infopark #infopark2013", KNOWN) == (
        Hashtag("infopark", known=True),
        Hashtag("infopark2013"),
    )


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#eins,#zwei (#drei)", ["eins", "zwei", "drei"]),
        ("#Grüße #STRASSE #straße", ["grüsse", "strasse"]),
        ("#gru\u0308n", ["grün"]),
        ("\uff03全角 #हिन्दी #café", ["全角", "हिन्दी", "café"]),
        ("#a_b #c-d #e.f", ["a_b", "c", "e"]),
        ("Nr. #1 und #2013, C#, a#b, ##x, &#39; page.html#part /#part", []),
        ("# leer #", []),
        ("#__", []),
        ("#" + "a" * 101, []),
        ("#iico99 #iico1850", ["iico99", "iico1850"]),
        ("ohne", []),
    ],
)
def test_what_is_a_hashtag(text: str, tags: list[str]) -> None:
    assert [found.tag for found in extract_hashtags(text, KNOWN)] == tags


def test_repeats_count_once_and_there_is_a_limit() -> None:
    assert len(extract_hashtags("#iico2013 #IICO2013", KNOWN)) == 1
    assert len(extract_hashtags(" ".join(f"#tag{i}x" for i in range(99)), KNOWN)) == 50


@given(st.text() | st.text("#iI0２_ \u0308", max_size=60))
def test_any_text(text: str) -> None:
    for found in extract_hashtags(text, KNOWN):
        assert found.tag
        assert "#" not in found.tag
        assert len(found.tag) <= 100
        assert found.known or not found.event

"""Values of platforms: read exactly, or left as they are; never an error, whatever comes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.connectors.html_text import html_to_text
from services.intake.connectors.values import (
    elements,
    first,
    id_of,
    mail_date,
    part,
    text_of,
    unix_ms,
    unix_seconds,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECONDS = int(NOON.timestamp())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("value", [SECONDS, str(SECONDS), f"{SECONDS}.0", float(SECONDS)])
def test_seconds_come_as_numbers_and_as_text(value: Any) -> None:
    assert unix_seconds(value) == NOON


def test_milliseconds_and_fractions_are_kept() -> None:
    assert unix_ms(SECONDS * 1000 + 318) == NOON.replace(microsecond=318_000)
    assert unix_ms(f"{SECONDS * 1000 + 318}") == NOON.replace(microsecond=318_000)
    assert unix_seconds(f"{SECONDS}.000123") == NOON.replace(microsecond=123)


@pytest.mark.parametrize(
    "value",
    [None, True, "", "noon", 10**30, "9" * 5000, float("inf"), float("nan"), "٣²", [], {}],
)
def test_what_is_no_moment_stays_as_it_is(value: Any) -> None:
    assert unix_seconds(value) is value
    assert unix_ms(value) is value


def test_dates_of_mails_and_of_x() -> None:
    assert mail_date("Tue, 24 Nov 2026 13:00:00 +0100") == NOON
    assert mail_date("Tue Nov 24 12:00:00 +0000 2026") == NOON
    assert mail_date("Tue, 24 Nov 2026 12:00:00 -0000") == NOON
    strange: Any
    for strange in ("", "noon", "Tue, 99 Nov 2026 12:00:00 +0000", "1 " * 400, 7, None, []):
        assert mail_date(strange) is strange


def test_ids_keep_all_their_digits() -> None:
    assert id_of(2**63 + 1) == "9223372036854775809"
    assert id_of("00123") == "00123"
    nothing: list[Any] = [None, True, "", " ", 1.5, [], {}]
    assert [id_of(each) for each in nothing] == [None] * 7


def test_what_is_inside_is_found_or_nothing() -> None:
    document = {"a": {"b": [1, 2]}}
    assert part(document, "a", "b") == [1, 2]
    nothing: list[Any] = [None, [], 7, {}, {"a": 7}]
    assert [part(each, "a", "b") for each in nothing] == [None] * 5
    assert elements(part(document, "a", "b")) == [1, 2]
    assert (elements(None), elements({"b": 1}), elements("ab")) == ([], [{"b": 1}], ["ab"])
    assert first(None, "", [], {}, 0, 1) == 0
    assert first() is None
    assert (text_of("a"), text_of(" \n"), text_of(7)) == ("a", None, None)


@given(JSON)
def test_nothing_fails(value: Any) -> None:
    for function in (unix_seconds, unix_ms, mail_date, id_of, text_of, elements, part):
        function(value)
    first(value, value)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>Grüße &amp; Küsse<br>aus Köln</p><p>Ende</p>", "Grüße & Küsse\naus Köln\n\nEnde"),
        ('Bis <a href="https://a.example"><span class="invisible">https://</span>a.example</a>',
         "Bis https://a.example"),
        ("<ul><li>eins</li><li>zwei</li></ul>", "* eins\n* zwei"),
        ("a < b, 1 <3, &amp;lt;", "a < b, 1 <3, &lt;"),
        ("x<script>alert('<p>')</script>y<style>p{}</style>z<!-- <p> -->!", "xyz!"),
        ("<div>a\n b</div><DIV>c</DIV>", "a b\nc"),
        ("<!doctype html><!-- no end <b>b</b>", "<!-- no end b"),
        ("&#x1f49a; &#" + "9" * 5000 + "; &#228;", "💚 \ufffd ä"),
        ("&#0;&#xD800;&nosuch;", "\ufffd\ufffd&nosuch;"),
        ("", ""),
    ],
)  # fmt: skip
def test_html_is_read_as_a_reader_does(markup: str, words: str) -> None:
    assert html_to_text(markup) == words


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<a", "</", "<!--", "<!", "<script>", "&amp", "&#", "<p>", "\n ", 'a="']
)
def test_html_without_an_end_costs_no_more_than_its_length(piece: str) -> None:
    began = time.process_time()
    html_to_text(piece * (400_000 // len(piece)))
    html_to_text("<" + piece.strip("<") * (400_000 // len(piece)))
    assert time.process_time() - began < 3


@given(st.text(alphabet="<>/!-?&;#ab \n\"='", max_size=60))
def test_any_markup_is_some_text(markup: str) -> None:
    assert isinstance(html_to_text(markup), str)

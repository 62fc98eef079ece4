"""How a policy's words are found in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.deciding.rules.terms import Term, TermFinder, prepare


def found(terms: list[str], text: str) -> list[tuple[str, str]]:
    """The terms that hit, each with the words of the text it hit."""
    prepared = prepare(text)
    finder = TermFinder.compile(Term(term, "technical") for term in terms)
    return [(term.text, prepared[start:end]) for term, start, end in finder.find(prepared)]


@pytest.mark.parametrize(
    ("term", "text", "word"),
    [
        ("bug", "Ein Bug!", "bug"),
        ("absturz*", "Abstürze, ein Absturzprotokoll", "absturzprotokoll"),
        ("passwört*", "zwei PASSWOERTER", "passwoerter"),
        ("weiße", "WEISSE Seite", "weisse"),
        ("weiße", "WEIẞE Seite", "weiße"),
        ("log-in*", "beim Log in", "log in"),
        ("log-in*", "beim Login", "login"),
        ("log-in*", "das Log-in-Feld", "log-in"),
        ("doesn't work", "it doesnt work", "doesnt work"),
        ("doesn't work", "it doesn’t  work", "doesn’t  work"),
        ("geht nicht", "es geht\nnicht", "geht\nnicht"),
        ("passwort* vergessen", "Passworts vergessen", "passworts vergessen"),
        ("*ausfall*", "Serverausfälle, der Serverausfall", "ausfall"),
        ("*ausfall*", "Ausfallzeit", "ausfallzeit"),
        ("*ausfall", "Serverausfall.", "ausfall"),
        ("c++", "mit c++ gebaut", "c++"),
    ],
)
def test_a_term_is_found(term: str, text: str, word: str) -> None:
    assert found([term], text) == [(term, word)]


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("bug", "Bugs und ein Debug"),
        ("*kündig*", "wir ankündigen"),
        ("import", "important"),
        ("geht nicht", "geht auch nicht"),
        ("error*", "https://example.com/error?x=1 www.error.example error@example.com"),
        ("weiße", "weise"),
    ],
)
def test_a_term_is_not_found(term: str, text: str) -> None:
    assert found([term], text) == []


def test_the_longest_term_wins_at_a_place() -> None:
    terms = ["fehler*", "fehlermeldung*", "fehlermeldung beim start"]
    assert [term for term, _ in found(terms, "Fehlermeldung beim Start")] == [terms[2]]
    assert [term for term, _ in found(terms, "Fehlermeldungen")] == [terms[1]]
    assert [term for term, _ in found(terms, "Fehlerbild")] == [terms[0]]


def test_hits_come_from_left_to_right() -> None:
    hits = found(["*fehler*", "preis*", "login"], "Anmeldefehler Preise Softwarefehler Login")
    assert [term for term, _ in hits] == ["*fehler*", "preis*", "*fehler*", "login"]


def test_no_terms_find_nothing() -> None:
    assert found([], "irgendwas mit Fehler") == []


_LETTERS = st.text("abä", min_size=1, max_size=4)


@given(st.lists(_LETTERS, min_size=1, max_size=8, unique=True), st.lists(_LETTERS, max_size=12))
def test_plain_words_are_found_exactly_where_they_stand(terms: list[str], words: list[str]) -> None:
    """Against the obvious way: compare every word, with ae for ä as a second spelling."""
    spellings: dict[str, str] = {}
    for term in terms:
        for way in (term, term.replace("ä", "ae")):
            spellings.setdefault(way, term)
    expected = [word for word in words if word in spellings]
    assert [word for _, word in found(terms, " ".join(words))] == expected


@given(
    st.lists(_LETTERS, min_size=1, max_size=8, unique=True),
    st.lists(st.text("ab", min_size=1, max_size=7), max_size=12),
)
def test_open_endings_take_the_longest_beginning(terms: list[str], words: list[str]) -> None:
    plain = [term for term in terms if "ä" not in term]
    expected = [
        (max(fitting, key=len) + "*", word)
        for word in words
        if (fitting := [term for term in plain if word.startswith(term)])
    ]
    assert found([f"{term}*" for term in plain], " ".join(words)) == expected


@given(st.sampled_from(["a", "@a", "a.", "fehler", "passwort ", "? ", "x@", "www.", "://", "ab!"]))
def test_long_texts_of_one_pattern_stay_linear(piece: str) -> None:
    """100,000 characters are looked through; a quadratic step would take minutes here."""
    text = prepare(piece * (100_000 // len(piece)))
    finder = TermFinder.compile(
        Term(term, "technical") for term in ("*fehler*", "passwort* vergessen", "a*", "geht nicht")
    )
    assert all(start < end <= len(text) for _, start, end in finder.find(text))

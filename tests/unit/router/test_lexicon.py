"""The words that ship: how they are written, found and weighed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.deciding.decision import Inquiry, Kind, Reason, Rule
from services.router.deciding.lexicon.calibration import leads, probability_of_technical
from services.router.deciding.lexicon.finder import TermFinder
from services.router.deciding.lexicon.load import FIELDS, LANGUAGES, load_lexicon, shipped_finder
from services.router.deciding.lexicon.terms import read_term
from services.router.deciding.lexicon.typos import one_error
from services.router.deciding.lexicon.weigh import MOST_REASONS, LexiconWords
from services.router.deciding.lexicon.words import comparable, own_part, words_of
from services.router.deciding.rules.terms import Term
from services.router.deciding.rules.words import PolicyWords
from services.router.deciding.weighing import Weighing

NOT = {"nicht": "nicht|net|nix"}
SHIPPED = LexiconWords(shipped_finder(), PolicyWords.compile(()))


def found(term: str, text: str) -> list[str]:
    """The words of the text that one term hits."""
    finder = TermFinder(
        [read_term(term, "technical", 1.0, NOT)], heads={"app"}, ordinary={"leistung"}
    )
    words = words_of(text)
    return [" ".join(words.written[n] for n in hit.words) for hit in finder.find(words)]


@pytest.mark.parametrize(
    ("term", "text", "words"),
    [
        ("bug", "Ein Bug!", "Bug"),
        ("absturz*", "das Absturzprotokoll", "Absturzprotokoll"),
        ("*störung*", "eine Netzstörung", "Netzstörung"),
        ("*störung*", "STOERUNG", "STOERUNG"),
        ("*absturz", "App-Absturz", "Absturz"),
        ("*absturz", "Appabsturz", "Appabsturz"),
        ("log-in", "beim Log-in", "Log in"),
        ("log-in", "beim Login", "Login"),
        ("wont load", "it won\u2019t load", "won\u2019t load"),
        ("stürzt ... ab", "Er stürzt mir hier jetzt echt dauernd ab", "stürzt ab"),
        ("geht {nicht}", "geht net", "geht net"),
        ("geht ... {nicht}", "geht heute nix", "geht nix"),
        ("tot|tote leitung", "eine tote Leitung", "tote Leitung"),
        ("passwort*", "mein Passwrot", "Passwrot"),
        ("passwort*", "das Paswort", "Paswort"),
        ("passwort*", "das Passswort", "Passswort"),
        ("rechnungen", "die Rechnugen", "Rechnugen"),
    ],
)
def test_a_term_is_found(term: str, text: str, words: str) -> None:
    assert found(term, text) == [words]


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("*störung*", "nach der Zerstörung"),
        ("bug", "Bugs und ein Debug"),
        ("*kündig*", "wir ankündigen"),
        ("stürzt ... ab", "Er stürzt sich ins Leben. Ab morgen"),
        ("stürzt ... ab", "Er stürzt oft, a b c d e ab"),
        ("geht {nicht}", "Wie geht es? Nicht gut"),
        ("geht {nicht}", "geht.\n\nNicht gut"),
        ("stürzt ... ab", "Er stürzt\n \t\nab morgen"),
        ("error*", "https://example.org/error www.error.example error@example.org"),
        ("passwort*", "Kasswort"),
        ("passwort*", "Passierort"),
        ("leitungen", "Leistungen"),
        ("weiße", "weise"),
    ],
)
def test_a_term_is_not_found(term: str, text: str) -> None:
    assert found(term, text) == []


@pytest.mark.parametrize("term", ["", "...", "*", "a*b", "{gone} x", "*abc*", "a-b|c"])
def test_what_is_no_term_is_refused(term: str) -> None:
    with pytest.raises(ValueError, match=r"no term|no word|too short"):
        TermFinder([read_term(term, "technical", 1.0)])


def test_the_shipped_terms_are_many_and_in_both_languages() -> None:
    terms = load_lexicon().terms
    assert len(terms) >= 1200
    assert {term.kind for term in terms} == set(FIELDS)
    assert len({(term.kind, term.text) for term in terms}) >= 300 * len(FIELDS) * len(LANGUAGES)
    assert all(term.weight <= 0.25 for term in terms if term.soft)


def _reasons(text: str, subject: str | None = None) -> list[tuple[str, str, float]]:
    weighing = SHIPPED.weigh(Inquiry(text, subject))
    return [(each.rule.value, each.word, each.weight) for each in weighing.reasons]


def test_a_word_weighs_once_and_twice_in_the_subject() -> None:
    assert _reasons("Gutschrift, Gutschrift") == [("general_term", "Gutschrift", 2.0)]
    assert _reasons("Gutschrift", "Gutschrift") == [("general_term", "Gutschrift", 4.0)]


def test_soft_words_weigh_little_together_and_decide_nothing() -> None:
    weighing = SHIPPED.weigh(Inquiry("Danke, super, klasse, toll, prima, thanks, great, awesome!"))
    assert weighing.general == 0.25
    assert not leads(weighing)


def test_a_term_of_no_weight_keeps_a_shorter_one_from_counting() -> None:
    assert _reasons("Ein Rechnungsfehler") == [("general_term", "Rechnungsfehler", 2.0)]


def test_the_longest_of_terms_that_share_a_word_counts_with_the_most_weight() -> None:
    weak, strong = read_term("app ... crash*", "technical", 1), read_term("crash*", "technical", 2)
    words = LexiconWords(TermFinder([weak, strong]), PolicyWords.compile(()))
    (reason,) = words.weigh(Inquiry("The app always crashes")).reasons
    assert (reason.word, reason.weight) == ("app always crashes", 2)


def test_a_compound_is_what_its_last_part_is() -> None:
    terms = [read_term("*lizenz*", "general", 2), read_term("*server*", "technical", 1)]
    weighing = LexiconWords(TermFinder(terms), PolicyWords.compile(())).weigh(
        Inquiry("Lizenzserver")
    )
    assert (weighing.technical, weighing.general) == (1, 1)


def test_a_mistyped_word_weighs_less() -> None:
    assert _reasons("Gutschirft") == [("general_term", "Gutschirft", 1.6)]


def test_what_the_policy_says_of_a_word_holds() -> None:
    own = PolicyWords.compile([Term("gutschrift*", "technical", 3.0)])
    words = LexiconWords(shipped_finder(), own)
    for inquiry in (Inquiry("Meine Gutschrift"), Inquiry("Meine", "Gutschrift")):
        weighing = words.weigh(inquiry)
        assert (weighing.technical, weighing.general) == (3.0, 0.0)
        assert [each.term for each in weighing.reasons] == ["gutschrift*"]


def test_only_the_weightiest_words_are_named() -> None:
    everything = " ".join(term.text.replace("*", "") for term in load_lexicon().terms)[:20_000]
    assert len(SHIPPED.weigh(Inquiry(everything)).reasons) == MOST_REASONS


def test_a_question_suggests_the_general_desk_where_no_fault_is_named() -> None:
    question = Reason(Rule.QUESTION, "?", 0.25)
    assert question in SHIPPED.weigh(Inquiry("Wer hilft mir weiter?")).reasons
    assert question not in SHIPPED.weigh(Inquiry("Warum geht nichts mehr?")).reasons


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Kaputt!\n> alles gut\n> danke", "Kaputt!"),
        ("Kaputt!\n\nAm 3. Mai 2026 schrieb Anna:\nalles gut", "Kaputt!"),
        ("Kaputt!\n-- \nAnna Beispiel, Vertrieb", "Kaputt!"),
        ("Das Gerät ist kaputt!\nMit freundlichen Grüßen\nAnna, Vertrieb", "Das Gerät ist kaputt!"),
        ("Es ist kaputt.\nVG\nAnna, Vertrieb\nPS: Danke", "Es ist kaputt. PS: Danke"),
        ("Viele Grüße aus dem Urlaub, und noch ein langer Satz danach!", None),
    ],
)
def test_what_is_quoted_and_signed_is_left_out(text: str, own: str | None) -> None:
    assert " ".join(own_part(text).split()) == (text if own is None else own)


def test_a_mail_that_only_quotes_is_looked_at_whole() -> None:
    assert words_of("> Rechnung").written == ["Rechnung"]


@pytest.mark.parametrize(
    "text", ["", "👍👍", "\0\x07\u202e", "???", "https://example.org/a", "\ud83d"]
)
def test_nothing_left_weighs_nothing(text: str) -> None:
    weighing = SHIPPED.weigh(Inquiry(text))
    assert (weighing.technical, weighing.general, weighing.reasons) == (0.0, 0.0, ())


_SIDES = st.floats(0, 40)


@given(_SIDES, _SIDES, _SIDES, st.integers(0, 5000))
def test_more_for_a_side_never_makes_it_less_probable(
    technical: float, general: float, more: float, length: int
) -> None:
    fewer = probability_of_technical(Weighing(technical, general, 0.0, (), words=length))
    many = probability_of_technical(Weighing(technical + more, general, 0.0, (), words=length))
    assert many >= fewer or many == pytest.approx(fewer)
    assert 0.0 < fewer < 1.0


def test_the_same_lead_says_less_in_a_long_text() -> None:
    short, long = (
        probability_of_technical(Weighing(3.0, 0.0, 0.0, (), words=n)) for n in (10, 1000)
    )
    assert 0.5 < long < short


@given(st.text(max_size=300), st.none() | st.text(max_size=50))
def test_weighing_never_fails(text: str, subject: str | None) -> None:
    weighing = SHIPPED.weigh(Inquiry(text, subject))
    assert weighing.technical >= 0.0
    assert weighing.general >= 0.0
    for reason in weighing.reasons:
        if reason.span is not None:
            assert text[slice(*reason.span)] == reason.word


_LETTERS = st.text("abc", min_size=1, max_size=6)


@given(_LETTERS, _LETTERS)
def test_one_error_is_one_step_of_the_edit_distance(word: str, right: str) -> None:
    """Against the obvious way: try every step."""
    ways = {right[:n] + right[n + 1 :] for n in range(len(right))}
    ways |= {right[:n] + c + right[n:] for n in range(len(right) + 1) for c in "abc"}
    ways |= {right[:n] + c + right[n + 1 :] for n in range(len(right)) for c in "abc"}
    ways |= {right[:n] + right[n + 1] + right[n] + right[n + 2 :] for n in range(len(right) - 1)}
    expected = word != right and word in ways and word[:1] == right[:1]
    assert one_error(word, right) is expected


def test_a_word_is_made_comparable() -> None:
    assert comparable("WEIẞE’s Äpfel") == "weisses aepfel"
    assert Kind.TECHNICAL.value in FIELDS

"""What is suspected or suggested, on texts that were written for it, and what limits it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.deciding.automatic import AutomaticMail
from services.router.deciding.chatter import Chatter
from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision, Finding, Inquiry, Kind, Rule
from services.router.deciding.language import foreign
from services.router.deciding.moderation.netiquette import Netiquette
from services.router.deciding.moderation.spam import Spam
from services.router.deciding.screening import Screening
from shared.policy import load_policy

DATA = Path("tests/data")
NETIQUETTE, SPAM, CHATTER = Netiquette.shipped(), Spam.shipped(), Chatter.shipped()
SCREENING = Screening.shipped()


def _measured(
    name: str, key: str, find: Callable[[Inquiry], Finding | None]
) -> tuple[float, float]:
    """Precision and recall on a development set."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    items: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert len({item["text"] for item in items}) == len(items)
    found = [
        (find(Inquiry(item["text"], after_answer=True)) is not None, item[key]) for item in items
    ]
    right = sum(both == (True, True) for both in found)
    precision = right / sum(suspected for suspected, _ in found)
    recall = right / sum(wanted for _, wanted in found)
    return precision, recall


@pytest.mark.parametrize(
    ("name", "key", "find", "precision", "recall"),
    [
        ("netiquette_dev.jsonl", "suspect", NETIQUETTE.suspicion, 0.95, 0.9),
        ("spam_dev.jsonl", "spam", SPAM.suspicion, 0.95, 0.9),
        ("thanks_dev.jsonl", "no_answer_needed", CHATTER.suggestion, 0.97, 0.9),
    ],
)
def test_the_development_sets_are_told_apart(
    name: str,
    key: str,
    find: Callable[[Inquiry], Finding | None],
    precision: float,
    recall: float,
) -> None:
    measured = _measured(name, key, find)
    assert measured[0] >= precision
    assert measured[1] >= recall


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        ("Guten Tag, ihr seid alle Vollidioten. Gruß", "Vollidioten"),
        ("Na, du A*schloch?", "A*schloch"),
        ("so ein i d i o t aber auch", "i d i o t"),
        ("sh1thead, that is what you are", "sh1thead"),
        ("you idioooot", "you idioooot"),
        ("Schönes Café, aber f**k you", "f**k you"),
    ],
)
def test_the_passage_is_marked(text: str, passage: str) -> None:
    found = NETIQUETTE.suspicion(Inquiry(text))
    assert found is not None
    assert passage in {text[slice(*why.span)] for why in found.reasons if why.span is not None}
    assert {why.word for why in found.reasons if why.span} <= {
        text[slice(*why.span)] for why in found.reasons if why.span
    }


def test_the_subject_is_read_too_and_has_no_place() -> None:
    found = NETIQUETTE.suspicion(Inquiry("Wo bleibt die Ware", "Ihr Vollidioten"))
    assert found is not None
    assert [why.span for why in found.reasons] == [None]


@pytest.mark.parametrize(
    "text",
    [
        "fi\u00adck dich",
        "fu\u200bck you",
        "id\u0456ot, du bist ein v\u043ellidiot",
        "Du Ma\u0308del, du Arschloch",
    ],
)
def test_letters_that_only_look_so_hide_nothing(text: str) -> None:
    assert NETIQUETTE.suspicion(Inquiry(text)) is not None


def test_an_insult_of_a_directly_addressed_desk_is_one_of_the_screening() -> None:
    assert _suspected("Ihr Idioten") is Kind.NETIQUETTE
    assert _suspected("Subscribe to my channel") is Kind.SPAM
    assert _suspected("Der Router blinkt rot.") is None


def _suspected(text: str) -> Kind | None:
    decision = SCREENING.suspected(Inquiry(text))
    return None if decision is None else decision.kind


def _apart(text: str, subject: str | None = None) -> Decision | None:
    return SCREENING.set_apart(Inquiry(text, subject))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "nothing"),
        ("  \n", "nothing"),
        ("👍🎉", "signs"),
        ("?!", "signs"),
        ("\u200b\u202e", "signs"),
        ("https://example.org/a?b=c", "link"),
        ("www.example.org !", "link"),
        ("@infopark", "handle"),
    ],
)
def test_what_has_no_words_says_so(text: str, what: str) -> None:
    decision = _apart(text)
    assert decision is not None
    assert (decision.kind, decision.decided_by) == (Kind.UNSURE, "nothing_to_read")
    assert [(why.rule, why.word) for why in decision.reasons] == [(Rule.NOTHING_TO_READ, what)]
    assert _apart(text, "Frage zur Rechnung") is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour, je ne comprends pas votre page.", "fr"),
        ("Hola, ¿cuándo llega mi pedido?", "es"),
        ("Ciao, non riesco ad accedere al mio account", "it"),
        ("Olá, não consigo entrar na minha conta", "pt"),
        ("Hallo, ik kan niet meer inloggen op mijn account", "nl"),
        ("Dzień dobry, nie mogę się zalogować na moje konto", "pl"),
        ("Dobrý den, nemohu se přihlásit ke svému účtu", "cs"),
        ("Merhaba, hesabıma giremiyorum, lütfen yardım", "tr"),
        ("Hej, jag kan inte logga in på mitt konto", "sv"),
        ("Здравствуйте, не могу войти в аккаунт", "ru"),
        ("Добрий день, я не можу увійти в обліковий запис", "uk"),
        ("مرحبا لا أستطيع تسجيل الدخول", "ar"),
        ("שלום, אני לא מצליח להתחבר", "he"),
        ("Καλημέρα, δεν μπορώ να συνδεθώ", "el"),
        ("你好，我无法登录我的账户", "zh"),
        ("こんにちは、ログインできません", "ja"),
        ("안녕하세요 로그인이 안 됩니다", "ko"),
        ("Hallo, ich kann mich nicht einloggen", None),
        ("Hello, I can't log in", None),
        ("geht net, wos is do los", None),
        ("Chönd Sie mir bitte hälfe? Ich cha mi nöd iilogge", None),
        ("Moin, dat löppt nich mehr, wat is los bi juch", None),
        ("Merci", None),
        ('Wann läuft "La vie est belle"?', None),
        ("Login kaputt", None),
        ("", None),
    ],
)
def test_a_language_is_named_only_when_it_is_sure(text: str, language: str | None) -> None:
    assert foreign(text) == language
    decision = _apart(text)
    if language is not None:
        assert decision is not None
        assert (decision.kind, decision.language) == (Kind.UNSURE, language)


def test_thanks_are_chatter_only_after_an_answer() -> None:
    assert CHATTER.suggestion(Inquiry("Danke, hat geklappt!")) is None
    assert CHATTER.suggestion(Inquiry("Danke!", "Noch da?", after_answer=True)) is None
    answered = CHATTER.suggestion(Inquiry("Danke!", "Re: Noch da?", after_answer=True))
    assert answered is not None
    assert answered.reasons[0].span == (0, 5)


DECIDER = Decider.of(load_policy())


@pytest.mark.parametrize(
    ("subject", "text", "passage"),
    [
        (None, "Super nettes Team, tolle Beratung, danke!", "danke"),
        (None, "Frohe Ostern euch allen", "Frohe Ostern"),
        (None, "Great place, loved the pizza", "loved the"),
        ("Abwesenheitsnotiz: Ihre Rechnung", "Ich bin ab Montag zurück.", "Abwesenheitsnotiz"),
        (
            "Re: invoice",
            "I am out of the office. For urgent matters call my colleague.",
            "out of the office",
        ),
    ],
)
def test_what_asks_nothing_is_for_a_person(subject: str | None, text: str, passage: str) -> None:
    decision = DECIDER.decide(Inquiry(text, subject))
    assert (decision.kind, decision.desk) == (Kind.UNSURE, "review")
    assert decision.decided_by == "nothing_asked"
    said = {why.word for why in decision.reasons if why.rule is Rule.NOTHING_ASKED}
    assert passage in said


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (None, "Super, wann kommt die Rechnung?"),
        (None, "Tolle App, stürzt dauernd ab"),
        (None, "Top Laden, bitte ein Angebot für zehn Stühle"),
        ("Abwesenheitsnotiz", "Wie schalte ich die in der App ein?"),
        (None, "Mein Drucker ist kaputt, ich bin bis Freitag im Urlaub."),
        ("Danke", "Die Rechnung ist schon wieder falsch, langsam reicht es."),
    ],
)
def test_what_asks_something_is_decided_by_its_words(subject: str | None, text: str) -> None:
    assert DECIDER.decide(Inquiry(text, subject)).decided_by == "lexicon"


def test_thanks_with_more_words_after_an_answer_are_for_a_person() -> None:
    told = Inquiry("Danke, der Schrank und das Sofa stehen wunderbar", after_answer=True)
    assert CHATTER.suggestion(told) is None
    assert DECIDER.decide(told).decided_by == "nothing_asked"


def test_every_phrase_is_a_pattern() -> None:
    kinds = (NETIQUETTE.vocabulary.phrases, SPAM.phrases, SPAM.customer, CHATTER.closing)
    for phrases in (*kinds, CHATTER.excused, CHATTER.praise, AutomaticMail.shipped().phrases):
        for patterns in phrases.by_anchor.values():
            assert [list(pattern.places(" ")) for pattern in patterns] == [[]] * len(patterns)


SIGNED = "Danke, hat geklappt!\n\nMit freundlichen Grüßen\nAnna Muster\nEinkauf\nTel. 030 1234567"


def test_a_signature_says_nothing_and_hides_no_question() -> None:
    assert CHATTER.suggestion(Inquiry(SIGNED, after_answer=True)) is not None
    for more in ("\nPS: Die Rechnung fehlt noch", "\nUnd wann kommt die Rechnung?"):
        assert CHATTER.suggestion(Inquiry(SIGNED + more, after_answer=True)) is None
    assert CHATTER.suggestion(Inquiry(SIGNED + "\nlang" * 200, after_answer=True)) is None


@given(st.text() | st.text("fuck*@$1 idot.-_'„“\n", max_size=60), st.none() | st.text(max_size=9))
def test_screening_never_fails(text: str, subject: str | None) -> None:
    inquiry = Inquiry(text, subject, after_answer=True)
    for decision in (SCREENING.suspected(inquiry), SCREENING.set_apart(inquiry)):
        if decision is not None:
            assert decision.desk == "review"
            assert 0.0 <= decision.confidence <= 1.0
            assert decision.reasons
            assert all(text[slice(*why.span)] == why.word for why in decision.reasons if why.span)

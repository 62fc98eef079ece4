"""What decides where an inquiry goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.deciding.decide import Decider
from services.router.deciding.decision import Decision, Inquiry, Kind, Reason, Rule
from services.router.deciding.lexicon.finder import TermFinder
from services.router.deciding.lexicon.weigh import LexiconWords
from services.router.deciding.policy import DirectAddresses, direct_addresses
from services.router.deciding.rules.terms import Term
from services.router.deciding.rules.words import PolicyWords
from shared.policy import extract_hashtags, known_hashtags, load_policy
from tests.unit.router.messages import MESSAGES

POLICY = load_policy()
SHIPPED = Decider.of(POLICY)
CLEAR = [(text, kind) for text, kind in MESSAGES if kind in {Kind.TECHNICAL, Kind.GENERAL}]
KNOWN = known_hashtags(POLICY.hashtags)


def _decider(*terms: Term, min_confidence: float = 0.6) -> Decider:
    words = LexiconWords(TermFinder(()), PolicyWords.compile(terms))
    return Decider(words, DirectAddresses({}, {}, {}), KNOWN, min_confidence)


def classify(
    text: str,
    subject: str | None = None,
    *,
    hashtags: Iterable[str] = (),
    addressed_desk: str | None = None,
    rules: Decider,
) -> Decision:
    by_channel = {} if addressed_desk is None else {"direct": addressed_desk}
    rules = replace(rules, addresses=DirectAddresses(by_channel, {}, {}))
    return rules.decide(Inquiry(text, subject, "direct", tuple(hashtags)))


RULES = _decider(
    Term("*fehler*", "technical"),
    Term("log-in*", "technical", 2),
    Term("weiße seite", "technical"),
    Term("preis*", "general"),
    Term("#iico", "general"),
    Term("idiot*", "netiquette"),
    Term("mist", "netiquette", 0.5),
)


@pytest.mark.parametrize(("text", "kind"), MESSAGES)
def test_messages_of_customers_go_where_they_belong(text: str, kind: Kind) -> None:
    tags = [tag.tag for tag in extract_hashtags(text, KNOWN)]
    decision = classify(text, hashtags=tags, rules=SHIPPED)
    if decision.kind is Kind.UNSURE and kind is not Kind.UNSURE:
        assert (decision.leaning, decision.desk) == (kind, "review"), decision
    else:
        assert decision.kind is kind, decision
        desk = {Kind.TECHNICAL: "technical", Kind.GENERAL: "inbound"}.get(kind, "review")
        assert decision.desk == desk


def test_most_messages_are_decided_without_a_person() -> None:
    kinds = [SHIPPED.preview(text, subject=None, channel="facebook").kind for text, _ in CLEAR]
    assert sum(kind is not Kind.UNSURE for kind in kinds) >= 0.5 * len(CLEAR)


def test_the_decision_names_the_words_and_their_places() -> None:
    decision = classify("Ein ANMELDEFEHLER beim Login", rules=RULES)
    assert decision.reasons == (
        Reason(Rule.TECHNICAL_TERM, "FEHLER", 1.0, "*fehler*", (11, 17)),
        Reason(Rule.TECHNICAL_TERM, "Login", 2, "log-in*", (23, 28)),
    )


def test_the_subject_counts_and_has_no_place_in_the_text() -> None:
    decision = classify("Bitte um Hilfe", "Fehler 17", rules=RULES)
    assert decision.kind is Kind.TECHNICAL
    assert decision.reasons[0] == Reason(Rule.TECHNICAL_TERM, "fehler", 1.0, "*fehler*")


def test_a_phrase_does_not_reach_from_the_subject_into_the_text() -> None:
    assert classify("Seite", "weiße", rules=RULES).kind is Kind.UNSURE


def test_each_distinct_word_counts_once() -> None:
    once = classify("Fehler", rules=RULES)
    assert classify("Fehler Fehler Fehler Softwarefehler", rules=RULES) == once


def test_both_sides_even_is_unsure() -> None:
    decision = classify("Fehler im Preis", rules=RULES)
    assert (decision.kind, decision.desk) == (Kind.UNSURE, "review")
    assert {reason.word for reason in decision.reasons} == {"Fehler", "Preis"}


def test_below_the_minimum_confidence_is_unsure() -> None:
    strict = _decider(Term("fehler*", "technical"), min_confidence=0.9)
    unsure = classify("Fehler", rules=strict)
    assert (unsure.kind, unsure.leaning, unsure.desk) == (Kind.UNSURE, Kind.TECHNICAL, "review")
    assert classify("Fehler", rules=RULES).kind is Kind.TECHNICAL


def test_a_mild_word_alone_is_no_suspicion_but_keeps_a_question_from_being_plain() -> None:
    decision = classify("Was ist das für ein Mist?", rules=RULES)
    assert (decision.kind, decision.desk) == (Kind.UNSURE, "review")
    assert classify("Mist, ein Fehler im Login", rules=RULES).kind is Kind.TECHNICAL


@pytest.mark.parametrize(
    ("desk", "kind"),
    [
        ("technical", Kind.TECHNICAL),
        ("inbound", Kind.GENERAL),
        ("events", Kind.GENERAL),
        ("review", Kind.UNSURE),
    ],
)
def test_an_addressed_desk_gets_it_without_classification(desk: str, kind: Kind) -> None:
    decision = classify("Was kostet der Preis?", addressed_desk=desk, rules=RULES)
    assert (decision.desk, decision.kind, decision.confidence) == (desk, kind, 1.0)
    assert decision.reasons[0] == Reason(Rule.ADDRESSED_DESK, desk, 1.0)


def test_a_suspected_violation_is_seen_by_a_person_also_on_the_hotline() -> None:
    decision = classify("Ihr Idioten", addressed_desk="technical", rules=RULES)
    assert (decision.kind, decision.desk) == (Kind.NETIQUETTE, "review")


def test_a_plain_question_only_suggests() -> None:
    asked = classify("Wer hilft mir weiter?", rules=RULES)
    assert (asked.kind, asked.leaning) == (Kind.UNSURE, Kind.GENERAL)
    assert asked.reasons == (Reason(Rule.QUESTION, "?", 0.25),)
    assert classify("Niemand hilft mir.", rules=RULES).leaning is None
    assert classify("Hilfe?", rules=RULES).leaning is None


def test_a_fault_asked_as_a_question_is_a_fault() -> None:
    asked = classify("Woher kommt denn dieser Fehler?", rules=RULES)
    assert asked.kind is Kind.TECHNICAL
    assert asked.reasons == (Reason(Rule.TECHNICAL_TERM, "Fehler", 1.0, "*fehler*", (24, 30)),)


def test_a_hashtag_speaks_for_its_kind() -> None:
    decision = classify("Bin dabei", hashtags=["IICO", "iico"], rules=RULES)
    assert decision.kind is Kind.GENERAL
    assert decision.reasons == (Reason(Rule.HASHTAG, "#IICO", 1.0, "#iico"),)


def test_composed_umlauts_are_found_but_have_no_place() -> None:
    decision = classify("weiße Se\u0069te und a\u0308", rules=RULES)
    assert decision.kind is Kind.TECHNICAL
    assert decision.reasons[0].span is None


def test_a_term_cannot_speak_for_nothing() -> None:
    with pytest.raises(ValueError, match="unsure"):
        PolicyWords.compile((Term("x", "unsure"),))
    with pytest.raises(ValueError, match="not a valid Kind"):
        PolicyWords.compile((Term("x", "sales"),))


def test_the_shipped_hotline_is_the_technical_desk() -> None:
    addresses = direct_addresses(POLICY)
    assert addresses.desk("hotline", "Guten Tag") == "technical"
    assert addresses.desk("email", "@technical hilf") is None


@given(
    st.text(),
    st.none() | st.text(),
    st.lists(st.text(max_size=20), max_size=3),
    st.none() | st.sampled_from(["technical", "inbound", "events"]),
)
def test_classification_never_fails(
    text: str, subject: str | None, hashtags: list[str], addressed: str | None
) -> None:
    decision = classify(text, subject, hashtags=hashtags, addressed_desk=addressed, rules=SHIPPED)
    _is_coherent(decision.kind, decision.desk, addressed)
    assert 0.0 <= decision.confidence <= 1.0
    assert decision.reasons
    for reason in decision.reasons:
        if reason.span is not None:
            assert text[slice(*reason.span)] == reason.word


_WORDS = st.sampled_from(
    ["Fehler", "LOGIN", "log in", "Preise", "Idiot!", "ß", "Ä", "\ud800", "👍", "?", "\n", "Mist"]
)


@given(st.lists(_WORDS).map(" ".join), st.none() | st.sampled_from(["technical", "inbound"]))
def test_any_mix_of_words_gives_a_coherent_decision(text: str, addressed: str | None) -> None:
    decision = classify(text, addressed_desk=addressed, rules=RULES)
    _is_coherent(decision.kind, decision.desk, addressed)
    if "Idiot" in text:
        assert decision.kind is Kind.NETIQUETTE


def _is_coherent(kind: Kind, desk: str, addressed: str | None) -> None:
    match kind:
        case Kind.NETIQUETTE:
            assert desk == "review"
        case Kind.UNSURE:
            assert desk == (addressed or "review")
        case Kind.TECHNICAL:
            assert desk == "technical"
        case Kind.GENERAL:
            assert desk == (addressed or "inbound")

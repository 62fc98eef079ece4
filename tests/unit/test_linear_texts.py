"""Whatever a text is made of, no function of intake and the router takes longer for each of its
characters because there are more of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from time import thread_time
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from services.intake.accepting.incoming import ThreadName, from_channel
from services.intake.connectors import lenient, standard_webhooks
from services.intake.connectors.decoding import form, parsed_json
from services.intake.connectors.items import NewMessage
from services.intake.connectors.mail.item import message_of
from services.intake.connectors.port import Reading
from services.intake.connectors.standard_webhooks import (
    Claim,
    WebhookEvent,
    WebhookMessage,
    claim_of,
    verify,
)
from services.intake.files.domain import clean_file_name, content_disposition, media_type
from services.intake.inquiries.domain.edits import says_more
from services.intake.inquiries.domain.message import Author
from services.intake.inquiries.domain.text import alike
from services.intake.inquiries.schemas import (
    CloseIn,
    InquiryIn,
    InquiryQuery,
    ReclassifyIn,
    ReplyIn,
)
from services.intake.receiving import quarantine
from services.intake.receiving.outcome import Result
from services.router.deciding.decide import Decider
from services.router.deciding.decision import Inquiry
from services.router.deciding.language import foreign
from services.router.deciding.lexicon.words import LONGEST_TEXT, words_of
from services.router.deciding.model.features import features, places
from services.router.deciding.policy import policy_words
from services.router.deciding.rules.terms import prepare
from services.router.todos.schemas.query import TodoQuery
from services.router.todos.schemas.todo import (
    ClaimIn,
    DismissIn,
    EndIn,
    PreviewIn,
    ReopenIn,
    RerouteIn,
)
from shared.errors import InvalidError
from shared.policy import extract_hashtags, known_hashtags, load_policy
from shared.runtime.trace import continued
from shared.text.composing import composed, stream_safe
from shared.text.names import shows_nothing
from shared.text.references import MistypedReferenceError, find_in, parsed
from shared.web.entity_tags import versions_of
from shared.web.paging import Cursors
from shared.web.problems import RefusedError
from shared.web.strict_json import require_json, strict_json

LONG, TIMES = 100_000, 10
ALLOWED_GROWTH = 30
"""Ten times as long; a quadratic function takes a hundred times as long. Between them lies what a
busy machine adds.
"""
UNSUSPECTED_SECONDS = 0.05
"""No quadratic function is through the long text in that."""
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

POLICY = load_policy(None)
KNOWN = known_hashtags(POLICY.hashtags)
DECIDER = Decider.of(POLICY)
WORDS = policy_words(POLICY)


def repeated(part: str) -> Callable[[int], str]:
    return lambda length: (part * (length // len(part) + 1))[:length]


def numbered(part: str) -> Callable[[int], str]:
    """No two of its words are the same."""
    return lambda length: " ".join(f"x{n:05}{part}" for n in range(length // (len(part) + 7)))


KINDS: dict[str, Callable[[int], str]] = {
    "letters": repeated("a"),
    "words": repeated("ab "),
    "white space": repeated(" "),
    "line ends": repeated("\r\n"),
    "empty lines": repeated("\n"),
    "full stops": repeated("."),
    "hyphens": repeated("-"),
    "questions": repeated("?"),
    "a question of marks": lambda length: "a" + "!" * length + "?",
    "quotation marks": repeated('"'),
    "entity tags": repeated('W/"7", '),
    "backslashes": repeated("\\"),
    "escapes": repeated('\\"'),
    "brackets": repeated("["),
    "braces": repeated('{"a":'),
    "digits": repeated("9"),
    "commas": repeated(","),
    "references": repeated("K7Q-4MX-9RT2 "),
    "joined references": repeated("K7Q-4MX-"),
    "names of files": repeated("../a."),
    "signatures": repeated("v1,AAAA "),
    "equals signs": repeated("="),
    "hash signs": repeated("#"),
    "hashtags": repeated("#a "),
    "joined hashtags": repeated("#a"),
    "one hashtag": lambda length: "#" + "a" * length,
    "known hashtags": repeated("#iico2013 "),
    "years": lambda length: "#" + "2013" * (length // 4),
    "handles": repeated("@a"),
    "at signs": repeated("@"),
    "mail addresses": repeated("a@b.c "),
    "joined mail addresses": repeated("a@b."),
    "a long domain": lambda length: "a@" + "b" * length,
    "a long mailbox": lambda length: "a." * (length // 2) + "@",
    "web addresses": repeated("http://"),
    "www": repeated("www."),
    "a term": repeated("serverausfall "),
    "a term in a word": repeated("serverausfall"),
    "insults": repeated("ihr idioten "),
    "quoted insults": repeated('"du idiot" '),
    "reported insults": repeated("er nannte mich idiot "),
    "beginnings of threats": repeated("ich komm vorbei und "),
    "beginnings of insults": repeated("you are a "),
    "stars in words": repeated("f**k "),
    "a word of stars": repeated("f*"),
    "spaced letters": repeated("i d i o t "),
    "letters with spaces": repeated("s p a c e s "),
    "digits in words": repeated("1d10t"),
    "thanks": repeated("danke "),
    "spam": repeated("check out my "),
    "foreign words": repeated("je ne vous "),
    "Cyrillic": repeated("не могу "),
    "distinct compounds": numbered("serverausfall"),
    "distinct words": numbered("wort"),
    "distinct long words": lambda length: " ".join(f"passwor{n:06}" for n in range(length // 14)),
    "beginnings of a phrase": repeated("geht "),
    "a phrase but for its end": repeated("geht stürzt wird kann lässt "),
    "joined terms": repeated("absturzpasswort"),
    "quoted lines": repeated("\n> a"),
    "closings": repeated("\nVG "),
    "openings of a quotation": repeated("\nam "),
    "umlauts": repeated("ä"),
    "decomposed umlauts": repeated("a\u0308"),
    "one mark": repeated("\u0301"),
    "marks out of order": repeated("\u0301\u0316"),
    "a letter and marks out of order": lambda length: "e" + "\u0301\u0316" * (length // 2),
    "a tag and marks out of order": lambda length: "#e" + "\u0301\u0316" * (length // 2),
    "marks that are two": repeated("\u0344\u0316"),
    "marks that join": repeated("\u094d\u093c"),
    "marks of three classes": repeated("\u0f74\u0f72\u0f71"),
    "spacing marks": repeated("\u1d165\u1d16d\u0316"),
    "enclosing marks": repeated("\u20dd\u0301\u0316"),
    "joiners": repeated("\u034f\u0301\u0316"),
    "joined letters": repeated("\u200d"),
    "Hangul in parts": repeated("\u1100\u1161\u11a8"),
    "letters that are many": repeated("\ufdfa"),
    "sigmas": repeated("Σ"),
    "sigmas and marks": repeated("Σ" + "\u0301" * 29),
    "dotted capitals": repeated("İ"),
    "sharp s": repeated("ß"),
    "faces": repeated("👩\u200d👩\u200d👧"),
    "bidi": repeated("\u202e\u2066"),
    "NUL": repeated("\0"),
    "half characters": repeated("\ud83d"),
}


def _document(text: str) -> bytes:
    return json.dumps({"type": "message.created", "data": {"id": text, "text": text}}).encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _header(text: str) -> bytes:
    return text.encode("latin-1", "replace").replace(b"\n", b" ")


def _message(text: str) -> dict[str, Any]:
    return {
        "id": f"m{text}",
        "thread_id": text,
        "parent_id": text,
        "author": {"id": text, "name": text, "handle": text, "email": text},
        "text": text,
        "subject": text,
        "url": f"https://example.org/{text}",
        "sent_at": text,
        "visibility": text,
        "attachments": [{"url": text, "name": text, "type": text}],
        text: text,
    }


def _read(fields: dict[str, Any]) -> object:
    return standard_webhooks.read(fields, Reading(NOW))


def _incoming(text: str) -> object:
    item = _read({"id": "m", "subject": "Frage", "text": f"?{text}"})
    assert isinstance(item, NewMessage)
    return from_channel(
        item.message,
        channel="facebook",
        thread=ThreadName("t"),
        audience="public",
        known=KNOWN,
        now=NOW,
    )


def _fields(model: type[BaseModel]) -> Callable[[str], object]:
    """The text in every field, and as the name of one."""

    def fed(text: str) -> None:
        values = dict.fromkeys(model.model_fields, text) | {text: text}
        model.model_validate(values)

    return _refusing(fed)


def _json(model: type[BaseModel]) -> Callable[[str], object]:
    """The text as a field's name and as its value."""
    return _refusing(lambda text: model.model_validate_json(json.dumps({text: text})))


def _refusing(function: Callable[[str], object]) -> Callable[[str], object]:
    """Valid or not is no matter here."""

    def fed(text: str) -> object:
        try:
            return function(text)
        except (RefusedError, InvalidError, ValidationError, MistypedReferenceError) as error:
            return error

    return fed


def _tags(text: str) -> object:
    try:
        return versions_of([text], weak=True)
    except ValueError as error:
        return error


def _signed(text: str) -> object:
    value = _header(text)
    names = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
    return claim_of([(name, value) for name in names], now=NOW)


def _headers(text: str) -> bytes:
    """With the text in all that are looked at."""
    value = _bytes(text.replace("\r\n", "\r\n "))
    names = ("From", "To", "Subject", "Date", "Message-ID", "References", "List-Id", "List-Post")
    of_content = b"Content-Type: text/plain; name=" + value + b"\r\n"
    return b"".join(name.encode() + b": x " + value + b"\r\n" for name in names) + of_content


def _content_type(text: str) -> None:
    headers = [(b"content-type", b"application/json; " + _header(text))]
    require_json(Request({"type": "http", "headers": headers}))


FUNCTIONS: dict[str, Callable[[str], object]] = {
    # shared
    "composed": composed,
    "stream_safe": stream_safe,
    "extract_hashtags": lambda text: extract_hashtags(text, KNOWN),
    "strict_json": _refusing(lambda text: strict_json(_bytes(text))),
    "strict_json in a string": _refusing(lambda text: strict_json(_document(text))),
    "strict_json without an end": _refusing(
        lambda text: strict_json(b"[" + b"[]," * 33 + b'"' + _bytes(text))
    ),
    "require_json": _refusing(_content_type),
    "versions_of": _tags,
    "Cursors.place": _refusing(Cursors("todos").place),
    "continued": continued,
    "references": find_in,
    "a reference": _refusing(parsed),
    "shows_nothing": shows_nothing,
    # intake
    "a delivery": _refusing(lambda text: parsed_json(_bytes(text))),
    "a delivery in a string": _refusing(lambda text: parsed_json(_document(text))),
    "claim_of": _refusing(_signed),
    "verify": _refusing(lambda t: verify([b"k"], Claim(b"m", b"1", _header(t)), _bytes(t))),
    "clean_file_name": lambda text: content_disposition(clean_file_name(text)),
    "media_type": media_type,
    "alike": lambda text: alike(text, text + "x"),
    "says_more": lambda text: says_more(f"a{text}b", f"b{text}a"),
    "Author.key": lambda text: [Author(handle=text).key(), Author(email=text).key()],
    "lenient.repair": lambda text: lenient.repair(_message(text), now=NOW),
    "lenient.id_of": lambda text: lenient.id_of({"id": text}),
    "lenient.message_of": lambda text: lenient.message_of(_message(text), now=NOW),
    "read": lambda text: _read(_message(text)),
    "from_channel": _incoming,
    "external_id_of": lambda text: quarantine.external_id_of(
        _document(text).decode(), standard_webhooks.id_of
    ),
    "external_id_of, broken": lambda text: quarantine.external_id_of(
        f'{{"id": "{text}', standard_webhooks.id_of
    ),
    "a mail": lambda text: message_of(b"Subject: Re: x\r\n\r\n" + _bytes(text), Reading(NOW)),
    "a mail in HTML": lambda text: message_of(
        b"Content-Type: text/html\r\n\r\n<p>" + _bytes(text), Reading(NOW)
    ),
    "the headers of a mail": lambda text: message_of(_headers(text), Reading(NOW)),
    "a form": _refusing(lambda text: form(_bytes(text), None)),
    "what is told": lambda _: Result().body(),
    **{
        model.__name__: _fields(model)
        for model in (InquiryIn, WebhookMessage, WebhookEvent, ReplyIn, CloseIn, ReclassifyIn)
    },
    "InquiryIn as JSON": _json(InquiryIn),
    "InquiryQuery": _fields(InquiryQuery),
    # router
    "prepare": prepare,
    "find": lambda text: WORDS.finder.find(text.lower()),
    "DirectAddresses.desk": lambda text: DECIDER.addresses.desk("facebook", text, [text]),
    # One with the subject and the hashtags, the other with the text.
    "decide": lambda t: DECIDER.decide(Inquiry("", t, "facebook", (t,))),
    "features": lambda t: features(t, t),
    "places": lambda t: places(t, t),
    "preview": lambda t: DECIDER.preview(t, subject=None, channel="facebook"),
    "netiquette": lambda t: DECIDER.screening.netiquette.suspicion(Inquiry(t)),
    "spam": lambda t: DECIDER.screening.spam.suspicion(Inquiry(t)),
    "chatter": lambda t: DECIDER.screening.chatter.suggestion(Inquiry(t, after_answer=True)),
    "foreign": foreign,
    **{
        model.__name__: _fields(model)
        for model in (ClaimIn, DismissIn, EndIn, PreviewIn, ReopenIn, RerouteIn, TodoQuery)
    },
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_growth_is_linear(function: str) -> None:
    assert_linear(function, FUNCTIONS[function], longest=LONG)


def test_growth_is_linear_in_the_beginning_that_the_lexicon_reads() -> None:
    assert_linear("words_of", words_of, longest=LONGEST_TEXT)


def assert_linear(function: str, fed: Callable[[str], object], *, longest: int) -> None:
    """Up to `longest` characters, for texts of every kind."""
    for kind, text in KINDS.items():
        long = text(longest)
        taken = _seconds(fed, long)
        if taken <= UNSUSPECTED_SECONDS:
            continue
        shorter = text(longest // TIMES)
        allowed = ALLOWED_GROWTH * max(_seconds(fed, shorter) for _ in range(2))
        if taken > allowed:  # the machine may have been busy with something else
            taken = min(_seconds(fed, long) for _ in range(2))
        assert taken <= max(allowed, UNSUSPECTED_SECONDS), f"{function} is not linear: {kind}"


def _seconds(fed: Callable[[str], object], text: str) -> float:
    """Of the processor, for this thread."""
    began = thread_time()
    fed(text)
    return thread_time() - began

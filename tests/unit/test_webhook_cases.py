"""How recorded deliveries are read, signed anew and compared: see tests.support.webhook_cases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.webhook_cases.case import Case
from tests.support.webhook_cases.comparing import Answered, Outcome, Stored, differences
from tests.support.webhook_cases.signing import called, signed

WANTED = {
    "external_id": "c-1",
    "thread_id": "t-1",
    "author_id": "u-1",
    "author_name": "Kim",
    "text": "Gru\u0308ße\r\nKim ",
    "sent_at": "2026-11-24T12:00:00.900Z",
}


def case(name: str = "slack/one", body: bytes = b"{}", **expected: Any) -> Case:
    return Case(name, body, {"inquiries": [WANTED], "ignored": 0, **expected})


def outcome(status: int = 200, *, passed_over: int = 0, **values: Any) -> Outcome:
    """What became of one delivery; `values` are what the message has otherwise."""
    has = {
        "external_id": "c-1",
        "thread_id": "t-1",
        "author_id": "u-1",
        "author_name": "Kim",
        "text": "Grüße\nKim",
        "sent_at": "2026-11-24T13:00:00+01:00",
    } | values
    stored = Stored({name: [value] for name, value in has.items()}, attachments=2)
    headers = {"content-type": "application/json; charset=utf-8"}
    answer = Answered(status, headers, b'{"word": "a1"}')
    return Outcome([answer], [stored], passed_over)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({}, outcome()),
        ({"status": ["2xx", "409"]}, outcome(409)),
        ({"lenient": ["text:whitespace"]}, outcome(text=" Grüße   Kim")),
        ({"lenient": ["text", "sent_at"]}, outcome(text="?", sent_at="2020-01-01T00:00:00Z")),
        ({"lenient": ["external_id"]}, outcome(external_id="made-up")),
        ({"accept": {"c-1": {"external_id": ["c1"], "text": ["?"]}}}, outcome(text="?")),
        ({"ignored": 2}, outcome(passed_over=2)),
        ({"attachments": 2}, outcome()),
        ({"response": {"status": 200, "content_type": "application/json"}}, outcome()),
        ({"response": {"body_json": {"word": "a1"}, "contains": "a1"}}, outcome()),
        ({"response": {"header_present": ["Content-Type"]}}, outcome()),
    ],
)
def test_what_is_as_expected(expected: dict[str, Any], found: Outcome) -> None:
    assert differences(case(**expected), found) == []


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ({}, outcome(500), "status 500, expected 2xx"),
        ({"status": ["5xx"]}, outcome(500), "status 500, expected 5xx"),
        ({}, outcome(text="other"), "c-1: text is 'other'"),
        ({}, outcome(thread_id="t-2"), "c-1: thread_id is 't-2', expected 't-1'"),
        ({}, outcome(sent_at="2026-11-24T12:00:01Z"), "c-1: sent_at is"),
        ({}, outcome(external_id="c-2"), "no message c-1"),
        ({"inquiries": []}, outcome(), "a message that should not be: 'c-1'"),
        ({"ignored": 1}, outcome(), "0 items made no inquiry, expected 1"),
        ({"attachments": 1}, outcome(), "2 attachments, expected 1"),
        ({"response": {"body": "a1"}}, outcome(), "response.body is"),
        ({"response": {"header_present": ["Allow"]}}, outcome(), "response.header_present is"),
        ({"response": {"new": 7}}, outcome(), "response.new is not known"),
    ],
)
def test_what_is_not(expected: dict[str, Any], found: Outcome, said: str) -> None:
    assert any(each.startswith(said) for each in differences(case(**expected), found))


def test_an_address_that_was_signed_differs_here_in_the_same_parts() -> None:
    recorded, here = "https://a.example/hook?x=1", "https://a.example/intake/c?x=1"
    assert called("https://a.example:443/hook?x=1", recorded, here) == (
        "https://a.example:443/intake/c?x=1"
    )
    assert called("https://a.example/other?x=1", recorded, here) == "https://a.example/other?x=1"


def test_signatures_are_those_that_platforms_publish() -> None:
    """Of Standard Webhooks' own libraries, and of GitHub's documentation."""
    standard = case(
        body=b'{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        sign={
            "scheme": "standard-webhooks",
            "id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "at": 1614265330,
        },
    )
    headers, _ = signed(standard, "", 0)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    github = case(
        body=b"Hello, World!",
        secret="It's a Secret to Everybody",
        sign={"scheme": "github"},
    )
    headers, _ = signed(github, "", 0)
    assert headers["X-Hub-Signature-256"].startswith("sha256=757107ea0eb2509fc211221cce984b8a")


def test_what_meta_has_to_know_is_found_in_the_question() -> None:
    asked = b"hub.mode=subscribe&hub.verify_token=word-of-ours&hub.challenge=1"
    expected = {"method": "GET", "secret": "app-secret", "status": ["200"]}
    answered = case("messenger/asked", asked, **expected)
    assert answered.channel_secrets == ["app-secret", "verify:word-of-ours"]
    refused = case("messenger/asked", asked, **{**expected, "status": ["403"]})
    assert refused.channel_secrets == ["app-secret"]

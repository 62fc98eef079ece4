"""Who wrote when, and by which id a mail is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.intake.connectors.items import NewMessage, OwnPost
from services.intake.connectors.mail.item import id_of
from services.intake.connectors.port import Reading
from tests.unit.intake.mail.mails import NOW, details, item, mail, message


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("Erika <Erika@Kunde.Example>", "Erika", "erika@kunde.example"),
        ("erika@kunde.example (Erika M.)", "Erika M.", "erika@kunde.example"),
        ('"Groß, Ärzte-GmbH" <praxis@gross.example>', "Groß, Ärzte-GmbH", "praxis@gross.example"),
        ("=?windows-1252?Q?Gro=DF=2C_M?= <m@x.example>", "Groß, M", "m@x.example"),
        ('"=?UTF-8?B?SsO8cmdlbg==?=" <j@x.example>', "Jürgen", "j@x.example"),
        ("=?utf-8?q?J=C3?=\r\n =?utf-8?q?=BCrgen?= <j@x.example>", "Jürgen", "j@x.example"),
        ("=?utf-8?b?%%%?= <j@x.example>", "=?utf-8?b?%%%?=", "j@x.example"),
        ("a@x.example, b@x.example", None, "a@x.example"),
        ("Team: a@x.example, b@x.example;", None, "a@x.example"),
        ("<a@x.example", None, "a@x.example"),
    ],
)
def test_an_author_is_written_in_many_ways(written: str, name: str | None, address: str) -> None:
    author = message(mail(**{"from": written})).author
    assert (author.name, author.email, author.id) == (name, address, address)


def test_an_author_may_be_written_in_bytes_that_are_no_ascii() -> None:
    raw = mail().replace(b"Erika Muster", "Jürgen Weiß".encode("cp1252"))
    assert message(raw).author.name == "Jürgen Weiß"


def test_without_a_from_it_is_the_sender_or_nobody() -> None:
    assert message(mail(**{"from": None, "sender": "s@x.example"})).author.email == "s@x.example"
    assert message(mail(**{"from": "nobody at all"})).author.key() is None


@pytest.mark.parametrize(
    ("date", "right"),
    [
        ("Sun, 22 Nov 2026 13:00:00 +0100 (CET)", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("22 Nov 26 13:00 GMT", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 13:00:00 -0000", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 +2359", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Fri, 24 Dec 2027 12:00:00 +0000", None),
        ("gestern", None),
        ("Mon, 99 Nov 99999 99:99:99 +9999", None),
        ("1" * 1000, None),
    ],
)
def test_a_date_that_cannot_be_is_left_out(date: str, right: datetime | None) -> None:
    assert message(mail(date=date)).sent_at == right


def test_a_mail_is_known_by_its_message_id() -> None:
    for written in ("<m-1@x>", " <m-1@\r\n x>  (comment)", "m-1@x", "<m-1@x> <m-1@x>"):
        raw = mail(message_id=written)
        assert message(raw).id == id_of(raw) == "m-1@x"


def test_without_a_message_id_it_is_known_by_what_no_server_changes() -> None:
    raw = mail(message_id=None)
    found = message(raw).id
    assert found.startswith("derived:")
    assert id_of(raw) == found
    other_way = b"Received: by mx\r\nReturn-Path: <x@y.example>\r\n" + raw + b"\r\n\r\n"
    assert message(other_way.replace(b"\r\n", b"\n")).id == found
    assert message(mail("anderes", message_id=None)).id != found
    assert message(mail(message_id=None, subject="Andere Frage")).id != found


def test_of_two_message_ids_nobody_knows_which_one_counts() -> None:
    raw = b"Message-ID: <other@x>\r\n" + mail()
    assert message(raw).id.startswith("derived:")
    assert message(raw).id == id_of(raw)


def test_a_thread_is_named_after_its_first_mail() -> None:
    first = message(mail())
    assert (first.thread_id, first.parent_id) == (first.id, None)
    answer = message(mail(in_reply_to="<r2@desk>", references="<m1@x>\r\n <r1@desk>\t<r2@desk>"))
    assert (answer.thread_id, answer.parent_id) == ("m1@x", "r2@desk")
    assert answer.hints is not None
    assert answer.hints.messages == ("r2@desk", "r1@desk", "m1@x")
    assert message(mail(in_reply_to="<r2@desk>")).thread_id == "r2@desk"


def test_a_subject_or_a_plus_address_may_name_an_inquiry() -> None:
    found = message(mail(subject="Re: Frage [K7Q]", to="Desk <Help+K7Q4@desk.example>"))
    assert found.hints is not None
    assert found.hints.texts == ("Re: Frage [K7Q]", "K7Q4")


def test_our_own_address_is_ours_in_any_case() -> None:
    raw = mail(**{"from": "HELP@Desk.example", "to": "erika@kunde.example"})
    assert isinstance(item(raw), OwnPost)
    assert isinstance(item(raw, Reading(NOW)), NewMessage)


def test_an_answer_of_ours_belongs_to_what_it_answers() -> None:
    raw = mail(**{"from": "help@desk.example", "in_reply_to": "<m1@x>", "references": "<m0@x>"})
    found = item(raw)
    assert isinstance(found, OwnPost)
    assert (found.message.thread_id, found.message.parent_id) == (None, "m1@x")


def test_a_web_form_that_mails_from_our_address_names_the_customer_in_reply_to() -> None:
    raw = mail(**{"from": "help@desk.example", "reply_to": "Erika <erika@kunde.example>"})
    assert message(raw).author.email == "erika@kunde.example"


def test_an_answer_of_ours_may_name_somebody_in_reply_to() -> None:
    raw = mail(
        **{"from": "help@desk.example", "to": "erika@kunde.example", "cc": "help@desk.example"},
        reply_to="eva@desk.example",
    )
    assert isinstance(item(raw), OwnPost)


def test_who_else_got_it_is_known() -> None:
    raw = mail(to="help@desk.example, b@x.example", cc="C <c@x.example>", reply_to="d@x.example")
    assert details(raw) == {
        "to": ["help@desk.example", "b@x.example"],
        "cc": ["c@x.example"],
        "reply_to": ["d@x.example"],
    }

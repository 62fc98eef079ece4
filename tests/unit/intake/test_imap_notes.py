"""What stands in for a mail that is not read whole."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from services.intake.connectors.items import NewMessage
from services.intake.connectors.mail.item import message_of
from services.intake.connectors.port import Reading
from services.intake.pulling.imap_notes import too_large, unreadable

READING = Reading(datetime(2026, 11, 27, 9, 0, tzinfo=UTC))
MIB = 1_048_576
HEADER = (
    b"From: Erika <erika@example.org>\r\nTo: info@example.org\r\n"
    b"Subject: =?utf-8?q?B=C3=BCcher?=\r\n"
    b"Message-ID: <large@example.org>\r\nIn-Reply-To: <before@example.org>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=abc\r\n"
    b"Content-Transfer-Encoding: base64\r\nX-Folded: a\r\n b\r\n\r\n"
)


def test_of_a_mail_that_is_too_large_a_person_sees_who_wrote_and_where_it_is() -> None:
    raw = too_large(HEADER, size=31 * MIB, most=25 * MIB, folder="Büro")
    found = message_of(raw, READING)
    assert isinstance(found, NewMessage)
    message = found.message
    assert message.id == "large@example.org"
    assert message.author.email == "erika@example.org"
    assert message.subject == "Bücher"
    assert "31.0 MiB, more than the 25 MiB" in message.text
    assert "folder Büro" in message.text
    assert message.files == ()


def test_a_mail_that_is_not_handed_out_is_a_message_too() -> None:
    raw = unreadable(17, folder="INBOX", reason="[SERVERBUG] no")
    found = message_of(raw, READING)
    assert isinstance(found, NewMessage)
    assert "number 17 in the folder INBOX" in found.message.text
    again = message_of(raw, READING)
    assert isinstance(again, NewMessage)
    assert again.message.id == found.message.id, "a repeat changes nothing"


@pytest.mark.parametrize(
    "header",
    [b"", b"\r\n", b"no header", b"From: a@example.org", b"\xff\xfe: x\r\n", b" folded\r\n\r\n"],
)
def test_whatever_the_headers_are_the_note_is_there(header: bytes) -> None:
    found = message_of(too_large(header, size=0, most=MIB, folder="INBOX"), READING)
    assert isinstance(found, NewMessage)
    assert "more than the 1 MiB" in found.message.text


def test_ten_thousand_headers_cost_no_more_than_their_length() -> None:
    header = b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n"
    began = time.process_time()
    too_large(header, size=MIB, most=MIB, folder="INBOX")
    assert time.process_time() - began < 1

"""Mails that a mail service took apart, whatever it made of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from services.intake.connectors import mailgun, postmark, sendgrid
from services.intake.connectors.decoding import Field
from services.intake.connectors.items import NewMessage
from services.intake.connectors.mail import kept
from tests.unit.intake.mail.mails import READING


def texts(value: Any) -> list[str]:
    """All that are in it, at any depth."""
    if isinstance(value, dict):
        return [each for pair in value.items() for part in pair for each in texts(part)]
    if isinstance(value, list | tuple):
        return [each for part in value for each in texts(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("strange", ["\0", "\ud800", "\u2028", "=?utf-8?q?=00?=", "\U0001f600"])
def test_whatever_characters_come_can_be_stored(strange: str) -> None:
    names = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "References", "In-Reply-To")
    headers = [(name, f"{strange} <a{strange}@x.example>") for name in names]
    raw = kept.item(
        headers, text=f"WG{strange}", written=strange, recipients=[f"a+{strange}@x.example"]
    )
    for each in (raw, {**raw, "text": "", "html": f"<p>{strange}x"}):
        found = kept.read(each, READING)
        assert isinstance(found, NewMessage)
        for text in texts(asdict(found.message)):
            assert "\0" not in text
            assert text.encode()


def test_what_is_no_item_of_a_mail_is_broken() -> None:
    items: list[Any] = [None, [], {}, {"mime": 7}, {"mime": "€"}, {"headers": {}}, {"headers": "x"}]
    for strange in items:
        assert kept.id_of(strange) is None
        assert not isinstance(kept.read(strange, READING), NewMessage)
    odd = {"headers": [7, ["a"], ["From", 7], ["a", "b", "c"]], "files": [7, {"content": "€"}]}
    assert isinstance(kept.read(odd, READING), NewMessage)


def test_the_last_resort_for_an_id_is_the_services_own() -> None:
    (raw,) = postmark.CONNECTOR.split({"From": "a@x.example", "MessageID": "p-1"}).items
    assert kept.id_of(raw) == "p-1"


def test_a_header_that_a_form_names_twice_counts_as_mailgun_lists_it() -> None:
    listed = Field("message-headers", b'[["Message-Id", "<m1@x>"], ["From", "a@x.example"]]')
    fields = (listed, Field("Message-Id", b"<m2@x>"), Field("from", b"b@x.example"))
    (raw,) = mailgun.CONNECTOR.split(fields).items
    found = kept.read(raw, READING)
    assert isinstance(found, NewMessage)
    assert (found.message.id, found.message.author.email) == ("m1@x", "a@x.example")


def test_a_file_of_mailgun_is_named_as_far_as_the_form_says_by_what() -> None:
    named = Field("content-id-map", b'{"<a>": [1], "<b>": {}, "<c>": "attachment-1", "<d>": null}')
    file = Field("attachment-1", b"x", "a.png", "image/png")
    (raw,) = mailgun.CONNECTOR.split((Field("from", b"a@x.example"), named, file)).items
    assert raw["files"][0]["content_id"] == "c"


def test_sendgrid_describes_its_files_beside_them() -> None:
    described = b'{"attachment1": {"filename": "a.pdf", "type": "application/pdf"}}'
    fields = (
        Field("from", b"a@x.example"),
        Field("attachment1", b"%PDF", "x", "application/octet-stream"),
        Field("attachment-info", described),
    )
    (raw,) = sendgrid.CONNECTOR.split(fields).items
    found = kept.read(raw, READING)
    assert isinstance(found, NewMessage)
    assert [(each.name, each.type) for each in found.message.files] == [
        ("a.pdf", "application/pdf")
    ]

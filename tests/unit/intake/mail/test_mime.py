"""Mails taken apart, whole or damaged."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.connectors.items import NewMessage
from services.intake.connectors.mail.mime import MOST_DELIMITERS, MOST_NESTED, headers_of
from services.intake.inquiries.fields import MOST_ATTACHMENTS
from tests.unit.intake.mail.mails import item, mail, message, parts

PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n"
A_PDF = "Content-Type: application/pdf\r\nContent-Disposition: attachment; "


@pytest.mark.parametrize(
    ("charset", "content", "right"),
    [
        ("utf-8", "Grüße – 5 €".encode(), "Grüße – 5 €"),
        ("iso-8859-1", "Grüße – 5 €".encode("cp1252"), "Grüße – 5 €"),
        ("windows-1252", "Grüße „so“".encode("cp1252"), "Grüße „so“"),
        ("iso-8859-1", "Grüße – falsch benannt".encode(), "Grüße – falsch benannt"),
        ("us-ascii", "Grüße".encode("cp1252"), "Grüße"),
        ("utf-8", "Grüße und Küsse".encode("cp1252"), "Grüße und Küsse"),
        ("utf-8", "Grüße, Küsse".encode() + b"\xc3", "Grüße, Küsse\ufffd"),
        ("x-nobody-knows", "Grüße".encode("cp1252"), "Grüße"),
        ("hex", b"4142", "4142"),
        ("iso-2022-jp", "質問".encode("iso-2022-jp"), "質問"),
        ("gb2312", "联通".encode("gbk"), "联通"),
        ('"\0"', b"Hallo", "Hallo"),
        ('"\0"', "Grüße".encode(), "Grüße"),
    ],
)
def test_a_charset_may_be_wrong_or_unknown(charset: str, content: bytes, right: str) -> None:
    raw = mail(content, content_type=f"text/plain; charset={charset}")
    assert message(raw).text == right


def test_transfer_encodings_are_undone_as_far_as_they_go() -> None:
    encoded = base64.b64encode("Schöne Grüße aus Kiel".encode())
    for body in (encoded, encoded[:-3] + b"\r\n", b"%%" + encoded):
        raw = mail(body, content_transfer_encoding="base64")
        assert message(raw).text.startswith("Schöne Grüße aus")
    quoted = mail("Gr=C3=BC=C3=9Fe=\r\n aus=ZZ Kiel", content_transfer_encoding="quoted-printable")
    assert message(quoted).text == "Grüße aus=ZZ Kiel"
    assert message(mail("Hallo", content_transfer_encoding="unheard-of")).text == "Hallo"


def test_plain_text_is_preferred_to_html_unless_it_is_blank() -> None:
    both = (PLAIN + "als Text", HTML + "<p>als <b>HTML</b></p>")
    assert message(parts(*both, kind="alternative")).text == "als Text"
    blank = (PLAIN + " \r\n", HTML + "<p>als <b>HTML</b></p>")
    assert message(parts(*blank, kind="alternative")).text == "als HTML"


def test_what_is_no_text_of_the_mail_is_a_file() -> None:
    image = b"Content-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\n\x89PNG"
    invitation = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR"
    note = 'Content-Type: text/plain; name="notiz.txt"\r\n\r\nangehängt'
    signature = 'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n\r\nMII'
    found = message(parts(PLAIN + "Text", image, invitation, note, signature))
    assert found.text == "Text"
    assert [(file.name, file.type, file.content_id, file.content) for file in found.files] == [
        (None, "image/png", "logo@x", b"\x89PNG"),
        (None, "text/calendar", None, b"BEGIN:VCALENDAR"),
        ("notiz.txt", "text/plain", None, "angehängt".encode()),
        ("smime.p7s", "application/pkcs7-signature", None, b"MII"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "filename*=UTF-8''Skizze%20K%C3%BCche.pdf",
        "filename*0*=UTF-8''Skizze%20; filename*1*=K%C3%BCche.pdf",
        'filename="=?utf-8?Q?Skizze_K=C3=BCche=2Epdf?="',
        'filename="Skizze Küche.pdf"',
    ],
)
def test_names_of_files_are_written_in_many_ways(said: str) -> None:
    (file,) = message(parts(A_PDF + said + "\r\n\r\n%PDF")).files
    assert (file.name, file.content) == ("Skizze Küche.pdf", b"%PDF")


def test_texts_between_files_are_one_text() -> None:
    found = message(parts(PLAIN + "oben", A_PDF + "filename=a.pdf\r\n\r\n%PDF", PLAIN + "unten"))
    assert found.text == "oben\n\nunten"


def test_an_encrypted_mail_is_kept_as_its_files() -> None:
    found = message(mail("MIIB", content_type="application/pkcs7-mime; name=smime.p7m"))
    assert (found.text, [file.name for file in found.files]) == ("", ["smime.p7m"])


@pytest.mark.parametrize(
    "raw",
    [
        mail("--b\r\n\r\nHallo", content_type="multipart/mixed"),
        mail("--b\r\n\r\nHallo", content_type='multipart/mixed; boundary="c"'),
        mail("--b\r\n\r\nHallo\r\n--b", content_type='multipart/mixed; boundary="b"'),
        parts("Hallo"),
        mail("Hallo", content_type="multipart"),
        mail("Hallo", content_type=";;=;\udcff"),
        b"Hallo",
        b"\r\nHallo",
        b"From a@b Mon\nHallo",
        mail(b"Hallo \0\xff\xfe"),
        mail("Hallo", content_type="text/plain; charset*=x'y"),
    ],
)
def test_a_damaged_mail_is_read_as_far_as_it_goes(raw: bytes) -> None:
    assert "Hallo" in message(raw).text


def test_more_files_than_are_kept_are_in_the_whole_mail() -> None:
    raw = parts(*[A_PDF + f"filename={number}.pdf\r\n\r\n%PDF" for number in range(150)])
    found = item(raw)
    assert isinstance(found, NewMessage)
    assert len(found.message.files) == MOST_ATTACHMENTS
    assert found.message.files[-1].content == raw
    assert [each.field for each in found.adjusted] == ["attachments"]


def nested(depth: int, body: bytes = b"tief") -> bytes:
    levels = [
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(depth)
    ]
    return (
        mail(b"", content_type=None).rstrip(b"\r\n") + b"\r\n" + b"".join(levels) + b"\r\n" + body
    )


A_MAIL = b"Content-Type: message/rfc822\r\n\r\n"
BOMBS = {
    "nested": nested(MOST_NESTED),
    "nested-lines": nested(90, b"a\r\n" * 100_000),
    "nested-deep": nested(5_000),
    "mails-in-mails": b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + b"tief",
    "parts": parts(*[b"\r\n"] * (MOST_DELIMITERS + 5)),
    "empty-lines": mail(b"\n" * 5_000_000),
    "one-line": mail(b"a" * 5_000_000),
    "parameters": mail(b"a", content_type='multipart/mixed; x="' + ";" * 500_000),
    "continuations": mail(b"a", content_type="text/plain; " + "a*1*=x;" * 100_000),
    "recipients": mail(b"a", to=", ".join(f"u{n}@x.example" for n in range(10_000))),
    "lists-of-addresses": (b"To: " + b"@" * 20_000 + b"\r\n") * 240 + mail("a"),
    "lists-of-literals": (b"Cc: " + b"[" * 20_000 + b"\r\n") * 240 + mail("a"),
    "authors-of-mails": parts(*[A_MAIL + b"From: " + b"@" * 20_000 + b"\r\n\r\n"] * 90),
    "comments": mail(b"a", to="(" * 500_000),
    "groups": mail(b"a", to="a:" * 500_000),
    "headers": b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(10_000)) + mail("a"),
    "references": mail(b"a", references=" ".join(f"<{n}@x>" for n in range(10_000))),
    "words": mail(b"a", subject="=?a?q?" * 100_000),
    "ids": mail(b"a", message_id="<a" * 500_000),
    "bytes": bytes(range(128, 256)) * 20_000,
    "nul": b"\0" * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_in_proportion_to_its_length(name: str) -> None:
    began = time.process_time()
    found = item(BOMBS[name])
    assert time.process_time() - began < 5
    assert isinstance(found, NewMessage)


@pytest.mark.parametrize("name", ["lists-of-addresses", "lists-of-literals"])
def test_all_lists_of_addresses_cost_no_more_than_one(name: str) -> None:
    """A mail that is short is read while nothing else is done."""
    began = time.process_time()
    headers_of(BOMBS[name]).addresses("to", "cc")
    assert time.process_time() - began < 0.5


def test_all_html_of_a_mail_costs_no_more_than_one_part_of_it() -> None:
    long = (HTML + "<p>Anfang<p>").encode() + b"<li>" * 200_000
    began = time.process_time()
    found = message(parts(*[long] * 10))
    assert time.process_time() - began < 5
    assert (found.full_text or found.text).count("Anfang") == 3
    assert {file.name for file in found.files} >= {"message.html"}
    assert not message(parts(long)).files


def test_what_would_cost_too_much_is_kept_as_a_file() -> None:
    raw = nested(5_000)
    found = message(raw)
    assert found.text
    assert [file.content for file in found.files] == [raw]


def test_whatever_is_sent_is_some_item() -> None:
    whole = parts(PLAIN + "Grüße", HTML + "<p>x</p>", A_PDF + "filename*=utf-8''x\r\n\r\n%PDF")

    @given(st.binary(max_size=30), st.integers(0, len(whole)), st.integers(0, 40))
    def check(strange: bytes, place: int, width: int) -> None:
        assert item(whole[:place] + strange + whole[place + width :]) is not None
        assert item(strange) is not None

    check()

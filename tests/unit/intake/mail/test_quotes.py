"""What was newly written, apart from quotations and signatures, and nothing lost."""

from __future__ import annotations

import time

import pytest

from services.intake.connectors.html_text import html_to_text
from services.intake.connectors.mail.quotes import written
from tests.unit.intake.mail.mails import details, mail, message

QUOTED = "> Guten Tag,\n> ginge Dienstag?\n> Ihr Desk\n"


@pytest.mark.parametrize(
    "announced",
    [
        "Am Fr., 20. Nov. 2026 um 17:30 Uhr schrieb Desk <help@desk.example>:",
        "Am Fr., 20. Nov. 2026 um 17:30 Uhr schrieb Desk <\nhelp@desk.example>:",
        "Am Freitag, 20. November 2026 um 17:30 schrieb\nder Kundendienst\n<help@desk.example>:",
        "On Fri, Nov 20, 2026 at 5:30 PM Desk <help@desk.example> wrote:",
        "On Fri, Nov 20, 2026 at 5:30 PM The Desk of a Company\n<help@desk.example>\nwrote:",
        "Le ven. 20 nov. 2026 à 17:30, Desk <help@desk.example> a écrit :",
        "",
    ],
)
def test_a_quotation_is_kept_apart(announced: str) -> None:
    text = f"Ja, gern.\n\n{announced}\n{QUOTED}"
    found = message(mail(text, subject="Re: Termin"))
    assert found.text == "Ja, gern."
    assert found.full_text == text.strip("\n")


def test_what_stands_below_a_quotation_is_new() -> None:
    found = message(mail(f"On Fri, Nov 20, 2026 Desk wrote:\n{QUOTED}\nDienstag passt."))
    assert found.text == "Dienstag passt."


@pytest.mark.parametrize(
    "text",
    [
        f"{QUOTED}Ja.\n{QUOTED}Und das auch.\n",
        "> nur ein Zitat\n> und sonst\n> nichts",
        "Von: Kiel\nAn: Hamburg\nBitte mit Rad.",
        "Am 3. Mai habe ich bestellt:\nzwei Stühle",
        "Hallo\n--\nMeine Frage ist lang:\n" + "Zeile\n" * 20,
    ],
)
def test_where_it_cannot_be_told_all_of_it_is_the_text(text: str) -> None:
    found = message(mail(text))
    assert found.text == text.strip("\n").strip()
    assert found.full_text is None


def test_answers_of_outlook_quote_below_headers() -> None:
    history = (
        "Von: Desk <help@desk.example>\nGesendet: Freitag, 20. November 2026 17:30\n"
        "An: Erika Muster\nBetreff: Termin\n\nGinge Dienstag?\n"
    )
    for text in (
        f"Ja, gern.\n\n{history}",
        f"Ja, gern.\n\n-----Ursprüngliche Nachricht-----\n{history}",
        f"Ja, gern.\n\n{history}" + "alte Zeile\n" * 1000,
    ):
        assert message(mail(text, subject="AW: Termin")).text == "Ja, gern."


def test_a_signature_is_kept_apart() -> None:
    for delimiter in ("-- ", "--"):
        found = message(mail(f"Guten Tag\n{delimiter}\nErika Muster\nKiel"))
        assert (found.text, found.full_text) == (
            "Guten Tag",
            f"Guten Tag\n{delimiter}\nErika Muster\nKiel",
        )


def test_a_signature_below_the_quotation_is_no_text() -> None:
    text = f"Ja.\n\nAm 20.11.26 um 17:30 schrieb Desk:\n{QUOTED}\n-- \nErika\n"
    assert message(mail(text, subject="Re: Termin")).text == "Ja."


def test_a_forwarded_mail_is_whole_and_says_who_wrote_it() -> None:
    inner = "Von: Max Kunde <max@kunde.example>\nDatum: 20.11.2026\nBetreff: Stuhl\nAn: Laden"
    for above in ("Bitte kümmern.\n\n", "-------- Weitergeleitete Nachricht --------\n"):
        raw = mail(f"{above}{inner}\n\nEr wackelt.", subject="WG: Stuhl")
        found = message(raw)
        assert "Er wackelt." in found.text
        assert found.author.email == "erika@kunde.example"
        assert details(raw)["forwarded_from"] == {
            "name": "Max Kunde",
            "email": "max@kunde.example",
        }


def test_a_mail_inside_a_mail_says_who_wrote_it() -> None:
    body = b"--b\r\n\r\nsiehe Anlage\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    inner = mail("Er wackelt.", **{"from": "Max <max@kunde.example>"})
    raw = mail(body + inner + b"\r\n--b--", content_type="multipart/mixed; boundary=b")
    assert details(raw)["forwarded_from"]["email"] == "max@kunde.example"
    (file,) = message(raw).files
    assert (file.name, file.type) == ("message.eml", "message/rfc822")
    assert b"Er wackelt." in file.content


def test_what_a_colleague_hands_on_from_our_address_is_the_customers() -> None:
    inner = "Von: Max <max@kunde.example>\nDatum: 20.11.2026\nBetreff: Stuhl\n\nEr wackelt."
    ours = {"from": "help@desk.example", "to": "help@desk.example", "subject": "Fwd: Stuhl"}
    assert message(mail(inner, **ours)).author.email == "max@kunde.example"


@pytest.mark.parametrize(
    "text",
    [
        ">\n\n\n\n" * 100_000,
        "a: b\n" * 200_000,
        ("Am 1 " + "schrieb " * 35 + "\n") * 2_000,
        "(а) написал " * 50_000,
        "On 1 " * 100_000,
        "-- \n" * 100_000,
        "von: a\n\n" * 100_000,
        "> " * 500_000,
    ],
)
def test_hostile_texts_cost_in_proportion_to_their_length(text: str) -> None:
    began = time.process_time()
    assert written(text, subject="Re: x").text
    assert time.process_time() - began < 3


def test_html_becomes_lines_and_paragraphs() -> None:
    html = (
        "<html><head><title>T</title><style>p{color:red}</style></head><body>"
        "<p>Guten&nbsp;Tag,</p><div>erste<br>zweite &ndash; &lt;3</div><ul><li>eins</li>"
        "<li>zwei</li></ul><table><tr><td>a</td><td>b</td></tr></table><pre>x\n  y</pre>"
        "<script>alert(1)</script><!-- nichts --><p>Ende</body>"
    )
    assert html_to_text(html) == (
        "Guten Tag,\n\nerste\nzweite – <3\n\n* eins\n* zwei\n\na b\n\nx\n  y\n\nEnde"
    )


def test_quotations_in_html_are_kept_apart_as_well() -> None:
    html = (
        "<div>Ja, gern.</div><div class=gmail_quote><div>Am Fr., 20. Nov. 2026 um 17:30 schrieb "
        "Desk &lt;help@desk.example&gt;:<br></div><blockquote><p>Guten Tag</p>Ginge Dienstag?"
        "</blockquote></div>"
    )
    found = message(mail(html, content_type="text/html; charset=utf-8"))
    assert found.text == "Ja, gern."
    assert found.full_text is not None
    assert "> Ginge Dienstag?" in found.full_text


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000 + "Ende",
        "<table><tr><td>" * 100_000 + "Ende",
        "<table><tr><td>" + "x" * 100_000 + "</td></tr>" + "<tr><td>y" * 60_000 + "</table>Ende",
        "<p>" * 300_000 + "Ende",
        "<blockquote>" * 1_000 + "x<br>" * 200_000 + "Ende",
        "<a x='" * 200_000 + "'>Ende",
        "&amp" * 300_000 + "Ende",
        "<p style='padding-left:9999999em'>Ende",
        '<?xml version="1.0" encoding="utf-16"?><p>Ende',
    ],
)
def test_hostile_html_costs_in_proportion_to_its_length(html: str) -> None:
    began = time.process_time()
    text = html_to_text(html)
    assert time.process_time() - began < 3
    assert text.endswith("Ende")
    assert len(text) <= 2 * len(html)

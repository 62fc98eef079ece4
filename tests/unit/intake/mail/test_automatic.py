"""Mails that nobody wrote, and those that only look like it."""

from __future__ import annotations

import pytest

from services.intake.connectors.items import DeliveryReport, Ignored, OwnPost
from tests.unit.intake.mail.mails import DESK, item, mail, message, parts

REPORT = (
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.kunde.example\r\n\r\n"
    "Final-Recipient: rfc822; weg@kunde.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 no such user"
)
ORIGINAL = "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <r-1@desk.example>\r\n"
BOUNCE = {"from": "MAILER-DAEMON@mx.kunde.example", "return_path": "<>"}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"auto_submitted": "auto-replied"}, "auto-reply"),
        ({"auto_submitted": "Auto-Replied (vacation)"}, "auto-reply"),
        ({"auto_submitted": "auto-generated; owner-email=x"}, "auto-generated"),
        ({"auto_submitted": "auto-notified"}, "auto-reply"),
        ({"x_autoreply": "yes"}, "auto-reply"),
        ({"x_autorespond": "1"}, "auto-reply"),
        ({"return_path": "<>"}, "auto-reply"),
        ({"return_path": "< >"}, "auto-reply"),
        ({"precedence": "auto_reply"}, "auto-reply"),
        ({"precedence": "bulk"}, "bulk"),
        ({"precedence": "Junk"}, "bulk"),
        ({"from": "Mailer-Daemon@x.example"}, "bounce"),
        ({"x_failed_recipients": "a@x.example"}, "bounce"),
        ({"content_type": "multipart/report; boundary=b"}, "bounce"),
        ({"content_type": "multipart/report; report-type=disposition-notification"}, "receipt"),
        ({"content_type": 'Multipart/Report; report-type="feedback-report"'}, "complaint"),
        ({"list_id": "News <news.shop.example>", "list_unsubscribe": "<mailto:u@x>"}, "list"),
        ({"precedence": "list", "list_post": "<mailto:talk@x.example>", "to": "talk@x"}, "list"),
        ({"subject": "Automatische Antwort: Frage", "in_reply_to": "<r@desk>"}, "auto-reply"),
        ({"subject": "Out of Office: Frage", "references": "<r@desk>"}, "auto-reply"),
        ({"auto_submitted": "auto-replied", "from": "help@desk.example"}, "auto-reply"),
        ({"auto_submitted": "no\r\nAuto-Submitted: auto-replied"}, "auto-reply"),
        ({"auto_submitted": "(x (y)) auto-replied"}, "auto-reply"),
        ({"return_path": "<a@x.example>\r\nReturn-Path: <>"}, "auto-reply"),
        ({"x_autoreply": "no\r\nX-Autoreply: yes"}, "auto-reply"),
        ({"precedence": "first-class\r\nPrecedence: auto_reply"}, "auto-reply"),
        ({"from": "MAILER-DAEMON"}, "bounce"),
        ({"from": "<MAILER-DAEMON>"}, "bounce"),
        ({"from": "Mail Delivery System <>"}, "bounce"),
        ({"from": "MAILER-DAEMON (Mail Delivery System)"}, "bounce"),
        ({"x_loop": "<Help@desk.example>"}, "auto-reply"),
        ({"subject": "Automatische Antwort: Ihre Anfrage"}, "auto-reply"),
        ({"subject": "=?utf-8?q?R=C3=A9ponse_automatique?= : Question"}, "auto-reply"),
        ({"subject": "Out of Office AutoReply: Frage", "in_reply_to": "<r@desk>"}, "auto-reply"),
        ({"subject": "Abwesenheitsnotiz", "in_reply_to": "<r@desk>"}, "auto-reply"),
    ],
)
def test_automatic_mail_opens_no_inquiry(headers: dict[str, str], kind: str) -> None:
    assert item(mail(**headers)) == Ignored("automatic", kind)


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "no"},
        {"auto_submitted": "No (typed by hand)"},
        {"return_path": "<erika@kunde.example>"},
        {"precedence": "first-class"},
        {"x_autoreply": "no"},
        {"x_auto_response_suppress": "All"},
        {"list_unsubscribe": "<https://shop.example/u>"},
        {"subject": "Out of office: how do I switch it on?"},
        {"subject": "Re: Automatic reply: Frage", "in_reply_to": "<r@desk>"},
        {"subject": "Abwesende Mitarbeiter können sich nicht anmelden", "in_reply_to": "<r@desk>"},
        {"subject": "Out of office hours: whom do I call?", "in_reply_to": "<r@desk>"},
        {"subject": "Automatic replies of your CMS do not work", "in_reply_to": "<r@desk>"},
        {"subject": "Abwesenheitsnotiz: wie geht das?"},
        {"auto_submitted": "no (auto-replied)"},
        {"from": "Erika <>"},
        {"x_loop": "list@x.example"},
        # Our own address may be a list, through which all customers write.
        {"list_id": "<help.desk.example>", "precedence": "list"},
        {"list_id": "<x.y>", "list_post": "<mailto:help@desk.example>", "precedence": "bulk"},
        # Somebody names us beside a list.
        {"list_id": "<x.y>", "list_post": "<mailto:talk@x.y>", "cc": "help@desk.example"},
    ],
)
def test_what_somebody_wrote_does(headers: dict[str, str]) -> None:
    assert message(mail(**headers)).text == "Guten Tag"


def test_what_we_answer_with_may_name_our_own_loop() -> None:
    ours = mail(**{"from": DESK, "x_loop": DESK})
    assert isinstance(item(ours), OwnPost)


def test_a_bounce_says_what_became_of_a_message_of_ours() -> None:
    found = item(parts("\r\nI'm sorry", REPORT, ORIGINAL, kind="report", **BOUNCE))
    assert found == DeliveryReport(
        id="m-1@kunde.example",
        message_ids=("r-1@desk.example",),
        action="failed",
        status="5.1.1",
        recipient="weg@kunde.example",
        text="smtp; 550 no such user",
    )


def test_a_bounce_may_bring_all_of_the_mail_or_only_name_it() -> None:
    whole = "Content-Type: message/rfc822\r\n\r\nMessage-ID: <r-1@desk.example>\r\n\r\nHallo"
    found = item(parts(REPORT.replace("failed", "Delayed"), whole, kind="report", **BOUNCE))
    assert isinstance(found, DeliveryReport)
    assert (found.message_ids, found.action) == (("r-1@desk.example",), "delayed")
    named = item(mail("unknown user", **BOUNCE, references="<r-2@desk.example>"))
    assert isinstance(named, DeliveryReport)
    assert (named.message_ids, named.text) == (("r-2@desk.example",), "unknown user")


def test_a_bounce_of_nothing_that_it_names_is_passed_over() -> None:
    assert item(parts(REPORT, kind="report", **BOUNCE)) == Ignored("automatic", "bounce")

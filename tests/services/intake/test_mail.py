"""Mails at intake: whose thread is whose, what is noted on our replies, what proves a delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest

from services.intake.connectors import mailgun, raw_email
from shared.policy import Audience, OwnPosts
from tests.contracts.connectors import mailgun_sample
from tests.services.intake.desk import Desk, opened
from tests.support.clock import ManualClock

TOKEN = "a-token-of-the-relay"
KEY = "key-of-the-account"
POLICY: Mapping[str, Any] = {
    "audience": Audience.PRIVATE,
    "own_ids": ("help@desk.example",),
    "own_posts": OwnPosts.ANSWER,
    "staff_ids": ("eva@desk.example",),
}
ERIKA, MAX = "Erika <erika@kunde.example>", "Max <max@kunde.example>"
HELP = "help@desk.example"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    """`facebook` is a mailbox here."""
    async with opened(
        database_url,
        tmp_path,
        clock,
        connector=raw_email.CONNECTOR,
        secrets=(TOKEN,),
        facebook=POLICY,
    ) as desk:
        yield desk


def mail(id_: str, author: str = ERIKA, text: str = "Guten Tag", **headers: str) -> bytes:
    named = {"to": HELP, "subject": "Frage", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items()]
    return f"From: {author}\r\nMessage-ID: <{id_}>\r\n{''.join(lines)}\r\n{text}".encode(
        "utf-8", "surrogateescape"
    )


async def post(desk: Desk, body: bytes, **headers: str) -> httpx.Response:
    return await desk.http.post(
        "/intake/v1/webhooks/facebook",
        content=body,
        headers={"content-type": "message/rfc822", "authorization": f"Bearer {TOKEN}", **headers},
    )


async def inquiry_of(desk: Desk, body: bytes) -> str:
    answer = (await post(desk, body)).json()
    desk.clock.advance(timedelta(minutes=1))
    (found,) = answer["inquiries"]
    return str(found)


async def answered(desk: Desk, inquiry: str, external_id: str) -> None:
    body = {"kind": "answer", "text": "Gern", "external_id": external_id}
    answer = await desk.post(f"/inquiries/{inquiry}/replies", body)
    assert answer.status_code == 201
    desk.clock.advance(timedelta(minutes=1))


async def conversation_of(desk: Desk, inquiry: str) -> UUID:
    return UUID((await desk.detail(inquiry))["conversation_id"])


async def test_a_mail_that_goes_on_joins_its_inquiry(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    assert await inquiry_of(desk, mail("m2@x", in_reply_to="<m1@x>", references="<m1@x>")) == first
    assert await inquiry_of(desk, mail("m3@x", references="<m1@x> <m2@x>")) == first


async def test_an_answer_to_our_answer_is_a_new_inquiry_of_the_same_conversation(
    desk: Desk,
) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    await answered(desk, first, "r1@desk.example")
    # Some programs name the last mail only.
    second = await inquiry_of(desk, mail("m2@x", in_reply_to="<r1@desk.example>"))
    assert second != first
    assert await conversation_of(desk, second) == await conversation_of(desk, first)


async def test_the_answer_may_come_before_what_it_answers(desk: Desk) -> None:
    second = await inquiry_of(desk, mail("m2@x", references="<m1@x>", in_reply_to="<m1@x>"))
    assert await inquiry_of(desk, mail("m1@x")) == second


async def test_who_names_a_strangers_mail_has_an_inquiry_of_their_own(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    forged = mail("f1@x", MAX, in_reply_to="<m1@x>", references="<m1@x>")
    second = await inquiry_of(desk, forged)
    assert second != first
    shown = await desk.detail(second)
    assert shown["conversation_id"] != (await desk.detail(first))["conversation_id"]
    assert [each["author_name"] for each in shown["messages"]] == ["Max"]
    again = mail("f2@x", MAX, in_reply_to="<f1@x>", references="<m1@x> <f1@x>")
    assert await inquiry_of(desk, again) == second
    assert await inquiry_of(desk, mail("m2@x", references="<m1@x> <f1@x>")) == first


async def test_a_reference_in_the_subject_or_the_address_names_the_inquiry(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    reference = (await desk.detail(first))["reference"]
    by_subject = mail("m2@x", subject=f"Nachtrag zu [{reference.lower()}]")
    assert await inquiry_of(desk, by_subject) == first
    tag = reference.replace("-", "")
    assert await inquiry_of(desk, mail("m3@x", to=f"help+{tag}@desk.example")) == first
    strangers = await inquiry_of(desk, mail("m4@x", MAX, subject=f"Re: {reference}"))
    assert strangers != first
    assert await conversation_of(desk, strangers) != await conversation_of(desk, first)


async def test_another_mail_with_a_known_id_is_another_message(desk: Desk) -> None:
    """Some programs give all their mails the same Message-ID."""
    sent = {"date": "Tue, 24 Nov 2026 10:00:00 +0100"}
    first = await inquiry_of(desk, mail("same@x", **sent))
    for other in (mail("same@x", MAX, **sent), mail("same@x", date="Tue, 24 Nov 2026 10:05 +0100")):
        for _ in range(2):
            answer = (await post(desk, other)).json()
        assert answer["duplicate"] == 1
    assert (await post(desk, mail("same@x", text="Fußzeile", **sent))).json()["duplicate"] == 1
    assert await desk.stored() == 3
    assert len((await desk.detail(first))["messages"]) == 2


async def test_who_names_a_mail_before_it_comes_does_not_get_it(desk: Desk) -> None:
    early = await inquiry_of(desk, mail("f1@x", MAX, references="<m1@x>"))
    first = await inquiry_of(desk, mail("m1@x"))
    assert await conversation_of(desk, first) != await conversation_of(desk, early)
    assert await inquiry_of(desk, mail("m2@x", references="<m1@x>")) == first


async def test_two_who_answer_one_circular_at_once_do_not_meet(desk: Desk) -> None:
    both = (mail(f"{who}@x", f"{who}@x.example", references="<c@news>") for who in ("a", "b"))
    answers = await asyncio.gather(*(post(desk, each) for each in both))
    found = {
        (await desk.detail(each.json()["inquiries"][0]))["conversation_id"] for each in answers
    }
    assert len(found) == 2


async def test_all_who_answer_one_circular_have_inquiries_of_their_own(desk: Desk) -> None:
    named = {"in_reply_to": "<circular@news>", "references": "<circular@news>"}
    found = [
        await inquiry_of(desk, mail("a@x", ERIKA, **named)),
        await inquiry_of(desk, mail("b@x", MAX, **named)),
    ]
    assert len(set(found)) == 2
    assert await inquiry_of(desk, mail("c@x", ERIKA, **named)) == found[0]


async def test_an_answer_of_ours_ends_the_inquiry_of_whom_it_goes_to(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    await post(desk, mail("r1@desk.example", HELP, to=ERIKA, in_reply_to="<m1@x>"))
    assert (await desk.detail(first))["state"] == "answered"


@pytest.mark.parametrize("question_first", [True, False])
async def test_our_answer_is_no_older_than_its_question(desk: Desk, question_first: bool) -> None:
    began = desk.clock.now().isoformat().replace("+00:00", "Z")
    old = "Mon, 1 Jan 2001 00:00:00 +0000"
    question = mail("m1@x")
    answer = mail("r1@desk.example", HELP, to=ERIKA, in_reply_to="<m1@x>", date=old)
    for each in (question, answer) if question_first else (answer, question):
        await post(desk, each)
        desk.clock.advance(timedelta(minutes=1))
    (found,) = (await desk.get("/inquiries"))["items"]
    assert (found["state"], found["answered_at"]) == ("answered", began)


async def test_where_the_customer_wants_the_answer_is_the_customers_address(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x", reply_to="Erika <Privat@home.example>"))
    to_them = mail("r1@desk.example", HELP, to="privat@home.example", in_reply_to="<m1@x>")
    await post(desk, to_them)
    assert (await desk.detail(first))["state"] == "answered"


@pytest.mark.parametrize("named", [{"in_reply_to": "<r1@desk.example>"}, {}])
async def test_what_a_slow_clock_dates_before_our_answer_is_not_answered(
    desk: Desk, named: dict[str, str]
) -> None:
    now = desk.clock.now()
    asked, replied, slow = (
        format_datetime(now + timedelta(minutes=minutes)) for minutes in (0, 1, -30)
    )
    first = await inquiry_of(desk, mail("m1@x", date=asked))
    answer = mail("r1@desk.example", HELP, to=ERIKA, in_reply_to="<m1@x>", date=replied)
    await post(desk, answer)
    desk.clock.advance(timedelta(minutes=1))
    follow_up = mail("m2@x", **{"references": "<m1@x>", "date": slow, **named})
    second = await inquiry_of(desk, follow_up)
    assert second != first
    shown = await desk.detail(second)
    assert shown["state"] == "open"
    sent_at = datetime.fromisoformat(shown["messages"][-1]["sent_at"])
    assert sent_at == now - timedelta(minutes=30)


async def test_an_answer_to_our_answer_may_come_before_our_copy_of_that(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    named = {"in_reply_to": "<r1@desk.example>", "references": "<m1@x> <r1@desk.example>"}
    assert await inquiry_of(desk, mail("m2@x", **named)) == first
    await post(desk, mail("r1@desk.example", HELP, to=ERIKA, in_reply_to="<m1@x>"))
    listed = (await desk.get("/inquiries"))["items"]
    states = {each["state"]: each["id"] for each in listed}
    assert states.keys() == {"open", "answered"}
    messages = (await desk.detail(first))["messages"]
    found = {each["external_id"]: each["inquiry_id"] for each in messages}
    assert (found["m1@x"], found["m2@x"]) == (states["answered"], states["open"])


async def test_one_that_goes_to_somebody_else_asks_a_person(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    to_others = mail("r1@desk.example", HELP, to="supplier@x.example", in_reply_to="<m1@x>")
    answer = (await post(desk, to_others)).json()
    assert answer["ignored_items"] == [{"index": 0, "reason": "own-post"}]
    assert (await desk.detail(first))["state"] == "open"
    assert "inquiry.own_post_seen" in await desk.types()


async def test_the_original_author_of_a_forwarded_mail_is_offered(desk: Desk) -> None:
    text = "Von: Max <max@kunde.example>\nDatum: 20.11.2026\nBetreff: Stuhl\n\nEr wackelt."
    found = await desk.detail(await inquiry_of(desk, mail("m1@x", text=text, subject="WG: Stuhl")))
    (message,) = found["messages"]
    assert message["details"]["forwarded_from"] == {"name": "Max", "email": "max@kunde.example"}


async def test_staff_speak_in_every_thread_and_what_they_hand_on_is_a_question(
    desk: Desk,
) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    view = mail("v1@x", "eva@desk.example", "Ich kenne den Fall.", in_reply_to="<m1@x>")
    answer = (await post(desk, view)).json()
    assert answer["ignored_items"] == [{"index": 0, "reason": "staff"}]
    assert [each["kind"] for each in (await desk.detail(first))["messages"]] == ["inbound", "staff"]
    text = "Von: Max <max@kunde.example>\nDatum: 20.11.2026\nBetreff: Stuhl\n\nEr wackelt."
    handed_on = mail("v2@x", "eva@desk.example", text, subject="WG: Stuhl")
    assert await inquiry_of(desk, handed_on) != first


REPORT = (
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
    "Final-Recipient: rfc822; erika@kunde.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <r1@desk.example>\r\n--b--\r\n"
)


async def test_a_bounce_is_noted_on_our_reply_once(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    await answered(desk, first, "r1@desk.example")
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    bounce = mail("b1@mx", "mailer-daemon@mx.example", REPORT, content_type=kind)
    for _ in range(2):
        answer = (await post(desk, bounce)).json()
        assert answer["ignored_items"] == [{"index": 0, "reason": "automatic"}]
    reply = (await desk.detail(first))["messages"][-1]
    (noted,) = reply["details"]["deliveries"]
    assert (noted["action"], noted["status"]) == ("failed", "5.1.1")
    assert noted["recipient"] == "erika@kunde.example"
    assert await desk.stored() == 2


async def test_a_bounce_of_what_is_not_ours_changes_nothing(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("r1@desk.example"))
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    await post(desk, mail("b1@mx", "mailer-daemon@mx.example", REPORT, content_type=kind))
    (message,) = (await desk.detail(first))["messages"]
    assert "deliveries" not in message["details"]


@pytest.mark.parametrize(
    "strange", ["\0", "\udcff", "=?utf-8?q?=00?=", "=?x?b?AA==?= \\ud800", "ä" * 2000]
)
async def test_whatever_stands_in_a_mail_is_stored(desk: Desk, strange: str) -> None:
    everywhere = {
        "in_reply_to": f"<{strange}@x>",
        "references": f"<a{strange}@x>",
        "reply_to": f"{strange} <{strange}r@x.example>",
        "cc": f"{strange} <c{strange}@x.example>",
        "subject": f"WG: {strange}",
        "date": strange,
        "content_type": f'multipart/mixed; x="{strange}"; boundary=b',
    }
    part = (
        f'Content-Type: text/{strange}x; name="{strange}"\r\nContent-ID: <{strange}>\r\n'
        f"Content-Disposition: attachment; filename*=raw_unicode_escape''%5Cud800{strange}\r\n\r\n"
    )
    forwarded = (
        f"Von: {strange} <f{strange}@x.example>\nDatum: heute\nBetreff: {strange}\n\n{strange}"
    )
    text = f"--b\r\n\r\n{forwarded}\r\n--b\r\n{part}{strange}\r\n--b--\r\n"
    for number in range(2):
        author = f"{strange} <e{number}{strange}@x.example>"
        raw = mail(f"m{number}{strange}@x", author, text, **everywhere)
        answer = (await post(desk, raw)).json()
        assert (answer["accepted"], answer["errors"]) == (1, [])


async def test_a_strange_report_is_noted_as_well(desk: Desk) -> None:
    first = await inquiry_of(desk, mail("m1@x"))
    await answered(desk, first, "r1@desk.example")
    report = REPORT.replace("5.1.1", "5.\0").replace("erika@", "\udcff@")
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    answer = await post(
        desk, mail("b" * 5000, "mailer-daemon@mx.example", report, content_type=kind)
    )
    assert answer.json()["ignored_items"] == [{"index": 0, "reason": "automatic"}]
    (noted,) = (await desk.detail(first))["messages"][-1]["details"]["deliveries"]
    assert noted["status"] == "5.\ufffd"


async def test_automatic_mail_opens_no_inquiry(desk: Desk) -> None:
    answer = await post(desk, mail("m1@x", auto_submitted="auto-replied"))
    assert answer.json()["ignored_items"] == [{"index": 0, "reason": "automatic"}]
    assert await desk.stored() == 0


async def test_a_large_mail_comes_in_with_its_file(desk: Desk) -> None:
    line = "A" * 76 + "\r\n"
    attached = (
        "--b\r\n\r\nsiehe Anlage\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{line * 100_000}--b--\r\n"
    )
    raw = mail("m1@x", text=attached, content_type="multipart/mixed; boundary=b")
    assert len(raw) > 7_000_000
    (message,) = (await desk.detail(await inquiry_of(desk, raw)))["messages"]
    assert message["text"] == "siehe Anlage"
    assert [(each["name"], each["size"]) for each in message["attachments"]] == [
        ("a.pdf", 5_700_000)
    ]


def signed(timestamp: str, token: str, **fields: str) -> bytes:
    form = {"from": ERIKA, "body-plain": "Guten Tag", "timestamp": timestamp, "token": token}
    signature = mailgun_sample.signature(KEY, timestamp, token)
    return urlencode({**form, "signature": signature, **fields}).encode()


async def test_a_token_beside_the_body_proves_one_content(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(
        database_url, tmp_path, clock, connector=mailgun.CONNECTOR, secrets=(KEY,), facebook=POLICY
    ) as desk:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        now = str(int(clock.now().timestamp()))
        first = signed(now, "t1", **{"Message-Id": "<m1@x>"})
        assert (await post(desk, first, **kind)).json()["accepted"] == 1
        forged = signed(now, "t1", **{"Message-Id": "<m2@x>", "body-plain": "Überweisen Sie"})
        assert (await post(desk, forged, **kind)).status_code == 401
        # It comes again as it was, hours later, because our answer got lost.
        clock.advance(timedelta(hours=8))
        again = await post(desk, first, **kind)
        assert (again.status_code, again.json()["duplicate"]) == (200, 1)
        clock.advance(timedelta(hours=2))
        assert (await post(desk, first, **kind)).status_code == 401
        assert await desk.stored() == 1

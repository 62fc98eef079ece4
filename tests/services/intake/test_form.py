"""The web form: what a browser gets and sends, without script."""

from __future__ import annotations

import asyncio
import html
import random
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from services.intake.app import build
from services.intake.form import usecases
from services.intake.form.api import FormRates
from services.intake.inquiries.domain.message import TEXT_LIMIT, Accepted
from services.intake.settings import IntakeSettings
from services.intake.tables import form_keys, messages
from services.intake.worker import Gone, remove_once
from shared.events.deadlines import DeadlineMoved, DeadlineStarted
from shared.policy import Form, FormEmail, Localized
from shared.runtime.lifecycle import running_loops
from shared.text.references import reference_of
from tests.services.intake.desk import Desk, opened, policy
from tests.support.bench import runtime_of, served
from tests.support.clock import ManualClock

FRIDAY_NOON = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
"""12:00 in Berlin."""
TYPED = {
    "name": "Erika Muster",
    "email": "Erika@Example.org",
    "subject": "Rechnung 17",
    "text": "Guten Tag,\r\nwo finde ich die Rechnung?",
}


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sla runs here that could say by when."""
    monkeypatch.setattr(usecases, "WAIT_SECONDS", 0.01)


class Browser:
    """Somebody with a browser, who opens the form and takes their time."""

    def __init__(self, desk: Desk, *, address: str = "203.0.113.7", language: str = "de") -> None:
        transport = httpx.ASGITransport(app=desk.service.app, client=(address, 4711))
        self.http = httpx.AsyncClient(
            transport=transport, base_url="http://desk", headers={"accept-language": language}
        )
        self._desk = desk

    async def opens(self, path: str = "/form", status: int = 200) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text

    async def token(self) -> str:
        """That of a form which has been open for a minute."""
        token = _token(await self.opens())
        self._desk.clock.advance(timedelta(minutes=1))
        return token

    async def sends(
        self, typed: Mapping[str, str], *files: tuple[str, bytes, str], path: str = "/form"
    ) -> httpx.Response:
        """As a browser does: all fields, and an empty file where none was chosen."""
        chosen = files or (("", b"", "application/octet-stream"),)
        return await self.http.post(
            path,
            data={"website": "", **typed},
            files=[("files", file) for file in chosen],
        )

    async def submits(self, *files: tuple[str, bytes, str], **typed: str) -> httpx.Response:
        """Opens the form, fills it in, sends it."""
        return await self.sends({"token": await self.token(), **TYPED, **typed}, *files)

    async def sent(self, **typed: str) -> str:
        """The address of the page after it."""
        answer = await self.submits(**typed)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@pytest.fixture
async def browser(desk: Desk) -> AsyncIterator[Browser]:
    browser = Browser(desk)
    async with browser.http:
        yield browser


def _token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]*)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def _field(page: str, name: str) -> str:
    """What a field of the page holds."""
    tag = re.search(rf'<(input|textarea) id="{name}"[^>]*>', page)
    assert tag is not None, page
    if tag[1] == "textarea":
        return html.unescape(page[tag.end() :].partition("</textarea>")[0]).removeprefix("\n")
    value = re.search(r' value="([^"]*)"', tag[0])
    return html.unescape(value[1]) if value else ""


def _fault(page: str, name: str) -> str:
    """What stands beside the field, which names it as its description."""
    found = re.search(rf'<p class="error" id="{name}-error">(.*?)</p>', page)
    tag = re.search(rf'<(?:input|textarea) id="{name}"[^>]*>', page)
    assert found is not None, page
    assert tag is not None
    assert f"{name}-error" in re.findall(r'aria-describedby="([^"]*)"', tag[0])[0].split()
    assert 'aria-invalid="true"' in tag[0]
    assert f'href="#{name}"' in page
    return html.unescape(found[1])


async def _stored(desk: Desk) -> list[dict[str, Any]]:
    return await desk.service.database.read(
        lambda tx: tx.rows(select(messages).order_by(messages.c.received_at))
    )


async def _inquiries(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.get("/inquiries"))["items"]
    return found


def _started(inquiry_id: UUID, **fields: Any) -> DeadlineStarted:
    values = {
        "inquiry_id": inquiry_id,
        "conversation_id": inquiry_id,
        "state": "running",
        "target": "first_answer",
        "due_at": FRIDAY_NOON,
        "at": datetime(2026, 11, 26, 11, 0, tzinfo=UTC),
        "channel": "web_form",
        "promise": "answer",
        **fields,
    }
    return DeadlineStarted(**values)


def _moved(inquiry_id: UUID, **fields: Any) -> DeadlineMoved:
    started = _started(inquiry_id).model_dump() | {"cause": "policy", **fields}
    return DeadlineMoved(**{n: started[n] for n in DeadlineMoved.model_fields})


async def test_what_was_sent_is_an_inquiry(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    (found,) = await _inquiries(desk)
    detail = await desk.detail(found["id"])
    (message,) = detail["messages"]
    assert message["text"] == "Guten Tag,\nwo finde ich die Rechnung?"
    assert (message["subject"], message["author_name"]) == ("Rechnung 17", "Erika Muster")
    (identity,) = detail["contact"]["identities"]
    assert (identity["channel"], identity["email"]) == ("web_form", "erika@example.org")
    page = await browser.opens(where)
    assert '<meta name="robots" content="noindex">' in page
    assert found["reference"] in page
    assert "Vielen Dank" in page
    assert "innerhalb von 24 Stunden" in page
    assert [each.data.TYPE for each in await desk.told()] == ["inquiry.received"]


async def test_the_page_says_by_when(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    (found,) = await _inquiries(desk)
    inquiry_id = UUID(found["id"])
    await desk.hears(_started(inquiry_id))
    assert "Wir antworten bis Freitag, 12:00 Uhr." in await browser.opens(where)
    page = await browser.opens(where.replace("lang=de", "lang=en"))
    assert "We will answer by Friday, 12:00." in page
    assert "Friday, 27 November 2026, 12:00" in page

    desk.clock.advance(timedelta(days=4))
    page = await browser.opens(where)
    assert "Wir wollten bis Freitag, 27. November 2026, 12:00 Uhr antworten" in page

    later = datetime(2026, 12, 14, 15, 30, tzinfo=UTC)
    await desk.hears(_moved(inquiry_id, due_at=later))
    page = await browser.opens(where)
    assert "Wir antworten bis Montag, 14. Dezember 2026, 16:30 Uhr." in page

    await desk.hears(_moved(inquiry_id, due_at=later, state="paused", cause="paused"))
    assert "warten auf Ihre Rückmeldung" in await browser.opens(where)
    await desk.hears(_moved(inquiry_id, target="hand_over", due_at=FRIDAY_NOON))
    assert "warten auf Ihre Rückmeldung" in await browser.opens(where)


async def test_the_page_follows_the_answer(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    (found,) = await _inquiries(desk)
    await desk.hears(_started(UUID(found["id"])))
    reply = {"kind": "holding", "text": "Wir suchen.", "author": "Anna"}
    assert (await desk.post(f"/inquiries/{found['id']}/replies", reply)).status_code == 201
    page = await browser.opens(where)
    assert "in Arbeit" in page
    assert "Wir melden uns wieder bis Freitag, 12:00 Uhr." in page
    reply = {"kind": "answer", "text": "Unter Konto.", "author": "Anna"}
    assert (await desk.post(f"/inquiries/{found['id']}/replies", reply)).status_code == 201
    page = await browser.opens(where)
    assert "Ihre Nachricht ist beantwortet" in page
    assert "Beantwortet: Dienstag, 24. November 2026" in page
    assert "Freitag" not in page


async def test_a_closed_one_says_so(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    (found,) = await _inquiries(desk)
    body = {"reason": "no_answer_needed"}
    assert (await desk.post(f"/inquiries/{found['id']}/close", body)).is_success
    assert "abgeschlossen" in await browser.opens(where)


async def test_a_late_fact_turns_nothing_back(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    (found,) = await _inquiries(desk)
    inquiry_id = UUID(found["id"])
    started = desk.envelope(_started(inquiry_id))
    desk.clock.advance(timedelta(minutes=1))
    await desk.hears(
        _started(inquiry_id, due_at=FRIDAY_NOON + timedelta(hours=1)),
    )
    await desk.service.handle([started])
    assert "Freitag, 13:00 Uhr" in await browser.opens(where)


async def test_other_channels_have_no_page(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    placed = await desk.new_inquiry(channel="email")
    inquiry_id = UUID(placed["inquiry_id"])
    await desk.hears(_started(inquiry_id, channel="email"), _moved(inquiry_id))
    assert "innerhalb von 24 Stunden" in await browser.opens(where)
    api = await desk.new_inquiry(external_id="form:somebody-else")
    assert api["opened"] is True
    await browser.opens("/form/sent/somebody-else", 404)


async def test_who_waits_is_shown_the_due_time_at_once(
    desk: Desk, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: asyncio.Queue[UUID] = asyncio.Queue()
    take = usecases.take

    async def taken(*arguments: Any) -> Accepted:
        accepted = await take(*arguments)
        placed.put_nowait(accepted.inquiry_id)
        return accepted

    monkeypatch.setattr(usecases, "WAIT_SECONDS", 30.0)
    monkeypatch.setattr(usecases, "take", taken)
    sending = asyncio.create_task(browser.submits())
    await desk.hears(_started(await placed.get()))
    answer = await asyncio.wait_for(sending, 10)
    assert "bis Freitag, 12:00 Uhr" in await browser.opens(answer.headers["location"])


async def test_sent_twice_is_one(desk: Desk, browser: Browser) -> None:
    typed = {"token": await browser.token(), **TYPED}
    first, second = await asyncio.gather(browser.sends(typed), browser.sends(typed))
    assert first.headers["location"] == second.headers["location"]
    desk.clock.advance(timedelta(days=3))
    third = await browser.sends(typed)
    assert third.headers["location"] == first.headers["location"]
    assert len(await _stored(desk)) == 1


async def test_back_and_other_words_are_another_message_of_the_thread(
    desk: Desk, browser: Browser
) -> None:
    token = await browser.token()
    first = await browser.sends({"token": token, **TYPED})
    second = await browser.sends({"token": token, **TYPED, "text": "Hat sich erledigt."})
    assert first.headers["location"] != second.headers["location"]
    one, two = await _stored(desk)
    assert one["conversation_id"] == two["conversation_id"]
    assert one["inquiry_id"] == two["inquiry_id"]
    for answer in (first, second):
        page = await browser.opens(answer.headers["location"])
        assert reference_of(one["inquiry_id"]) in page


async def test_who_finds_the_form_filled_in_by_another_begins_a_thread(
    desk: Desk, browser: Browser
) -> None:
    """On a computer that several use: somebody goes back, and enters what is theirs."""
    first = {"token": await browser.token(), **TYPED}
    second = {**first, "name": "Bernd", "email": "bernd@example.org", "text": "Und ich?"}
    where = [(await browser.sends(typed)).headers["location"] for typed in (first, second)]
    found = [(await desk.detail(each["id"])) for each in (await desk.get("/inquiries"))["items"]]
    assert len({each["conversation_id"] for each in found}) == 2
    assert {each["contact"]["name"] for each in found} == {"Erika Muster", "Bernd"}
    pages = [await browser.opens(each) for each in where]
    for each in found:
        assert sum(each["reference"] in page for page in pages) == 1


async def test_two_forms_are_two_threads_of_one_person(desk: Desk, browser: Browser) -> None:
    await browser.sent()
    await browser.sent(email="ERIKA@example.ORG", text="Noch eine Frage?")
    one, two = await _stored(desk)
    assert one["conversation_id"] != two["conversation_id"]
    assert one["contact_id"] == two["contact_id"]


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"email": ""}, "email", "E-Mail-Adresse an"),
        ({"email": "erika@example"}, "email", "keine vollständige"),
        ({"email": "erika example.org"}, "email", "keine vollständige"),
        ({"email": "erika@example..org"}, "email", "keine vollständige"),
        ({"email": "e" * 400 + "@example.org"}, "email", "keine vollständige"),
        ({"name": "x" * 201}, "name", "länger als 200 Zeichen"),
        ({"subject": "x" * 1001}, "subject", "länger als 1000 Zeichen"),
        ({"text": " \r\n "}, "text", "worum es geht"),
        ({"text": "\u200b\u2060 \ufeff"}, "text", "worum es geht"),
        ({"text": "ä" * 100_001}, "text", "länger als 100000 Zeichen"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    desk: Desk, browser: Browser, typed: dict[str, str], field: str, said: str
) -> None:
    answer = await browser.submits(**typed)
    assert answer.status_code == 422
    page = answer.text
    assert said in _fault(page, field)
    assert "<title>Fehler: " in page
    for name, value in {**TYPED, **typed}.items():
        assert _field(page, name) == value.replace("\r\n", "\n")
    assert await desk.stored() == 0
    again = {**TYPED, "token": _token(page)}
    assert (await browser.sends(again)).status_code == 303


async def test_a_hundred_thousand_characters_fit(desk: Desk, browser: Browser) -> None:
    await browser.sent(text="😀" * 100_000)
    (message,) = await _stored(desk)
    assert len(message["text"]) == 100_000


async def test_what_was_typed_is_never_markup(browser: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    answer = await browser.submits(name=evil, subject=evil, text=f"</textarea>{evil}", email=evil)
    assert answer.status_code == 422
    assert "<script" not in answer.text
    assert _field(answer.text, "text") == f"</textarea>{evil}"
    assert _field(answer.text, "email") == evil


async def test_errors_speak_the_language_of_the_form(desk: Desk) -> None:
    browser = Browser(desk, language="fr, en;q=0.8, de;q=0.2")
    async with browser.http:
        page = await browser.opens()
        assert '<html lang="en">' in page
        assert 'action="/form?lang=en"' in page
        answer = await browser.submits(email="")
        assert "Please enter your e-mail address" in _fault(answer.text, "email")
        answer = await browser.sends({**TYPED, "token": ""}, path="/form?lang=de")
        assert "noch einmal ab" in answer.text
        assert "lang=de" not in await browser.sent()


@pytest.mark.parametrize(
    ("header", "asked", "language"),
    [
        ("", "", "de"),
        ("de-AT, en;q=0.9", "", "de"),
        ("en-US,de;q=0.5", "", "en"),
        ("fr", "", "de"),
        ("en;q=0, de;q=0.1", "", "de"),
        ("de", "?lang=en", "en"),
        ("en", "?lang=xx", "en"),
        (";;;,,q=,en;q=9", "?lang=", "de"),
    ],
)
async def test_the_language_is_the_one_that_was_asked_for(
    desk: Desk, header: str, asked: str, language: str
) -> None:
    browser = Browser(desk, language=header)
    async with browser.http:
        assert f'<html lang="{language}">' in await browser.opens(f"/form{asked}")


class TestAsksAgain:
    """Nothing that was typed is lost, and the second time it goes through."""

    async def test_too_soon(self, desk: Desk, browser: Browser) -> None:
        token = _token(await browser.opens())
        desk.clock.advance(timedelta(seconds=1))
        answer = await browser.sends({"token": token, **TYPED})
        await self._goes_through(desk, browser, answer, "schneller")

    async def test_too_late(self, desk: Desk, browser: Browser) -> None:
        token = await browser.token()
        desk.clock.advance(timedelta(days=1))
        answer = await browser.sends({"token": token, **TYPED})
        await self._goes_through(desk, browser, answer, "über einen Tag")

    @pytest.mark.parametrize("change", ["", "x", "ü.1.ü", "tampered", "other"])
    async def test_not_ours(self, desk: Desk, browser: Browser, change: str) -> None:
        number, issued_at, mac = (await browser.token()).split(".")
        forged = {
            "tampered": f"{number}.{int(issued_at) + 5}.{mac}",
            "other": f"{number[::-1]}.{issued_at}.{mac}",
        }.get(change, change)
        answer = await browser.sends({"token": forged, **TYPED})
        await self._goes_through(desk, browser, answer, "noch einmal ab")

    async def _goes_through(
        self, desk: Desk, browser: Browser, answer: httpx.Response, said: str
    ) -> None:
        assert answer.status_code == 422
        assert said in answer.text
        assert await desk.stored() == 0
        typed = {name: _field(answer.text, name) for name in TYPED}
        assert typed == {n: value.replace("\r\n", "\n") for n, value in TYPED.items()}
        desk.clock.advance(timedelta(seconds=2))
        again = await browser.sends({"token": _token(answer.text), **typed})
        assert again.status_code == 303


async def test_a_field_that_nobody_sees_keeps_it_aside(desk: Desk, browser: Browser) -> None:
    where = await browser.sent(website="https://example.org/casino")
    assert await desk.stored() == 0
    page = await browser.opens(where)
    assert "Vielen Dank" in page
    assert "innerhalb von 24 Stunden" in page
    (kept,) = (await desk.get("/quarantine"))["items"]
    assert (kept["channel"], "programs" in kept["reason"]) == ("web_form", True)
    health = (await desk.http.get("/intake/health/ready")).json()
    desk.clock.advance(timedelta(hours=2))
    assert health["checks"]["quarantine"]["status"] == "ok"

    tried = await desk.post(f"/quarantine/{kept['id']}/retry")
    assert tried.json()["accepted"] == 1
    (message,) = await _stored(desk)
    assert message["text"] == TYPED["text"].replace("\r\n", "\n")
    assert reference_of(message["inquiry_id"]) in await browser.opens(where)


async def test_files_come_with_the_message(desk: Desk, browser: Browser) -> None:
    sent = ("Rechnung.pdf", b"%PDF-1.7", "application/pdf"), ("Foto.png", b"\x89PNG", "image/png")
    typed = {"token": await browser.token(), **TYPED}
    answers = await asyncio.gather(*(browser.sends(typed, *sent) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    (found,) = await _inquiries(desk)
    (message,) = (await desk.detail(found["id"]))["messages"]
    assert [each["name"] for each in message["attachments"]] == ["Rechnung.pdf", "Foto.png"]
    url = message["attachments"][0]["url"].removeprefix("/intake/v1")
    assert (await desk.request("GET", url)).content == b"%PDF-1.7"


async def test_too_many_files_and_too_large_ones(desk: Desk, browser: Browser) -> None:
    many = [(f"{n}.txt", b"x", "text/plain") for n in range(6)]
    answer = await browser.submits(*many)
    assert answer.status_code == 422
    assert "mehr als 5 Dateien" in _fault(answer.text, "files")
    large = ("a.bin", b"x" * (10 * 1_048_576 + 1), "application/octet-stream")
    answer = await browser.submits(large)
    assert answer.status_code == 422
    assert "größer als 10 MB" in _fault(answer.text, "files")
    assert _field(answer.text, "text") == TYPED["text"].replace("\r\n", "\n")
    answer = await browser.submits(("a.bin", b"x" * 12_000_000, "application/octet-stream"))
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")
    assert "größer als 10 MB" in answer.text
    assert await desk.stored() == 0


async def test_files_are_to_be_chosen_again(browser: Browser) -> None:
    answer = await browser.submits(("Foto.png", b"\x89PNG", "image/png"), email="")
    assert "Dateien noch einmal aus" in answer.text


BOUNDARY = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("", b""),
        ("application/json", b"{}"),
        ("text/plain", b"text=x"),
        ("multipart/form-data", b"--b\r\n\r\n--b--"),
        ("multipart/form-data; boundary=", b""),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b--"),
        (BOUNDARY, b""),
        (BOUNDARY, b"no boundary at all"),
        (BOUNDARY, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nno end'),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="\xff\xfe"\r\n\r\n\xff\r\n--b--'),
        (BOUNDARY + "; charset=utf-7", (b'--b\r\nContent-Disposition: form-data; name="text"'
         b"\r\n\r\n+2AA-\r\n--b--\r\n")),
        (BOUNDARY + "; charset=rot13", (b'--b\r\nContent-Disposition: form-data; name="text"'
         b"\r\n\r\nx\r\n--b--\r\n")),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n\x00\r\n--b--\r\n'),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n' * 10_000),
        (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n\r\n'
         * 10_000),
        (BOUNDARY, b"--b\r\n" + b"X-A: " + b"a" * 200_000 + b"\r\n\r\nx\r\n--b--"),
        ("application/x-www-form-urlencoded", b"text=%00%ff%zz&text=2&token=%F0%28&="),
        ("application/x-www-form-urlencoded", b"&".join(b"x=%d" % n for n in range(10_000))),
        ("application/x-www-form-urlencoded", b";&;=&&==&"),
    ],
)  # fmt: skip
async def test_what_is_no_form_is_a_page_too(
    desk: Desk, browser: Browser, kind: str, body: bytes
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await browser.http.post("/form", content=body, headers=headers)
    assert answer.status_code in {400, 415, 422}
    assert answer.headers["content-type"].startswith("text/html")
    assert await desk.stored() == 0


@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
async def test_what_is_typed_has_a_limit_of_its_own(
    desk: Desk, browser: Browser, kind: str
) -> None:
    """Nobody types a mebibyte; shown again it would be a page of several."""
    typed = {"token": await browser.token(), **TYPED, "text": '"' * 1_100_000}
    if kind == "multipart":
        answer = await browser.sends(typed)
    else:
        answer = await browser.http.post("/form", data=typed)
    assert answer.status_code == 413
    assert len(answer.text) < 20_000
    assert (await desk.get("/inquiries"))["items"] == []


async def test_what_fits_is_taken_however_long_it_is_written(desk: Desk, browser: Browser) -> None:
    """Urlencoded, an emoji has twelve bytes."""
    typed = {"token": await browser.token(), **TYPED, "text": "\N{PEAR}" * TEXT_LIMIT}
    answer = await browser.http.post("/form", data=typed)
    assert answer.status_code == 303
    assert await desk.stored() == 1


async def test_urlencoded_goes_as_well(desk: Desk, browser: Browser) -> None:
    answer = await browser.http.post("/form", data={"token": await browser.token(), **TYPED})
    assert answer.status_code == 303
    assert await desk.stored() == 1


async def test_an_address_that_sends_too_much_is_put_off_with_its_text(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(database_url, tmp_path, clock) as desk:
        one = Browser(desk, address="2001:db8::1")
        neighbour = Browser(desk, address="2001:db8::ffff:2")
        other = Browser(desk, address="2001:db8:0:1::1")
        async with one.http, neighbour.http, other.http:
            for number in range(10):
                assert (await one.submits(text=f"Frage {number}?")).status_code == 303
            answer = await neighbour.submits()
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 0
            assert "Von Ihrem Anschluss" in answer.text
            assert _field(answer.text, "subject") == TYPED["subject"]
            assert _token(answer.text)
            assert (await other.submits()).status_code == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_when_nothing_can_be_stored_the_text_stays(
    desk: Desk, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = {"token": await browser.token(), **TYPED}
    await desk.service.database.stop()
    answer = await browser.sends(typed)
    await desk.service.database.start()
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert _field(answer.text, "subject") == TYPED["subject"]
    again = {**TYPED, "token": _token(answer.text)}
    assert (await browser.sends(again)).status_code == 303


async def test_the_key_is_one_and_stays(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(database_url, tmp_path, clock) as desk:
        browser = Browser(desk)
        async with browser.http:
            token = await browser.token()
    async with opened(database_url, tmp_path, clock) as desk:
        browser = Browser(desk)
        async with browser.http:
            await browser.opens()
            assert (await browser.sends({"token": token, **TYPED})).status_code == 303
        keys = await desk.service.database.read(lambda tx: tx.rows(select(form_keys)))
    assert [len(each["key"]) for each in keys] == [32]


async def test_the_headers_let_nothing_in(desk: Desk, browser: Browser) -> None:
    for path in ("/form", await browser.sent(), "/form/sent/x"):
        answer = await browser.http.get(path)
        policy = {
            part.strip().partition(" ")[0]: part.strip().partition(" ")[2]
            for part in answer.headers["content-security-policy"].split(";")
        }
        assert policy["default-src"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == "'self'"
        assert "script-src" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        assert not re.search(r'(?:src|href)="(?!/form|#)', answer.text)
        assert "<script" not in answer.text
        assert " style=" not in answer.text


async def test_pages_that_are_not_there(browser: Browser) -> None:
    for place in ("x", "x" * 38, "%2e%2e", "ü" * 38, "a" * 5_000):
        answer = await browser.http.get(f"/form/sent/{place}")
        assert answer.status_code == 404
        assert "gehört keine Nachricht" in answer.text


async def test_what_was_removed_is_gone(desk: Desk, browser: Browser) -> None:
    where = await browser.sent()
    (found,) = await _inquiries(desk)
    reply = {"kind": "answer", "text": "Gern.", "author": "Anna"}
    assert (await desk.post(f"/inquiries/{found['id']}/replies", reply)).is_success
    desk.clock.advance(timedelta(days=31))
    now = desk.clock.now()
    before = now - timedelta(days=30)
    await remove_once(
        desk.service.database, before=before, now=now, gone=Gone(), stop=asyncio.Event()
    )
    assert "inzwischen gelöscht" in await browser.opens(where, 410)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(2))
async def test_whatever_comes_is_answered_with_a_page(
    desk: Desk, browser: Browser, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(FormRates, "take", lambda _self, _address: None)
    chance = random.Random(seed)
    request = browser.http.build_request(
        "POST",
        "/form",
        data={"token": await browser.token(), **TYPED},
        files=[("files", ("a.txt", b"x" * 50, "text/plain"))],
    )
    body, kind = await request.aread(), request.headers["content-type"]
    for number in range(150):
        changed_kind = _mutated(chance, kind.encode("ascii")) if number % 3 == 0 else kind.encode()
        answer = await browser.http.post(
            "/form?lang=" + chance.choice(["de", "en", "%ed%a0%80", "%ff", ""]),
            content=_mutated(chance, body),
            headers={
                b"content-type": re.sub(rb"[\x00-\x1f\x7f]", b"?", changed_kind),
                b"accept-language": chance.choice([b"de", b"en;q=x", b",;,", b"\xfc" * 50]),
            },
        )
        assert answer.status_code < 500, (number, answer.text)
        assert answer.status_code == 303 or answer.headers["content-type"].startswith("text/html")


def _mutated(chance: random.Random, body: bytes) -> bytes:
    """With a few places that are changed, cut out, doubled, or replaced by what is odd."""
    found = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        first = chance.randrange(len(found) + 1)
        last = min(len(found), first + chance.choice([1, 2, 10, 200]))
        match chance.randrange(4):
            case 0:
                found[first:last] = bytes(chance.randrange(256) for _ in range(last - first))
            case 1:
                del found[first:last]
            case 2:
                found[first:first] = found[first:last]
            case _:
                odd = [
                    b"\0",
                    b"\xff\xfe",
                    b"\r\n",
                    b"--",
                    b'"',
                    b"; charset=utf-7",
                    b"\xed\xa0\x80",
                ]
                found[first:last] = chance.choice(odd)
    return bytes(found)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_a_channel_there_is_no_form(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    shipped = policy()
    channels = {n: each for n, each in shipped.channels.items() if n != "web_form"}
    for without in (
        shipped.model_copy(update={"channels": channels}),
        shipped.model_copy(update={"form": Form(enabled=False)}),
    ):
        service = build(
            runtime_of(tmp_path, clock, without, {}), IntakeSettings(database_url=database_url), {}
        )
        async with served(service) as http:
            for method, path in (("GET", "/form"), ("POST", "/form"), ("GET", "/form/sent/x")):
                answer = await http.request(method, path, headers={"accept-language": "en"})
                assert answer.status_code == 404
                assert "There is no form here" in answer.text
                assert "Infopark" in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_policy_says_what_the_form_is(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    form = Form(
        channel="youtube",
        email=FormEmail.OPTIONAL,
        embed=("https://www.example.org", "https://*.example.org:8443"),
        privacy_url="https://example.org/privacy?a=1&b=2",
        privacy_notice=Localized(de="Nur für <Antworten>.", en="For answers only."),
    )
    service = build(
        runtime_of(tmp_path, clock, policy().model_copy(update={"form": form}), {}),
        IntakeSettings(database_url=database_url, form_files=0, form_mib=1),
        {},
    )
    async with (
        served(service) as http,
        running_loops([(name, loop) for name, loop in service.own_loops if name == "accept"]),
    ):
        desk = Desk(service, clock, http)
        browser = Browser(desk)
        async with browser.http:
            answer = await browser.http.get("/form")
            assert (
                "frame-ancestors 'self' https://www.example.org https://*.example.org:8443"
                in answer.headers["content-security-policy"]
            )
            assert "Nur für &lt;Antworten&gt;." in answer.text
            assert 'href="https://example.org/privacy?a=1&amp;b=2"' in answer.text
            assert 'type="file"' not in answer.text
            sent = await browser.submits(email="", name="")
            where = sent.headers["location"]
            assert (
                answer.headers["content-security-policy"] == sent.headers["content-security-policy"]
            )
            page = await browser.opens(where)
            assert "keine E-Mail-Adresse angegeben" in page
        (message,) = await _stored(desk)
        assert (message["channel"], message["author_name"]) == ("youtube", None)

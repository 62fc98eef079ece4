"""A customer writes with the form of a running desk, from a browser without script."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.system.desk import Caller, Desk, desk_of

BERLIN = ZoneInfo("Europe/Berlin")
PDF = b"%PDF-1.7 as far as anybody looks"


@pytest.fixture(params=["embedded", "distributed"])
async def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp(request.param)
    async with desk_of(request.param, folder, request) as desk:
        await asyncio.to_thread(desk.start)
        yield desk


async def test_from_the_form_to_the_clock_and_back(desk: Desk) -> None:
    # Of several instances one hands the form out, the other takes it, and either shows the page.
    first, last = desk.addresses("intake")[0], desk.addresses("intake")[-1]
    text = f"Fehler 500 beim Anmelden! {uuid4()}"
    async with httpx.AsyncClient(trust_env=False, timeout=20) as browser, Caller(desk) as caller:
        page = (await browser.get(f"{first}/form?lang=de")).text
        fields = {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page)
        }
        assert set(fields) >= {"token", "name", "email", "subject"}
        action = re.findall(r'<form method="post" action="([^"]*)" enctype="multipart/', page)[0]
        filled = {**fields, "website": "", "email": "Erika@example.org", "text": text}
        answer = await _when_old_enough(browser, last + action, filled)
        assert answer.status_code == 303, answer.text

        where = answer.headers["location"]
        (inquiry,) = (await caller.get("/intake/v1/inquiries", channel="web_form"))["items"]
        todo = await caller.todo_of(inquiry["id"], lambda todo: todo["due_at"] is not None)
        assert todo["desk"] == "technical"
        deadline = await caller.get(f"/sla/v1/deadlines/{inquiry['id']}")
        due = datetime.fromisoformat(deadline["due_at"]).astimezone(BERLIN)
        assert await _shows(browser, first + where, f"{due:%H:%M} Uhr.", "Wir antworten bis ")
        english = where.replace("lang=de", "lang=en")
        assert await _shows(browser, first + english, f"{due:%A}, {due:%H:%M}.", "We will answer")

        detail = await caller.get(f"/intake/v1/inquiries/{inquiry['id']}")
        (message,) = detail["messages"]
        assert message["text"] == text
        assert detail["contact"]["identities"][0]["email"] == "erika@example.org"
        (attachment,) = message["attachments"]
        assert (await caller.call("GET", attachment["url"])).content == PDF

        again = await _sent(browser, last + action, filled)
        assert again.headers["location"] == where
        reply = {"kind": "answer", "text": "Behoben.", "author": "Anna"}
        await caller.post(f"/intake/v1/inquiries/{inquiry['id']}/replies", reply)
        assert await _shows(browser, first + where, "Ihre Nachricht ist beantwortet")
        assert len((await caller.get("/intake/v1/inquiries"))["items"]) == 1


async def _sent(browser: httpx.AsyncClient, url: str, filled: dict[str, str]) -> httpx.Response:
    files = {"files": ("Fehler.pdf", PDF, "application/pdf")}
    return await browser.post(url, data=filled, files=files)


async def _when_old_enough(
    browser: httpx.AsyncClient, url: str, filled: dict[str, str]
) -> httpx.Response:
    """Sent at once it is asked for again, as of a program; the same a moment later is taken."""
    answer = await _sent(browser, url, filled)
    deadline = time.monotonic() + 20
    while answer.status_code == 422:
        assert html.escape(filled["text"]) in answer.text
        assert time.monotonic() < deadline
        await asyncio.sleep(0.5)
        answer = await _sent(browser, url, filled)
    return answer


async def _shows(browser: httpx.AsyncClient, url: str, *sentences: str) -> bool:
    """Whether the page says so soon: what sla says may come after the page was first shown."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        page = (await browser.get(url)).text
        if all(each in page for each in sentences):
            return True
        await asyncio.sleep(0.1)
    raise AssertionError(page)

"""A day of a company whose channels are all connected: every customer's message is covered as the
rules say, whoever sends it twice, takes it back, or dies in the middle.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api_server import api_server
from tests.support.dovecot import PASSWORD, Dovecot, mail_server
from tests.system import platforms
from tests.system.desk import Caller, Desk, delivered, desk_of
from tests.system.platforms import Webhook, Youtube

CONNECTED = ("facebook", "mastodon", "whatsapp", "email", "youtube")
EMIL = "Emil Erdmann <emil@example.net>"
OPEN, ANSWERED, CLOSED = "open", "answered", "closed"


@pytest.fixture(scope="module")
def mailbox(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with mail_server(request) as running:
        with running.session(platforms.MAILBOX, "Verkauf"):
            pass
        yield running


@dataclass(slots=True)
class Company:
    desk: Desk
    caller: Caller
    http: httpx.AsyncClient
    mailbox: Dovecot
    youtube: Youtube
    sent: list[Webhook] = field(default_factory=list)

    async def post(self, webhook: Webhook) -> httpx.Response:
        """Sent as platforms do: until it is taken."""
        self.sent.append(webhook)
        return await delivered(lambda: self._once(webhook))

    async def _once(self, webhook: Webhook) -> httpx.Response:
        url = f"{self._intake}/intake/v1/webhooks/{webhook.channel}"
        return await self.http.post(url, content=webhook.body, headers=webhook.headers)

    async def mail(self, *mails: bytes, folder: str = "INBOX") -> None:
        await asyncio.to_thread(self.mailbox.deliver, platforms.MAILBOX, *mails, folder=folder)

    async def fill_in_the_form(self, text: str) -> None:
        page = (await self.http.get(f"{self._intake}/form?lang=de")).text
        fields = {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page)
        }
        (action,) = re.findall(r'<form method="post" action="([^"]*)"', page)
        filled = {**fields, "website": "", "email": "gerd@example.net", "text": text}
        none = {"files": ("", b"", "application/octet-stream")}
        async with asyncio.timeout(60):
            while True:
                answer = await self.http.post(self._intake + action, data=filled, files=none)
                if answer.status_code == 303:
                    return
                assert answer.status_code == 422, answer.text  # too quick for a person
                await asyncio.sleep(0.5)

    async def by_message(self) -> dict[str, dict[str, Any]]:
        """Each inquiry by the external ids of all messages of customers that it covers."""
        found: dict[str, dict[str, Any]] = {}
        for listed in await self.caller.all("/intake/v1/inquiries"):
            detail = await self.caller.get(f"/intake/v1/inquiries/{listed['id']}")
            for message in detail["messages"]:
                if message["kind"] == "inbound" and message["inquiry_id"] == listed["id"]:
                    assert message["external_id"] not in found
                    found[message["external_id"]] = detail
        return found

    async def until(self, message: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The inquiry of that message, as soon as it fits."""
        async with asyncio.timeout(150):
            while True:
                inquiry = (await self.by_message()).get(message)
                if inquiry is not None and fits(inquiry):
                    return inquiry
                await asyncio.sleep(0.5)

    async def die(self) -> None:
        """Every process is killed at once, and started again."""
        await asyncio.to_thread(self.desk.kill)
        await asyncio.to_thread(self.desk.start)

    @property
    def _intake(self) -> str:
        return self.desk.addresses("intake")[0]


@pytest.fixture(params=["embedded", "distributed"])
async def company(
    request: pytest.FixtureRequest, tmp_path: Path, mailbox: Dovecot
) -> AsyncIterator[Company]:
    youtube = Youtube()
    async with (
        api_server(youtube.answer) as api,
        _desk(request, tmp_path, mailbox, api.url) as desk,
        Caller(desk) as caller,
        httpx.AsyncClient(trust_env=False, timeout=20) as http,
    ):
        yield Company(desk, caller, http, mailbox, youtube)


@asynccontextmanager
async def _desk(
    request: pytest.FixtureRequest, folder: Path, mailbox: Dovecot, youtube: str
) -> AsyncIterator[Desk]:
    text = platforms.policy(
        (files("services") / "desk.toml").read_text(),
        mails=platforms.mails(mailbox.tls_port, mailbox.ca),
        youtube=youtube,
        names=CONNECTED,
    )
    policy = folder / "desk.toml"
    policy.write_text(text)
    environment = {
        "DESK_POLICY": str(policy),
        "DESK_PASSWORD_EMAIL": PASSWORD,
        "DESK_TOKEN_YOUTUBE": platforms.SECRET,
        "DESK_SECRET_EMAIL": "",
        "DESK_SECRET_YOUTUBE": "",
        **{
            f"DESK_SECRET_{name}": platforms.SECRET for name in ("FACEBOOK", "MASTODON", "WHATSAPP")
        },
    }
    async with desk_of(request.param, folder, request, instances=1, **environment) as desk:
        await asyncio.to_thread(desk.start)
        yield desk


async def test_every_message_of_the_day_is_covered(company: Company) -> None:
    company.youtube.comment("y-1", "Wo finde ich die Folien zum Video?", author="UCfan")
    await _morning(company)
    await company.die()
    await _noon(company)
    await company.die()
    await _afternoon(company)
    await company.die()
    await _everything_comes_again(company)
    await company.until("y-1", _is(ANSWERED))
    await _evening(company)


async def _morning(company: Company) -> None:
    """Questions, on every channel."""
    post, say = company.post, platforms.comment
    await post(
        platforms.facebook(
            say("f-1", "Seit dem Update kommt beim Anmelden Fehler 500.", author="anna"),
            platforms.like("bert"),
            say("f-2", "Wann macht ihr heute auf?", author="bert"),
        )
    )
    await post(platforms.facebook(say("f-3", "Was kostet die Lizenz?", author="cora")))
    await post(platforms.mastodon("m-1", "Eure Seite lädt nicht", author="31"))
    await post(platforms.chat("w-1", "49170", type="text", text={"body": "Guten Morgen"}))
    await post(platforms.chat("w-2", "49170", type="text", text={"body": "Wo ist mein Paket?"}))
    await company.mail(
        _about_an_invoice(),
        platforms.mail(
            "e-2", "Abwesend", "Bin im Urlaub.", author=EMIL, Auto_Submitted="auto-replied"
        ),
        platforms.mail(
            "e-3", "Angebote", "Nur heute!", author="news@example.net",
            List_Id="<news.example.net>", Precedence="bulk",
        ),
    )  # fmt: skip
    await company.fill_in_the_form("Kann ich meinen Vertrag ändern?")


@cache
def _about_an_invoice() -> bytes:
    """The same mail each time: with another date it would be another one."""
    return platforms.mail("e-1", "Rechnung 17", "Die Rechnung stimmt nicht.", author=EMIL)


async def _noon(company: Company) -> None:
    """Customers change their minds, and others write what is none of the desk's business."""
    post, say = company.post, platforms.comment
    await post(platforms.facebook(say("f-2", None, author="bert", verb="remove")))
    more = "Seit dem Update kommt beim Anmelden Fehler 500. Und jetzt geht gar nichts mehr!"
    await post(platforms.facebook(say("f-1", more, author="anna", verb="edited")))
    await post(platforms.mastodon("m-1", "Geht schon wieder, aber langsam", author="31",
                                  event="updated"))  # fmt: skip
    await post(platforms.chat("w-3", "49170", type="revoke",
                              revoke={"original_message_id": "w-2"}))  # fmt: skip
    await post(platforms.whatsapp(statuses=[{"id": "w-0", "status": "read"}]))
    await company.until("e-1@example.net", _is(OPEN))
    await company.mail(
        platforms.mail(
            "e-4", "AW: Rechnung 17", "Hier noch die Nummer.", author=EMIL,
            In_Reply_To="<e-1@example.net>",
        ),
    )  # fmt: skip
    await company.mail(_about_an_invoice(), folder="Verkauf")


async def _afternoon(company: Company) -> None:
    """The company answers: on the platforms themselves, and at the desk."""
    own = platforms.comment("f-9", "Behoben, bitte neu laden.", author=platforms.PAGE, under="f-1")
    await company.post(platforms.facebook(own))
    await company.post(
        platforms.mastodon("m-9", "Jetzt ist es schnell.", author=platforms.ACCOUNT, answers="m-1")
    )
    await company.until("y-1", _is(OPEN))
    company.youtube.reply("y-1", "y-9", "In der Beschreibung.", author=platforms.CHANNEL)
    mails = await company.until("e-4@example.net", _is(OPEN))
    reply = {"kind": "answer", "text": "Wir haben sie berichtigt.", "author": "Anna"}
    await company.caller.post(f"/intake/v1/inquiries/{mails['id']}/replies", reply)


async def _everything_comes_again(company: Company) -> None:
    """As from platforms that have not seen our answers."""
    for webhook in [*company.sent]:
        answer = await company.post(webhook)
        assert answer.json()["accepted"] == 0, answer.text


async def _evening(company: Company) -> None:
    found = await company.by_message()
    assert {id_: each["state"] for id_, each in found.items()} == {
        "f-1": ANSWERED, "f-2": CLOSED, "f-3": OPEN, "m-1": ANSWERED, "w-1": OPEN, "w-2": OPEN,
        "e-1@example.net": ANSWERED, "e-4@example.net": ANSWERED, "y-1": ANSWERED,
        **{id_: OPEN for id_, each in found.items() if each["channel"] == "web_form"},
    }  # fmt: skip
    assert len([each for each in found.values() if each["channel"] == "web_form"]) == 1
    assert found["w-1"]["id"] == found["w-2"]["id"]
    assert found["e-1@example.net"]["id"] == found["e-4@example.net"]["id"]
    assert found["f-2"]["reason"] == "withdrawn"
    (changed,) = (each for each in found["f-1"]["messages"] if each["external_id"] == "f-1")
    assert changed["text"].endswith("gar nichts mehr!")
    assert (await company.caller.get("/intake/v1/quarantine"))["items"] == []
    for inquiry in {each["id"]: each for each in found.values()}.values():
        await _is_explained(company.caller, inquiry)


async def _is_explained(caller: Caller, inquiry: dict[str, Any]) -> None:
    """One ToDo, which ends with the inquiry; one clock, whose every interval has its reason."""
    is_open = inquiry["state"] == OPEN
    todo = await caller.todo_of(
        inquiry["id"], lambda todo: (todo["state"] in {"open", "claimed"}) == is_open
    )
    if inquiry["channel"] == "youtube":
        answer = await caller.call("GET", f"/sla/v1/deadlines/{inquiry['id']}")
        assert (answer.status_code, todo["due_at"]) == (404, None)
        return
    ends = {OPEN: "running", ANSWERED: "met", CLOSED: "cancelled"}
    clock = await caller.until(
        f"/sla/v1/deadlines/{inquiry['id']}",
        lambda clock: clock["state"] == ends[inquiry["state"]],
    )
    explanation = await caller.get(f"/sla/v1/deadlines/{inquiry['id']}/explanation")
    (target,) = explanation["targets"]
    assert target["due_at"] == clock["due_at"]
    assert target["intervals"]


def _is(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda inquiry: inquiry["state"] == state

"""Mails through a running desk and a real mail server, each of which is killed in the middle."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.dovecot import PASSWORD, Dovecot, mail_server
from tests.system import platforms
from tests.system.desk import Caller, Desk, embedded
from tests.system.platforms import MAILBOX

BURSTS = 6
MAILS = 10


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with mail_server(request) as running:
        for name in ("Verkauf", "Erledigt"):
            with running.session(MAILBOX, name):
                pass
        yield running


def policy(folder: Path, server: Dovecot) -> Path:
    """The shipped one, whose mails come from that server."""
    shipped = (files("services") / "desk.toml").read_text()
    mails = platforms.mails(server.tls_port, server.ca, then="move:Erledigt")
    text = platforms.without(shipped, ("email",)) + mails
    path = folder / "desk.toml"
    path.write_text(text)
    return path


def mail(number: int) -> bytes:
    files_ = "" if number % 7 else f"\r\n{'x' * 76}" * 20_000  # some are large
    return (
        f"From: Kunde {number} <k{number}@example.net>\r\nTo: {MAILBOX}\r\n"
        f"Subject: Frage {number}\r\n"
        f"Message-ID: <q{number}@example.net>\r\n\r\nWas kostet Artikel {number}?{files_}\r\n"
    ).encode()


async def test_no_mail_is_lost_and_none_comes_twice_whoever_dies(
    tmp_path: Path, server: Dovecot
) -> None:
    chance = random.Random(7)
    numbers = list(range(BURSTS * MAILS))
    environment = {
        "DESK_POLICY": str(policy(tmp_path, server)),
        "DESK_PASSWORD_EMAIL": PASSWORD,
        "DESK_SECRET_EMAIL": "",
    }
    async with embedded(tmp_path, **environment) as desk, Caller(desk) as caller:
        await asyncio.to_thread(desk.start)
        await caller.until(
            "/intake/v1/channels/email", lambda each: each["poll"] and each["poll"]["last_at"]
        )
        for burst in range(BURSTS):
            some = numbers[burst * MAILS : (burst + 1) * MAILS]
            folder = "Verkauf" if burst % 3 == 1 else "INBOX"
            await asyncio.to_thread(
                server.deliver, MAILBOX, *(mail(n) for n in some), folder=folder
            )
            await asyncio.sleep(chance.uniform(0, 0.6))
            await asyncio.to_thread(_kill_one, desk, server, burst)
        inquiries = await _all_there(caller, len(numbers))
        assert Counter(each["subject"] for each in inquiries) == Counter(
            f"Frage {n}" for n in numbers
        )
        await _all_moved(server, len(numbers))
        assert (await caller.get("/intake/v1/quarantine"))["items"] == []
        (instance,) = desk.instances
        assert instance.end(signal.SIGTERM, seconds=20) == 0


def _kill_one(desk: Desk, server: Dovecot, burst: int) -> None:
    """The desk, the mail server, or both; and start it again."""
    if burst % 3 != 0:
        server.kill()
    if burst % 3 != 1:
        desk.kill()
    if burst % 3 != 0:
        server.start()
    if burst % 3 != 1:
        desk.start()


async def _all_there(caller: Caller, count: int) -> list[dict[str, object]]:
    async with asyncio.timeout(180):
        while True:
            found = await caller.all("/intake/v1/inquiries")
            if len(found) >= count:
                return found
            await asyncio.sleep(0.5)


async def _all_moved(server: Dovecot, count: int) -> None:
    deadline = time.monotonic() + 60
    while (moved := len(await asyncio.to_thread(server.flags, MAILBOX, "Erledigt"))) < count:
        assert time.monotonic() < deadline, f"only {moved} were moved"
        await asyncio.sleep(0.5)
    for folder in ("INBOX", "Verkauf"):
        assert server.flags(MAILBOX, folder) == []

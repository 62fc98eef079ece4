"""A mailbox on a server that behaves as some do; see tests/contracts/test_imap for a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.intake.pulling import imap, imap_cursor, imap_session
from services.intake.pulling.imap import ImapSource
from services.intake.pulling.source import Cursor, PullError
from shared.policy.pulling import ImapPull
from shared.runtime.clock import SystemClock
from shared.runtime.credentials import Credential
from tests.support.imap_server import ImapServer, imap_server, no_step_is_under_way

MAILS = [f"Message-ID: <{n}@a>\r\n\r\n{n}\r\n".encode() for n in range(6)]


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with imap_server() as made:
        yield made


class Reading:
    def __init__(self, server: ImapServer, **settings: Any) -> None:
        usual = {"type": "imap", "host": "127.0.0.1", "port": server.port, "security": "none"}
        credential = settings.pop("credential", Credential("DESK_PASSWORD_EMAIL", "x"))
        pull = ImapPull.model_validate({**usual, "user": "desk", **settings})
        self.source = ImapSource("email", pull, credential, SystemClock())
        self.cursors: dict[str, Cursor] = {}

    async def round(self) -> list[bytes]:
        bodies: list[bytes] = []
        async for batch in self.source.batches(self.cursors):
            self.cursors[batch.place] = batch.cursor
            bodies += batch.bodies
        return bodies

    async def dies_of(self, body: bytes) -> bool:
        """Whether that one came; nothing was noted since."""
        async for batch in self.source.batches(self.cursors):
            if body in batch.bodies:
                return True
            self.cursors[batch.place] = batch.cursor
        return False


async def failure(reading: Reading) -> PullError:
    with pytest.raises(PullError) as failed:
        await reading.round()
    await reading.source.close()
    return failed.value


async def test_numbers_that_begin_again_under_the_same_validity(server: ImapServer) -> None:
    reading = Reading(server)
    assert await reading.round() == []
    server.add(*MAILS[:4])
    assert await reading.round() == MAILS[:4]
    server.mails, server.next_uid = {1: MAILS[4], 2: MAILS[5]}, 3
    with capture_logs() as logged:
        assert await reading.round() == MAILS[4:]
    assert [each["event"] for each in logged] == ["pull.read_again"]
    assert await reading.round() == []


async def test_a_server_that_does_not_say_which_number_comes_next(server: ImapServer) -> None:
    server.next_uid = None
    reading = Reading(server)
    server.add(MAILS[0])
    await reading.round()
    server.add(*MAILS[1:3])
    assert await reading.round() == MAILS[1:3]
    assert await reading.round() == [], "n:* always has the last one"


async def test_a_mail_that_is_not_handed_out_holds_the_others_up_for_a_while_only(
    server: ImapServer,
) -> None:
    reading = Reading(server)
    await reading.round()
    server.add(*MAILS[:3])
    server.refused = {2}
    for _ in range(imap.TRIES - 1):
        assert (await failure(reading)).kind == "answer"
    note, last = (await reading.round())[-2:]
    assert last == MAILS[2]
    assert b"number 2 in the folder INBOX" in note
    assert b"this one cannot be read" in note


async def test_many_numbers_are_asked_for_in_portions(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "SEARCHED_AT_ONCE", 2)
    reading = Reading(server)
    await reading.round()
    server.add(*MAILS)
    assert await reading.round() == MAILS
    assert server.commands.count("SEARCH") == 3


async def test_a_mail_that_is_gone_meanwhile_is_passed_over(server: ImapServer) -> None:
    reading = Reading(server)
    await reading.round()
    server.add(*MAILS[:3])
    server.vanishing = {2}
    assert await reading.round() == [MAILS[0], MAILS[2]]


@pytest.mark.parametrize("command", ["LOGIN", "EXAMINE", "SEARCH", "FETCH"])
async def test_a_server_that_falls_silent_is_left(
    server: ImapServer, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(server)
    await reading.round()
    server.add(MAILS[0])
    await reading.source.close()
    monkeypatch.setattr(imap_session, "STEP_SECONDS", 0.2)
    server.silent = command
    silent = await failure(reading)
    assert (silent.kind, silent.reason) == (
        "unreachable", "the mail server takes too long to answer",
    )  # fmt: skip
    await asyncio.to_thread(no_step_is_under_way)
    server.silent = None
    monkeypatch.undo()
    assert await reading.round() == [MAILS[0]]


async def test_a_watch_over_which_the_connection_dies_is_noticed(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_session, "STEP_SECONDS", 0.2)
    reading = Reading(server)
    await reading.round()
    server.silent = "IDLE"
    with pytest.raises(PullError):
        await reading.source.wait(0.1)
    server.silent = None
    monkeypatch.undo()
    assert await reading.round() == []


async def test_where_the_server_cannot_tell_it_is_asked(server: ImapServer) -> None:
    server.can_idle = False
    reading = Reading(server)
    await reading.round()
    await reading.source.wait(0.01)
    assert "IDLE" not in server.commands


async def test_a_token_is_read_again_when_somebody_has_renewed_it(
    server: ImapServer, tmp_path: Path
) -> None:
    place = tmp_path / "token"
    place.write_text("old")
    server.tokens = {"new"}
    token = Credential("DESK_TOKEN_EMAIL", "old", str(place))
    reading = Reading(server, login="xoauth2", credential=token)
    assert (await failure(reading)).kind == "credentials"
    place.write_text("new\n")
    assert await reading.round() == []
    await reading.source.close()
    place.unlink()
    gone = await failure(reading)
    assert gone.kind == "credentials"
    assert "DESK_TOKEN_EMAIL_FILE" in gone.reason


@pytest.mark.parametrize(
    "answer", [b"\x00\xff\r\n", b"* \r\n", b"* OK [UIDVALIDITY x]\r\n", b"* 1 FETCH\r\n"]
)
async def test_what_is_no_imap_is_an_error_and_nothing_else(
    server: ImapServer, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_session, "STEP_SECONDS", 2)

    server.nonsense = answer
    assert (await failure(Reading(server))).kind in {"answer", "unreachable", "credentials"}


async def test_a_large_mail_of_which_the_desk_dies_is_read_by_its_headers_at_last(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "LARGE_BYTES", 100)
    reading = Reading(server)
    await reading.round()
    large = b"Message-ID: <large@a>\r\n\r\n" + b"x" * 200
    server.add(MAILS[0], large, MAILS[1])
    for _ in range(imap_cursor.MOST_TRIES):
        assert await reading.dies_of(large)
    first, last = await reading.round()
    assert first.startswith(b"Message-ID: <large@a>\r\nMIME-Version: 1.0")
    assert b"ended each time that it tried to read this mail" in first
    assert last == MAILS[1]
    assert await reading.round() == []
    server.add(large)
    assert await reading.round() == [large], "another one has its own tries"

"""A mailbox on a real server (dovecot), as the desk reads it: nothing lost, whatever dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.intake.pulling import imap, imap_session
from services.intake.pulling.imap import ImapSource
from services.intake.pulling.source import Batch, Cursor, PullError
from shared.policy.pulling import ImapPull
from shared.runtime.clock import SystemClock
from shared.runtime.credentials import Credential
from shared.runtime.ids import new_id
from tests.support.certificates import make_certificates
from tests.support.dovecot import PASSWORD, Dovecot, mail_server
from tests.support.imap_server import no_step_is_under_way

RIGHT = Credential("DESK_PASSWORD_EMAIL", PASSWORD)


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with mail_server(request) as running:
        yield running


class Mailbox:
    """A new one for each test, and the channel's source that reads it, with cursors that outlive
    it.
    """

    def __init__(self, server: Dovecot, **settings: Any) -> None:
        self.server = server
        self.user = f"{new_id()}@example.org"
        self.cursors: dict[str, Cursor] = {}
        self.read: list[bytes] = []
        self.open(**settings)

    def open(self, *, credential: Credential = RIGHT, **settings: Any) -> None:
        usual = {
            "type": "imap", "host": "localhost", "port": self.server.tls_port, "user": self.user,
            "ca": self.server.ca,
        }  # fmt: skip
        pull = ImapPull.model_validate({**usual, **settings})
        self.source = ImapSource("email", pull, credential, SystemClock())

    async def round(self, *, crash_after: int | None = None) -> list[bytes]:
        """What is new. With `crash_after`, so many batches of mails are stored and the cursor of
        the last one is not.
        """
        bodies = self.read = []
        with_mails = 0
        async for batch in self.source.batches(self.cursors):
            bodies += batch.bodies
            with_mails += bool(batch.bodies)
            if with_mails == crash_after:
                break
            await self._stored(batch)
        return bodies

    async def _stored(self, batch: Batch) -> None:
        if batch.after is not None:
            await batch.after()
        self.cursors[batch.place] = batch.cursor

    def deliver(self, *mails: bytes, folder: str = "INBOX") -> None:
        self.server.deliver(self.user, *mails, folder=folder)


@pytest.fixture
async def mailbox(server: Dovecot) -> Mailbox:
    """Read once, when it was empty."""
    made = Mailbox(server)
    assert await made.round() == []
    return made


def mail(number: int, *, text: str = "Guten Tag") -> bytes:
    return (
        f"From: erika@example.org\r\nTo: desk@example.org\r\nSubject: Frage {number}\r\n"
        f"Message-ID: <m{number}@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"{text}\r\n"
    ).encode()


async def test_at_first_nothing_and_then_what_arrives(server: Dovecot) -> None:
    mailbox = Mailbox(server)
    mailbox.deliver(mail(1))
    assert await mailbox.round() == []
    mailbox.deliver(mail(2), mail(3))
    assert await mailbox.round() == [mail(2), mail(3)]
    assert await mailbox.round() == []
    assert not any(b"Seen" in each for each in server.flags(mailbox.user))


async def test_or_what_arrived_since_a_day(server: Dovecot) -> None:
    mailbox = Mailbox(server, since=datetime.now(UTC).date() - timedelta(days=1))
    mailbox.deliver(mail(1), mail(2))
    assert await mailbox.round() == [mail(1), mail(2)]
    assert await mailbox.round() == []


async def test_that_somebody_has_read_it_makes_no_difference(
    server: Dovecot, mailbox: Mailbox
) -> None:
    mailbox.deliver(mail(1))
    with server.session(mailbox.user) as client:
        client.store("1", "+FLAGS", r"(\Seen)")
    assert await mailbox.round() == [mail(1)]


async def test_a_crash_between_a_batch_and_its_cursor_repeats_it(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "STORED_AT_ONCE", 2)
    mailbox.deliver(*(mail(n) for n in range(7)))
    assert await mailbox.round(crash_after=2) == [mail(n) for n in range(4)]
    mailbox.open()
    assert await mailbox.round() == [mail(n) for n in range(2, 7)]


async def test_a_server_that_is_killed_is_read_on_where_it_was(
    server: Dovecot, mailbox: Mailbox
) -> None:
    mailbox.deliver(mail(1))
    assert await mailbox.round() == [mail(1)]
    mailbox.deliver(mail(2))
    server.kill()
    for _ in range(2):
        with pytest.raises(PullError) as failed:
            await mailbox.round()
        assert failed.value.kind == "unreachable"
    server.start()
    assert await mailbox.round() == [mail(2)]


async def test_other_numbers_let_what_came_lately_be_read_again(
    server: Dovecot, mailbox: Mailbox
) -> None:
    mailbox.deliver(mail(1), mail(2))
    assert await mailbox.round() == [mail(1), mail(2)]
    before = mailbox.cursors["INBOX"]
    server.renumber(mailbox.user)
    mailbox.deliver(mail(3))
    mailbox.open()
    with capture_logs() as logged:
        assert sorted(await mailbox.round()) == [mail(1), mail(2), mail(3)]
    assert mailbox.cursors["INBOX"]["validity"] != before["validity"]
    assert [each["event"] for each in logged] == ["pull.read_again"]
    assert await mailbox.round() == []
    mailbox.deliver(mail(4))
    assert await mailbox.round() == [mail(4)]


async def test_a_folder_that_was_made_anew_loses_nothing(server: Dovecot, mailbox: Mailbox) -> None:
    mailbox.open(folders=["Anfragen & Büro"])
    with server.session(mailbox.user, "Anfragen &- B&APw-ro"):
        pass
    assert await mailbox.round() == []
    mailbox.deliver(*(mail(n) for n in range(5)), folder="Anfragen &- B&APw-ro")
    assert len(await mailbox.round()) == 5
    with server.session(mailbox.user) as client:
        client.delete('"Anfragen &- B&APw-ro"')
    mailbox.deliver(mail(9), folder="Anfragen &- B&APw-ro")
    mailbox.open(folders=["Anfragen & Büro"])
    assert await mailbox.round() == [mail(9)]


async def test_several_folders_have_a_cursor_each(server: Dovecot, mailbox: Mailbox) -> None:
    with server.session(mailbox.user, "Verkauf"):
        pass
    mailbox.open(folders=["INBOX", "Verkauf"])
    assert await mailbox.round() == []
    mailbox.deliver(mail(1))
    mailbox.deliver(mail(2), folder="Verkauf")
    assert sorted(await mailbox.round()) == [mail(1), mail(2)]
    assert mailbox.cursors.keys() == {"INBOX", "Verkauf"}


async def test_a_folder_that_is_not_there_is_named_and_keeps_no_other_from_being_read(
    mailbox: Mailbox,
) -> None:
    mailbox.open(folders=["INBOX", "Nirgends"])
    mailbox.deliver(mail(1))
    with pytest.raises(PullError) as failed:
        await mailbox.round()
    assert mailbox.read == [mail(1)]
    assert failed.value.kind == "answer"
    assert "Nirgends" in failed.value.reason


async def test_a_large_mail_is_read_in_chunks_and_too_large_a_one_as_a_note(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_session, "CHUNK_BYTES", 100_000)
    mailbox.open(largest_mib=1)
    whole = mail(1, text="Zeile mit Umlauten äöü\r\n" * 30_000)
    exact = mail(2, text="x" * 10)
    exact += b"y" * (300_000 - len(exact))
    large = mail(3, text="z" * 80 + "\r\n") + b"z\r\n" * 500_000
    mailbox.deliver(whole, exact, large, mail(4))
    first, second, note, last = await mailbox.round()
    assert (first, second, last) == (whole, exact, mail(4))
    assert b"Message-ID: <m3@example.org>\r\n" in note
    assert b"zzz" not in note
    assert b"more than the 1 MiB that the desk reads" in note


@pytest.mark.parametrize("then", ["seen", "move:Erledigt"])
async def test_mails_are_marked_or_moved_when_they_are_stored_and_not_before(
    server: Dovecot, mailbox: Mailbox, then: str
) -> None:
    with server.session(mailbox.user, "Erledigt"):
        pass
    mailbox.open(then=then)
    mailbox.deliver(mail(1), mail(2))
    assert len(await mailbox.round(crash_after=1)) == 2
    assert not any(b"Seen" in each for each in server.flags(mailbox.user))
    await mailbox.source.close()
    assert len(await mailbox.round()) == 2
    left, moved = server.flags(mailbox.user), server.flags(mailbox.user, "Erledigt")
    if then == "seen":
        assert [b"Seen" in each for each in left] == [True, True]
    else:
        assert (len(left), len(moved)) == (0, 2)
    mailbox.deliver(mail(3))
    assert await mailbox.round() == [mail(3)]


async def test_that_mails_cannot_be_moved_holds_nothing_up(mailbox: Mailbox) -> None:
    mailbox.open(then="move:Nirgends")
    mailbox.deliver(mail(1))
    with capture_logs() as logged:
        assert await mailbox.round() == [mail(1)]
    assert [each["event"] for each in logged] == ["pull.not_tidied"]
    assert await mailbox.round() == []


async def test_a_new_mail_ends_the_wait_at_once(mailbox: Mailbox) -> None:
    began = time.monotonic()
    waiting = asyncio.create_task(mailbox.source.wait(60))
    await asyncio.to_thread(mailbox.deliver, mail(1))
    async with asyncio.timeout(30):
        await waiting
    assert time.monotonic() - began < 30
    assert await mailbox.round() == [mail(1)]


async def test_while_nothing_comes_the_wait_ends_by_itself(mailbox: Mailbox) -> None:
    for _ in range(2):
        await mailbox.source.wait(0.2)
        assert await mailbox.round() == []


async def test_a_server_that_dies_while_it_is_watched_is_noticed(
    server: Dovecot, mailbox: Mailbox
) -> None:
    waiting = asyncio.create_task(mailbox.source.wait(60))
    await asyncio.to_thread(mailbox.deliver, mail(1))
    await waiting
    assert await mailbox.round() == [mail(1)]
    waiting = asyncio.create_task(mailbox.source.wait(60))
    await asyncio.sleep(0)
    await asyncio.to_thread(server.kill)

    async def go_on() -> None:
        await waiting
        await mailbox.round()

    async with asyncio.timeout(30):
        with pytest.raises(PullError):
            await go_on()
    server.start()
    assert await mailbox.round() == []


async def test_who_stops_waiting_leaves_no_thread_behind(mailbox: Mailbox) -> None:
    waiting = asyncio.create_task(mailbox.source.wait(600))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.to_thread(no_step_is_under_way)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_way_is_encrypted_either_way(
    server: Dovecot, mailbox: Mailbox, security: str
) -> None:
    port = server.port if security == "starttls" else server.tls_port
    mailbox.open(security=security, port=port)
    mailbox.deliver(mail(1))
    assert await mailbox.round() == [mail(1)]


async def test_a_strange_certificate_is_not_trusted(
    mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    others = make_certificates(tmp_path_factory.mktemp("others"))
    for settings in ({"ca": others.ca}, {"host": "127.0.0.1"}):
        mailbox.open(**settings)
        with pytest.raises(PullError) as failed:
            await mailbox.round()
        assert failed.value.kind == "unreachable"
        assert "certificate is not trusted" in failed.value.reason


@pytest.mark.parametrize("text", [None, "no certificate"])
async def test_a_file_without_an_authority_is_named(
    mailbox: Mailbox, tmp_path: Path, text: str | None
) -> None:
    place = tmp_path / "ca.pem"
    if text is not None:
        place.write_text(text)
    mailbox.open(ca=place)
    with pytest.raises(PullError) as failed:
        await mailbox.round()
    assert failed.value.kind == "credentials"
    assert f"{place} holds no certificate" in failed.value.reason


@pytest.mark.parametrize("password", ["falsch", "fälsch", 'a"b\\c'])
async def test_a_wrong_password_is_called_that_and_not_shown(
    mailbox: Mailbox, password: str
) -> None:
    mailbox.open(credential=Credential("DESK_PASSWORD_EMAIL", password))
    with pytest.raises(PullError) as failed:
        await mailbox.round()
    assert failed.value.kind == "credentials"
    assert password not in failed.value.reason

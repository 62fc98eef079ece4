"""A source is tried without anything being kept of it, or changed there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from services.intake.connectors import raw_email
from services.intake.policy import ChannelRules, channel_rules
from services.intake.pulling import trial as trials
from services.intake.pulling.source import Batch, Cursors, PullError
from services.intake.pulling.trial import trial
from shared.policy import load_policy
from shared.policy.pulling import AnyPull, ImapPull, MastodonPull
from shared.runtime.clock import SystemClock
from shared.runtime.credentials import Credential, Credentials
from tests.support.imap_server import imap_server

RULES = channel_rules("email", load_policy(None).channels["email"], raw_email.CONNECTOR, secrets=())
GIVEN = {
    "email": Credentials(
        password=Credential("DESK_PASSWORD_EMAIL", "x"), token=Credential("DESK_TOKEN_EMAIL", "t")
    )
}
MASTODON = MastodonPull(
    type="mastodon", server="https://social.example.org", since=date(2026, 1, 1)
)


def imap(port: int, **settings: Any) -> ImapPull:
    usual = {"type": "imap", "host": "127.0.0.1", "port": port, "security": "none", "user": "desk"}
    return ImapPull.model_validate({**usual, **settings})


@dataclass
class Fake:
    """A source with one round, in which the last thing may be an error."""

    round: Sequence[Batch | Exception] = ()
    asked: list[tuple[AnyPull, Cursors]] = field(default_factory=list)
    touched: int = 0
    closed: int = 0
    pull: AnyPull = MASTODON
    hangs: bool = False

    def __call__(self, _rules: ChannelRules, pull: AnyPull, _credential: Any, _clock: Any) -> Fake:
        self.pull = pull
        return self

    async def batches(self, cursors: Cursors) -> AsyncGenerator[Batch, None]:
        self.asked.append((self.pull, cursors))
        if self.hangs:
            await asyncio.Event().wait()
        for each in self.round:
            if isinstance(each, Exception):
                raise each
            yield each

    async def touch(self) -> None:
        self.touched += 1

    async def wait(self, seconds: float) -> None:  # noqa: ARG002 - the form of a source
        raise AssertionError("nobody waits in a trial")

    async def close(self) -> None:
        self.closed += 1


async def tried(source: Fake) -> str | None:
    return await trial(RULES, MASTODON, GIVEN, clock=SystemClock(), sources=source)


async def test_it_is_read_from_now_on_to_its_end_and_nothing_is_done_with_it() -> None:
    source = Fake()
    source.round = [Batch("a", (b"1",), {}, source.touch), Batch("b", (), {})]
    assert await tried(source) is None
    ((pull, cursors),) = source.asked
    assert (pull.since, cursors) == (None, {})
    assert (source.touched, source.closed) == (0, 1)


async def test_why_it_cannot_be_read_is_said() -> None:
    source = Fake(round=[Batch("a", (), {}), PullError("limited", "it asks us to wait")])
    assert await tried(source) == "it asks us to wait"
    assert source.closed == 1


async def test_it_takes_no_longer_than_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "TRIED_SECONDS", 0.01)
    source = Fake(hangs=True)
    assert await tried(source) == "it was not read within 0 seconds"
    assert source.closed == 1


async def test_what_is_not_there_to_log_in_with_is_named() -> None:
    found = await trial(RULES, imap(1), {}, clock=SystemClock())
    assert found is not None
    assert found.startswith("DESK_PASSWORD_EMAIL is not set: with it the desk logs in")


async def test_a_mailbox_is_looked_at_only() -> None:
    async with imap_server() as server:
        server.add(b"Message-ID: <1@a>\r\n\r\nHallo\r\n")
        pull = imap(server.port, then="move:Archive")
        assert await trial(RULES, pull, GIVEN, clock=SystemClock()) is None
    assert "EXAMINE" in server.commands
    assert not {"SELECT", "STORE", "MOVE", "COPY", "EXPUNGE"} & {*server.commands}


async def test_a_mailbox_that_lets_nobody_in_is_said() -> None:
    async with imap_server(tokens={"another"}) as server:
        pull = imap(server.port, login="xoauth2")
        found = await trial(RULES, pull, GIVEN, clock=SystemClock())
    assert found is not None
    assert "'t'" not in found

"""What is fetched becomes what is delivered, once, whoever dies; one instance reads at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from services.intake.app import build
from services.intake.connectors.registry import FORMATS, registry
from services.intake.connectors.standard_webhooks import CONNECTOR as STANDARD_WEBHOOKS
from services.intake.pulling import poller, store
from services.intake.pulling.source import Batch, Cursors, PullError
from services.intake.settings import IntakeSettings
from services.intake.tables import pulls
from shared.access.keys import ALL_SCOPES
from shared.db import Database, Write
from shared.policy import Policy, load_policy
from shared.policy.pulling import MastodonPull
from shared.runtime.credentials import Credential, Credentials
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import running_loops
from tests.services.intake.conftest import NOON
from tests.services.intake.desk import ANNA, Desk, message
from tests.support.bench import runtime_of, served
from tests.support.clock import ManualClock

CHANNEL = "mastodon"
MINUTE = timedelta(minutes=1)
FORMAT = replace(STANDARD_WEBHOOKS, name="mastodon")


def body(*messages: Any) -> bytes:
    return json.dumps({"type": "message.created", "data": list(messages)}).encode()


@dataclass
class Fake:
    """A source whose rounds are given: batches, or an error where it breaks off.

    It waits until the test lets it go on, and says when it has begun to wait.
    """

    rounds: list[Sequence[Batch | Exception]] = field(default_factory=list)
    seen: list[Cursors] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    again: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def batches(self, cursors: Cursors) -> AsyncGenerator[Batch, None]:
        self.seen.append(cursors)
        self.changed.set()
        for each in self.rounds.pop(0) if self.rounds else ():
            if isinstance(each, Exception):
                raise each
            yield each

    async def wait(self, seconds: float) -> None:  # noqa: ARG002 - the form of a source
        self.waiting.set()
        await self.again.wait()
        self.again.clear()

    async def close(self) -> None:
        self.closed += 1
        self.changed.set()

    async def until(self, fits: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not fits():
                self.changed.clear()
                await self.changed.wait()

    async def through(self) -> None:
        """Until it has been read to its end."""
        async with asyncio.timeout(20):
            await self.waiting.wait()
        self.waiting.clear()


def batch(*bodies: bytes, at: int, **more: Any) -> Batch:
    return Batch("notifications", bodies, {"id": at}, **more)


def policy() -> Policy:
    shipped = load_policy(None)
    pull = MastodonPull(type="mastodon", server="https://social.example.org")
    channel = shipped.channels[CHANNEL].model_copy(update={"connector": "mastodon", "pull": pull})
    return shipped.model_copy(update={"channels": {**shipped.channels, CHANNEL: channel}})


@asynccontextmanager
async def reading(
    database_url: str, folder: Path, clock: ManualClock, source: Fake, *, running: bool = True
) -> AsyncIterator[Desk]:
    """An intake that accepts, and fetches from that source."""
    service = build(
        runtime_of(folder, clock, policy(), {"Anna": (ANNA, ALL_SCOPES)}),
        IntakeSettings(database_url=database_url),
        {},
        registry(*FORMATS, FORMAT),
        credentials={CHANNEL: Credentials(token=Credential("DESK_TOKEN_MASTODON", "a-token"))},
        sources=lambda *_: source,
    )
    wanted = {"accept", f"pull-{CHANNEL}"} if running else {"accept"}
    loops = [(name, loop) for name, loop in service.own_loops if name in wanted]
    async with served(service) as http, running_loops(loops):
        await asyncio.sleep(0)  # the committer begins
        yield Desk(service, clock, http)


async def state(desk: Desk) -> store.PullState:
    return (await desk.service.database.read(store.states, [CHANNEL]))[CHANNEL]


async def cursors(database: Database) -> Cursors:
    return await database.read(store.cursors, CHANNEL)


async def test_what_is_fetched_opens_inquiries_and_moves_the_cursor(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    source = Fake([[batch(body(message(), message()), body(message()), at=3), batch(at=4)]])
    async with reading(database_url, tmp_path, clock, source) as desk:
        await source.through()
        page = await desk.get("/inquiries")
        assert len(page["items"]) == 3
        assert {each["channel"] for each in page["items"]} == {CHANNEL}
        assert await cursors(desk.service.database) == {"notifications": {"id": 4}}
        source.again.set()
        await source.through()
    assert source.seen == [{}, {"notifications": {"id": 4}}]


async def test_a_crash_before_the_cursor_moved_repeats_what_then_changes_nothing(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    found = [body(message(id="m-a")), body(message(id="m-b"))]

    async def dies() -> None:
        raise PullError("unreachable", "the connection broke")

    first = Fake([[batch(*found, at=2, after=dies)]])
    async with reading(database_url, tmp_path, clock, first) as desk:
        await first.until(lambda: first.closed >= 1)
        assert await desk.stored() == 2
        assert await cursors(desk.service.database) == {}
    clock.advance(MINUTE)
    second = Fake([[batch(*found, at=2)]])
    async with reading(database_url, tmp_path, clock, second) as desk:
        await second.through()
        assert await desk.stored() == 2
        assert await cursors(desk.service.database) == {"notifications": {"id": 2}}


async def test_what_cannot_be_understood_is_kept_aside_and_holds_nothing_up(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    poison = [b"no JSON", b"\xff\xfe", b"7", body({"text": "without an id"}), b""]
    source = Fake([[batch(*poison, body(message(id="m-last")), at=6)]])
    async with reading(database_url, tmp_path, clock, source) as desk:
        await source.through()
        kept = await desk.get("/quarantine", channel=CHANNEL)
        assert len(kept["items"]) == len(poison)
        assert await desk.stored() == 1
        assert await cursors(desk.service.database) == {"notifications": {"id": 6}}


async def test_the_originals_are_touched_only_when_their_messages_are_stored(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    stored: list[int] = []
    source = Fake()
    async with reading(database_url, tmp_path, clock, source) as desk:
        await source.through()

        async def after() -> None:
            stored.append(await desk.stored())

        source.rounds.append([batch(body(message()), at=1, after=after)])
        source.again.set()
        await source.through()
    assert stored == [1]


async def test_an_outage_is_logged_once_and_seen_until_it_is_over(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    away = PullError("limited", "asked too often", not_before=NOON + 10 * MINUTE)
    source = Fake([[batch(at=1), away], [away]])
    with capture_logs() as logged:
        async with reading(database_url, tmp_path, clock, source) as desk:
            await source.until(lambda: len(source.seen) == 1)
            await source.until(lambda: source.closed == 1)
            now = await state(desk)
            assert now.error == "asked too often"
            assert (now.failing_since, now.not_before) == (NOON, NOON + 10 * MINUTE)
            assert now.read_at is None
            clock.advance(5 * MINUTE)
            await asyncio.sleep(poller.CLOCK_SECONDS * 1.5)
            assert len(source.seen) == 1, "it is not asked before its time"
            clock.advance(6 * MINUTE)
            await source.until(lambda: len(source.seen) == 2)
            clock.advance(30 * MINUTE)
            await source.through()
            now = await state(desk)
    assert (now.error, now.failing_since, now.not_before) == (None, None, None)
    assert now.read_at == clock.now()
    ours = [each for each in logged if each["event"].startswith("pull.")]
    assert [each["event"] for each in ours] == ["pull.interrupted", "pull.resumed"]
    assert ours[0]["channel"] == CHANNEL
    assert ours[1]["seconds"] == 41 * 60


async def test_when_to_ask_again_is_known_after_a_restart(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    away = PullError("limited", "asked too often", not_before=NOON + 10 * MINUTE)
    first = Fake([[away]])
    async with reading(database_url, tmp_path, clock, first) as desk:
        await first.until(lambda: first.closed >= 1)
        assert (await state(desk)).error is not None
    second = Fake()
    async with reading(database_url, tmp_path, clock, second):
        await asyncio.sleep(poller.CLOCK_SECONDS / 2)
        assert second.seen == []
        clock.advance(11 * MINUTE)
        await second.through()
    assert second.seen == [{}]


async def test_readiness_says_that_a_source_is_not_read(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    away = PullError("credentials", "the token is not valid")
    source = Fake([[away]])
    async with reading(database_url, tmp_path, clock, source) as desk:
        await source.until(lambda: source.closed >= 1)
        clock.set(NOON + 16 * MINUTE)
        ready = await desk.http.get("/intake/health/ready")
        check = ready.json()["checks"]["pulling"]
        assert check["status"] == "degraded"
        assert check["reason"] == "mastodon was last read 960 seconds ago: the token is not valid"
        shown = (await desk.http.get("/intake/metrics")).text
        assert 'desk_pull_lag_seconds{channel="mastodon"} 960.0' in shown


async def test_a_bug_in_a_source_ends_nothing_else(
    database_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "ASK_AGAIN_SECONDS", 0.05)
    source = Fake([[RuntimeError("a bug")]])
    with capture_logs() as logged:
        async with reading(database_url, tmp_path, clock, source) as desk:
            await source.through()
            assert (await desk.post("/inquiries", None)).status_code != 503
    assert [each["event"] for each in logged if each["event"].startswith("pull.")] == [
        "pull.failed"
    ]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_of_two_instances_one_reads_and_the_other_when_it_is_gone(
    database_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "ASK_AGAIN_SECONDS", 0.05)
    first, second = Fake(), Fake()
    async with AsyncExitStack() as others:
        async with reading(database_url, tmp_path, clock, first):
            await first.through()
            await others.enter_async_context(reading(database_url, tmp_path, clock, second))
            await second.until(lambda: second.closed >= 3)
            assert second.seen == []
        await second.through()
    assert len(first.seen) == len(second.seen) == 1


async def test_nothing_is_written_under_a_lease_that_is_another_s_by_now(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with reading(database_url, tmp_path, clock, Fake(), running=False) as desk:
        database, one, other = desk.service.database, new_id(), new_id()

        async def take(holder: Any) -> store.Lease | None:
            now = clock.now()
            return await database.write(
                store.take, CHANNEL, holder=holder, now=now, until=now + MINUTE
            )

        old = await take(one)
        assert old is not None
        assert await take(other) is None
        clock.advance(2 * MINUTE)
        new = await take(other)
        assert new is not None
        assert new.epoch > old.epoch
        await database.write(store.advance, new, place="p", cursor={"id": 9}, now=clock.now())
        assert not await database.write(store.renew, old, until=clock.now() + MINUTE)
        for verb, more in (
            (store.advance, {"place": "p", "cursor": {"id": 1}}),
            (store.note_read, {}),
            (store.note_failure, {"reason": "x", "not_before": lambda _: clock.now()}),
        ):
            with pytest.raises(store.LeaseLostError):
                await database.write(verb, old, now=clock.now(), **more)  # type: ignore[arg-type]
        await database.write(store.release, old)
        assert await cursors(database) == {"p": {"id": 9}}
        assert await take(one) is None
        await database.write(store.release, new)
        assert await take(one) is not None


async def test_whoever_loses_the_lease_stops_reading(
    database_url: str, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "RENEW_SECONDS", 0.05)
    source = Fake()
    async with reading(database_url, tmp_path, clock, source) as desk:
        await source.through()
        await desk.service.database.write(taken_away, now=clock.now())
        await source.until(lambda: source.closed >= 1)
        assert len(source.seen) == 1


def taken_away(tx: Write, *, now: datetime) -> None:
    """As when this instance had slept for longer than its lease lasts."""
    tx.execute(update(pulls).values(leased_until=now - MINUTE))
    assert store.take(tx, CHANNEL, holder=new_id(), now=now, until=now + MINUTE) is not None

"""The process that trains, and whose turn it is: nothing is lost whatever ends it."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.router.deciding.decide import Decider
from services.router.deciding.model.learned import Seat
from services.router.learning import worker
from services.router.learning.following import Following, ModelMetrics
from services.router.learning.job import Job
from services.router.learning.process import TrainingError, run_training
from services.router.learning.store import models, progress
from services.router.learning.store.models import State, TaughtBy
from services.router.learning.usecases import versions
from services.router.learning.usecases.versions import Result
from shared.db import DatabaseUnavailableError
from shared.runtime.ids import new_id
from shared.runtime.telemetry import Metrics
from tests.services.router.desk import POLICY, Desk, Inquiry
from tests.services.router.learning_desk import Once, corrected, runs, train, trainer


async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A database that takes the connection and says nothing."""
    await writer.wait_closed()


async def test_it_ends_when_nobody_waits_for_it_any_more() -> None:
    """As when the router was killed: the system closes the pipe."""
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        job = Job(f"postgresql://router:x@127.0.0.1:{port}/router", None, 50)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.router.learning.train",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 60) == 1
        assert await process.stderr.read() == b"", "it ended for another reason"


async def test_one_that_takes_too_long_is_ended() -> None:
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        job = Job(f"postgresql://router:x@127.0.0.1:{port}/router", None, 50)
        with pytest.raises(TrainingError, match="took longer than"):
            await run_training(job, seconds=0.5)


async def test_what_goes_wrong_in_it_is_said_without_values(tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    with pytest.raises(TrainingError, match="ended with code 1") as failed:
        await run_training(Job(f"sqlite:///{tmp_path}/router.sqlite", str(gone), 50))
    assert "x@" not in str(failed.value)


async def test_one_trains_at_a_time(desk: Desk) -> None:
    database, now, turn = desk.service.database, desk.clock.now(), timedelta(minutes=12)
    one, other = new_id(), new_id()
    assert await database.write(progress.take, one, now=now, until=now + turn)
    assert not await database.write(progress.take, other, now=now, until=now + turn)
    # It was killed: when its turn has ended the other takes it up, and it comes too late.
    later = now + turn
    assert await database.write(progress.take, other, now=later, until=later + turn)
    assert not await database.write(progress.is_held, one)
    await database.write(progress.release, one)
    assert await database.write(progress.is_held, other)


async def test_a_clock_that_was_ahead_keeps_nobody_from_training(
    desk: Desk, database_url: str
) -> None:
    """As before a host knows the time: it was years ahead, trained, and was killed at the next."""
    await corrected(desk, 30)
    await runs(desk, "labels")
    database, now = desk.service.database, desk.clock.now()
    desk.clock.set(now + timedelta(days=4000))
    ahead = desk.clock.now()
    assert await train(desk, database_url) == 1
    assert await database.write(progress.take, new_id(), now=ahead, until=ahead + worker.TURN)
    desk.clock.set(now)
    assert await train(desk, database_url) == 2
    assert await train(desk, database_url) is None


async def test_who_goes_back_while_somebody_trains_by_hand_has_the_last_word(
    desk: Desk, database_url: str
) -> None:
    await corrected(desk, 30)
    await runs(desk, "labels")
    assert await train(desk, database_url) == 1
    database, usual = desk.service.database, trainer(desk, database_url)

    async def meanwhile(job: Job) -> Result:
        result = await usual.run(job)
        await database.write(versions.go_back, versions.LEXICON, now=desk.clock.now())
        return result

    by_hand = trainer(desk, database_url, run=meanwhile)
    assert await by_hand.train(by_hand.job, asyncio.Event(), by_hand=True) == 2
    desk.clock.advance(timedelta(days=2))
    assert await train(desk, database_url) == 3
    assert await database.read(models.current) is None


async def test_what_fails_is_tried_again_in_an_hour(desk: Desk, database_url: str) -> None:
    await corrected(desk, 30)
    await runs(desk, "labels")
    tries = 0

    async def fails(_job: Job) -> Result:
        nonlocal tries
        tries += 1
        raise TrainingError("no memory")

    failing, stop = trainer(desk, database_url, run=fails), asyncio.Event()
    for _ in range(3):
        assert await failing.train_if_due(stop) is None
    assert tries == 1
    desk.clock.advance(timedelta(hours=1))
    assert await train(desk, database_url) == 1


async def test_who_is_stopped_while_training_leaves_the_turn(desk: Desk, database_url: str) -> None:
    await corrected(desk, 30)
    await runs(desk, "labels")
    stop, ended = asyncio.Event(), asyncio.Event()

    async def stopped(_job: Job) -> Result:
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("nobody ends it")

    assert await trainer(desk, database_url, run=stopped).train_if_due(stop) is None
    assert ended.is_set()
    assert await train(desk, database_url) == 1


async def test_two_that_are_ready_at_once_are_one_version(desk: Desk, database_url: str) -> None:
    """The first lost its turn while it trained, and its answer comes to nothing."""
    await corrected(desk, 30)
    await runs(desk, "labels")
    late = trainer(desk, database_url)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(job: Job) -> Result:
        begun.set()
        await go_on.wait()
        return await late.run(job)

    losing = trainer(desk, database_url, run=slow)
    task = asyncio.create_task(losing.train_if_due(asyncio.Event()))
    await begun.wait()
    desk.clock.advance(worker.TURN)
    other = new_id()
    now = desk.clock.now()
    await desk.service.database.write(progress.take, other, now=now, until=now + worker.TURN)
    held = await desk.service.database.write(progress.is_held, other)
    go_on.set()
    result = await task
    # On SQLite there is one process, which keeps its turn.
    assert (result is None) == held
    assert len(await desk.service.database.read(models.versions)) == (0 if held else 1)


class Away:
    dialect = "postgresql"

    async def read(self, *_args: Any, **_more: Any) -> Any:
        raise DatabaseUnavailableError("nobody answers")

    write = read


async def test_while_the_database_is_away_all_goes_on(desk: Desk, database_url: str) -> None:
    await corrected(desk, 30)
    await runs(desk, "labels")
    version = await train(desk, database_url)
    seat, metrics = Seat(), ModelMetrics.of(Metrics("router"))
    following = Following(seat, metrics, decides=True)
    await desk.service.database.read(following.take_over)
    away: Any = Away()
    decider = Decider.of(POLICY)
    for loop in (
        worker.follow(away, following),
        worker.label(away, desk.clock),
        worker.watch(away, desk.clock, following, decider),
        worker.Trainer(
            away, desk.clock, Job(database_url, None, 50), timedelta(days=1), metrics
        ).loop(),
    ):
        await loop(Once())
    assert seat.current is not None
    assert seat.current.number == version


async def test_a_version_that_only_watches_does_not_sit(desk: Desk, database_url: str) -> None:
    await corrected(desk, 30)
    await runs(desk, "labels")
    assert await train(desk, database_url) is not None
    seat = Seat()
    following = Following(seat, ModelMetrics.of(Metrics("router")), decides=False)
    await desk.service.database.read(following.take_over)
    assert seat.current is None
    assert [each.number for each in following.versions] == [1]


async def test_what_the_words_are_sure_of_teaches_one_that_watches(
    desk: Desk, database_url: str
) -> None:
    now = desk.clock.now()
    sure = [f"Der Server ist abgestürzt, Fehler {n}." for n in range(40)]
    sure += [f"Die Rechnung {n} ist falsch, bitte um eine Gutschrift." for n in range(40)]
    await desk.hears_together(*(Inquiry(now).received(text) for text in sure))
    assert await train(desk, database_url) is None
    taught = await train(desk, database_url, self_taught=True)
    assert taught is not None
    (stored,) = await desk.service.database.read(models.versions)
    assert (stored.taught_by, stored.state) == (TaughtBy.LEXICON, State.CANDIDATE)
    assert await train(desk, database_url, self_taught=True) is None


async def test_every_instance_follows_what_is_current(desk: Desk, database_url: str) -> None:
    await corrected(desk, 30)
    await runs(desk, "labels")
    database, now = desk.service.database, desk.clock.now()
    assert await train(desk, database_url) == 1
    desk.clock.advance(timedelta(days=2))
    assert await train(desk, database_url) == 2
    instances = [
        Following(Seat(), ModelMetrics.of(Metrics("router")), decides=True) for _ in range(3)
    ]
    for chosen in (2, 1, None):
        if chosen != 2:
            await database.write(versions.go_back, chosen or versions.LEXICON, now=now)
        for each in instances:
            await database.read(each.take_over)
        assert {each.current for each in instances} == {chosen}

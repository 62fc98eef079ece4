"""What the router does now and then to learn: follow labels and versions, watch, train."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import structlog

from services.router.deciding.decide import LEXICON, Decider
from services.router.deciding.model.learned import MODEL, Version
from services.router.learning.following import Following, ModelMetrics
from services.router.learning.job import Job
from services.router.learning.process import LONGEST_SECONDS, TrainingError, run_training
from services.router.learning.store import labels, models, progress, recent
from services.router.learning.store.labels import Words
from services.router.learning.store.recent import Recent, WouldDecide
from services.router.learning.usecases import labelling, versions
from services.router.learning.usecases.versions import Result, TurnLostError
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.lifecycle import Loop, pause, unless
from shared.runtime.periodic import periodic

FOLLOW_SECONDS = 15.0
LABEL_SECONDS = 20.0
WATCH_SECONDS = 60.0
ASK_SECONDS = 60.0
"""How often it is looked whether it is time to train."""
TURN = timedelta(seconds=LONGEST_SECONDS + 120)
"""Longer than a training may take. One whose router was killed is taken up again after it."""
AFTER_FAILURE = timedelta(hours=1)
THE_ONLY_ONE = UUID(int=0)
WATCHED_AT_ONCE = 200
WATCHED_FOR = timedelta(days=400)
"""Longer than the longest span of the report."""
BETWEEN_BATCHES_SECONDS = 0.05

log = structlog.get_logger()

Train = Callable[[Job], Awaitable[Result]]


def follow(database: Database, following: Following) -> Loop:
    async def step(_stop: asyncio.Event) -> None:
        try:
            await database.read(following.take_over)
        except DatabaseUnavailableError:
            return  # what is in use stays, and the database says so itself

    return periodic("models", FOLLOW_SECONDS, step)


def label(database: Database, clock: Clock) -> Loop:
    async def step(stop: asyncio.Event) -> None:
        try:
            while not stop.is_set() and await database.write(labelling.read_on, now=clock.now()):
                await pause(stop, BETWEEN_BATCHES_SECONDS)
        except DatabaseUnavailableError as error:
            log.warning("labels.not_read", service="router", reason=str(error))

    return periodic("labels", LABEL_SECONDS, step)


def watch(database: Database, clock: Clock, following: Following, decider: Decider) -> Loop:
    async def step(_stop: asyncio.Event) -> None:
        try:
            await watch_once(database, following, decider)
            await database.write(recent.forget, before=clock.now() - WATCHED_FOR)
        except DatabaseUnavailableError as error:
            log.warning("shadow.not_kept", service="router", reason=str(error))

    return periodic("shadow", WATCH_SECONDS, step)


async def watch_once(database: Database, following: Following, decider: Decider) -> int:
    """Keep what each version of interest would have decided on the newest inquiries; how many.

    Where more came since the last time, the older ones of them are passed over.
    """
    kept = 0
    for version in following.versions:
        newest = await database.read(recent.newest, limit=WATCHED_AT_ONCE)
        others = [each for each in newest if _weighed(each, by_another_than=version.name)]
        ids = [each.inquiry_id for each in others]
        missing = await database.read(recent.without, ids, version.number)
        words = await database.read(labels.first_words, sorted(missing))
        found = []
        for each in others:
            if each.inquiry_id in words:
                found.append(_would_decide(version, each, words[each.inquiry_id], decider))
                await asyncio.sleep(0)  # requests of others come in between
        if found:
            await database.write(recent.keep, found)
        kept += len(found)
    return kept


def _would_decide(version: Version, each: Recent, words: Words, decider: Decider) -> WouldDecide:
    inquiry = decider.inquiry(words.text, subject=words.subject, channel=each.channel)
    decision = decider.decide_with(version, inquiry)
    return WouldDecide(
        each.inquiry_id,
        version.number,
        each.received_at,
        decision.kind.value,
        decision.desk,
        decision.confidence,
    )


def _weighed(each: Recent, *, by_another_than: str) -> bool:
    """Whether its words were weighed: where a rule is certain, every version says the same."""
    by = each.decided_by or ""
    return by != by_another_than and (by.startswith(MODEL) or by == LEXICON)


@dataclass(frozen=True, slots=True)
class Trainer:
    """Trains when it is time, one instance at a time, and keeps what came of it.

    `self_taught`: while there are too few labels, a version that only watches is taught by what the
    words alone are sure of.
    """

    database: Database
    clock: Clock
    job: Job
    every: timedelta
    metrics: ModelMetrics
    self_taught: bool = False
    run: Train = run_training
    holder: UUID = field(default_factory=new_id)

    def loop(self) -> Loop:
        async def step(stop: asyncio.Event) -> None:
            try:
                await self.train_if_due(stop)
            except DatabaseUnavailableError as error:
                log.warning("training.not_done", service="router", reason=str(error))

        return periodic("training", ASK_SECONDS, step)

    async def train_if_due(self, stop: asyncio.Event) -> int | None:
        """The number of a new version; None where there is none."""
        counts = await self.database.read(labels.count_of_desks)
        if sum(counts.values()) >= self.job.fewest_labels and len(counts) > 1:
            return await self.train(self.job, stop, by_hand=False)
        if self.self_taught:
            return await self.train(replace(self.job, from_lexicon=True), stop, by_hand=False)
        return None

    async def train(self, job: Job, stop: asyncio.Event, *, by_hand: bool) -> int | None:
        """The same at once when `by_hand`, and then what is better is promoted again."""
        now = self.clock.now()
        turn = await self.database.write(
            versions.begin_training,
            self._holder,
            now=now,
            until=now + TURN,
            not_since=None if by_hand else now - self.every,
        )
        if not turn:
            return None
        training = asyncio.ensure_future(self.run(job))
        try:
            if not await unless(stop, _ended(training)):
                await self.database.write(progress.release, self._holder)
                return None
            return await self._finish(await training, by_hand=by_hand)
        except (TrainingError, TurnLostError) as error:
            self.metrics.trainings.labels("failed").inc()
            log.warning("training.failed", service="router", reason=str(error))
            until = self.clock.now() + AFTER_FAILURE
            await self.database.write(progress.put_off, self._holder, until=until)
            return None
        finally:
            training.cancel()
            await asyncio.gather(training, return_exceptions=True)

    async def _finish(self, result: Result, *, by_hand: bool) -> int | None:
        version = await self.database.write(
            versions.finish_training,
            result,
            holder=self._holder,
            now=self.clock.now(),
            by_hand=by_hand,
        )
        outcome = "too_few_labels"
        if version is not None:
            current = await self.database.read(models.current)
            outcome = "promoted" if version == current else "kept"
        self.metrics.trainings.labels(outcome).inc()
        log.info(
            "training.done", service="router", version=version, outcome=outcome, why=result.why
        )
        return version

    @property
    def _holder(self) -> UUID:
        """Of a file there is one process: what a dead one held is this one's at once."""
        return THE_ONLY_ONE if self.database.dialect == "sqlite" else self.holder


async def _ended(training: asyncio.Future[Result]) -> None:
    await asyncio.wait({training})

"""Makes the keys of new questions, and keeps the statistics by which they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from services.router.similar.domain.features import grams_of, stems_of
from services.router.similar.domain.statistics import Added, Statistics
from services.router.similar.domain.words import plain
from services.router.similar.usecases import index, reindex
from services.router.similar.usecases.lookup import KnownStatistics
from shared.db import Database, DatabaseUnavailableError, Write
from shared.runtime.clock import Clock
from shared.runtime.lifecycle import Loop
from shared.runtime.periodic import periodic

EVERY_SECONDS = 2.0
AT_ONCE = 20
"""Questions in one transaction, in which nothing else happens in this process."""
COUNTED_SECONDS = 600.0
COUNTED_SHARE = 20
"""The statistics are written when a twentieth more questions are known, or after that time."""
FEWEST = 20
SAMPLE = 20_000
"""Questions on which the statistics of a reindex stand."""
PAGE = 100

log = structlog.get_logger()


class Indexer:
    """Of one process; several may work side by side."""

    def __init__(self, database: Database, clock: Clock, *, counting: bool = True) -> None:
        """Without `counting` the statistics stay as they are."""
        self._database = database
        self._counting = counting
        self._clock = clock
        self._known = KnownStatistics()
        self._added = Added.none()
        self._counted_at = clock.now()

    def loop(self) -> Loop:
        async def step(stop: asyncio.Event) -> None:
            try:
                await self.work_off(stop)
            except DatabaseUnavailableError as error:
                log.warning("similar.not_indexed", reason=str(error))

        return periodic("similar", EVERY_SECONDS, step)

    async def work_off(self, stop: asyncio.Event, *, at_once: int = AT_ONCE) -> int:
        """Make the keys of all that wait; of how many. Raises DatabaseUnavailableError."""
        made, more = 0, True
        while more and not stop.is_set():
            done, statistics = await self._database.write(self._make, at_once)
            if done and self._counting:
                self._added = counted(self._added, done)
            await self._count(statistics)
            made, more = made + len(done), bool(done)
        return made

    def _make(self, tx: Write, at_once: int) -> tuple[list[str], Statistics]:
        statistics = self._known.read(tx)
        return index.make_keys(tx, statistics, limit=at_once), statistics

    async def _count(self, statistics: Statistics) -> None:
        now, added = self._clock.now(), self._added
        enough = max(FEWEST, statistics.questions // COUNTED_SHARE)
        waited = (now - self._counted_at).total_seconds() >= COUNTED_SECONDS
        if not added.questions or (added.questions < enough and not waited):
            return
        await self._database.write(index.count, added)
        self._added, self._counted_at = Added.none(), now


def counted(added: Added, questions: list[str]) -> Added:
    texts = [plain(question) for question in questions]
    return added.and_these(len(texts), grams_of(texts), stems_of(texts))


async def rebuild(
    database: Database, clock: Clock, *, on_page: Callable[[int], None] = lambda _todos: None
) -> int:
    """Build the index anew from the texts, or go on where that was interrupted; how many ToDos were
    looked at, which `on_page` gets after each page. Raises DatabaseUnavailableError.
    """
    place, counting = await database.read(reindex.interrupted_at), False
    if place is None:
        sample = await _sample(database)
        await database.write(reindex.begin, sample)
        place, counting = index.NOBODY, not sample.questions
    indexer, looked_at = Indexer(database, clock, counting=counting), 0
    after: UUID | None = place
    while after is not None:
        after, count = await database.write(reindex.page, after, limit=PAGE)
        await indexer.work_off(asyncio.Event(), at_once=PAGE)
        looked_at += count
        on_page(looked_at)
    await database.write(reindex.end)
    return looked_at


async def _sample(database: Database) -> Added:
    added, before = Added.none(), None
    while added.questions < SAMPLE:
        some = await database.read(reindex.questions_before, before, limit=10 * PAGE)
        if not some:
            break
        added, before = counted(added, [question for _, question in some]), some[-1][0]
    return added


async def problem(database: Database) -> str | None:
    """Why similar questions may be missing. Raises DatabaseUnavailableError."""
    return await database.read(index.problem)

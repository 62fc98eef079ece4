"""The routes of similar questions: parse, verb, respond."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Query

from services.router.similar.domain.ranking import SHOWN_FROM
from services.router.similar.schemas import (
    ReuseDesk,
    ReuseIn,
    ReuseLine,
    ReuseOut,
    ReuseReport,
    ReuseWeek,
    SimilarList,
    SimilarOut,
)
from services.router.similar.store.uses import Used
from services.router.similar.usecases import lookup, uses
from shared.access.authorizer import Authorizer
from shared.access.keys import Caller
from shared.db import Database, DatabaseUnavailableError
from shared.runtime.clock import Clock
from shared.text.percent import percent
from shared.web.app import api_router
from shared.web.problems import documented
from shared.web.spans import Asked, FirstText, LastText, Week, WeekText, span_of, weeks_of

MOST_SIMILAR = 20
_COUNTS = ("received", "asked", "found", "shown", "reused", "answered", "answered_with_reuse")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SimilarDependencies:
    """What the routes need of the service. `zone` is that in which weeks begin."""

    database: Database
    authorizer: Authorizer
    clock: Clock
    zone: ZoneInfo
    known: lookup.KnownStatistics = field(default_factory=lookup.KnownStatistics)

    async def similar(self, todo_id: UUID, *, limit: int, least: float) -> lookup.Found:
        """Raises NotFoundError. That it was asked is counted, if the database takes writes."""
        gathered = await self.database.read(lookup.gather, todo_id, self.known)
        ranked = await asyncio.to_thread(lookup.rank, gathered, limit=limit, least=least)
        found = await self.database.read(lookup.show, gathered.asking, ranked)
        try:
            await self.database.write(
                uses.note_lookup, todo_id, shown=len(found.similar), now=self.clock.now()
            )
        except DatabaseUnavailableError as error:
            log.warning("similar.not_counted", reason=str(error))
        return found


def routers(service: SimilarDependencies) -> list[APIRouter]:
    api = api_router("router", "similar questions")
    _looking(api, service)
    _reporting(api, service)
    return [api]


def _looking(api: APIRouter, service: SimilarDependencies) -> None:
    reads = service.authorizer.requires("todos:read")
    writes = service.authorizer.requires("todos:write")

    @api.get(
        "/todos/{todo_id}/similar",
        summary="Find answers to similar questions",
        responses=documented(404),
    )
    async def list_similar(
        todo_id: UUID,
        limit: Annotated[int, Query(ge=1, le=MOST_SIMILAR, description="Answers at most.")] = 5,
        least: Annotated[
            float,
            Query(ge=0, le=1, description="None that is less similar.", allow_inf_nan=False),
        ] = SHOWN_FROM,
        _caller: Caller = reads,
    ) -> SimilarList:
        """The answered inquiries that are most like this one, by its subject and newest messages.
        An answer that was recorded just now is found some seconds later.
        """
        found = await service.similar(todo_id, limit=limit, least=least)
        return SimilarList(items=[_similar(each) for each in found.similar])

    @api.post(
        "/todos/{todo_id}/reuse",
        summary="Record that an answer was reused",
        responses=documented(400, 404, 409, 415),
    )
    async def reuse_answer(todo_id: UUID, body: ReuseIn, caller: Caller = writes) -> ReuseOut:
        """Once for each ToDo and answer; recorded again, it is as it was recorded first."""
        recorded = await service.database.write(
            uses.reuse,
            todo_id=todo_id,
            inquiry_id=body.inquiry_id,
            by=body.by or caller.name,
            key_name=caller.name,
            now=service.clock.now(),
        )
        return ReuseOut.model_validate(recorded)


def _reporting(api: APIRouter, service: SimilarDependencies) -> None:
    reads = service.authorizer.requires("todos:read")

    @api.get("/reports/reuse", summary="Report how often answers were reused")
    async def report_reuse(
        *,
        week: WeekText = None,
        first: FirstText = None,
        last: LastText = None,
        _caller: Caller = reads,
    ) -> ReuseReport:
        """Of the ToDos received in a week, or from `from` to `to` (54 weeks at most), by week and
        desk: for how many similar questions were looked up and found, and how many reused an
        answer.
        """
        start, end = span_of(Asked(week, first, last), service.zone)
        weeks = weeks_of(start, end, service.zone)
        found = await service.database.read(uses.report, weeks)
        everything = [line for desks in found for line in desks]
        return ReuseReport(
            start=start,
            end=end,
            timezone=service.zone.key,
            total=ReuseLine(**_sum(everything)),
            weeks=[_week(*each) for each in zip(weeks, found, strict=True)],
        )


def _similar(found: lookup.Similar) -> SimilarOut:
    ranked, answered = found.ranked, found.answered
    return SimilarOut(
        **asdict(answered),
        question=ranked.excerpt,
        similarity=ranked.similarity,
        words=list(ranked.words),
    )


def _week(week: Week, desks: Sequence[Used]) -> ReuseWeek:
    return ReuseWeek(
        week=week.name,
        monday=week.monday,
        total=ReuseLine(**_sum(desks)),
        desks=[ReuseDesk(desk=each.desk, **_sum([each])) for each in desks],
    )


def _sum(lines: Sequence[Used]) -> dict[str, Any]:
    counts: dict[str, Any] = {name: sum(getattr(each, name) for each in lines) for name in _COUNTS}
    return {**counts, "reuse_percent": percent(counts["answered_with_reuse"], counts["answered"])}

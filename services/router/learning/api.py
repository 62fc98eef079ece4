"""The report on routing: parse, read, respond."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from services.router.learning import schemas
from services.router.learning.usecases.report import Report, in_order, report
from shared.access.authorizer import Authorizer
from shared.access.keys import Caller
from shared.db import Database
from shared.errors import FieldProblem, InvalidError
from shared.web.app import api_router
from shared.web.moments import midnight
from shared.web.spans import WEEK, Asked, span_of

MOST_WEEKS = 54


@dataclass(frozen=True, slots=True)
class LearningDependencies:
    """`zone` is the desk's, in which days and weeks begin."""

    database: Database
    authorizer: Authorizer
    zone: ZoneInfo


def routers(desk: LearningDependencies) -> list[APIRouter]:
    api = api_router("router", "reports")
    reads = desk.authorizer.requires("todos:read")

    @api.get("/reports/routing", summary="Report how well inquiries were routed")
    async def report_routing(
        *,
        week: Annotated[
            str | None, Query(max_length=40, description=f"{WEEK}.", examples=["2026-W47"])
        ] = None,
        first: Annotated[
            str | None,
            Query(
                alias="from",
                max_length=64,
                description="The first day in the desk's zone, or a moment with its zone.",
                examples=["2026-03-01"],
            ),
        ] = None,
        last: Annotated[
            str | None,
            Query(
                alias="to",
                max_length=64,
                description="The last day, itself included, or a moment, itself not included.",
                examples=["2026-03-31"],
            ),
        ] = None,
        _caller: Caller = reads,
    ) -> schemas.RoutingReport:
        """Of the inquiries received in a week, or from `from` to `to` (54 weeks at most): how many
        were decided without a person and how many of these rightly, by week, kind and version, what
        was decided against what people made of it, and what other versions would have done.
        """
        start, end = span_of(Asked(week, first, last), desk.zone)
        found = await desk.database.read(report, edges=edges_of(start, end, desk.zone))
        return _out(found, start, end, desk.zone)

    return [api]


def edges_of(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Both, and the Mondays between. Raises InvalidError for more weeks than `MOST_WEEKS`."""
    if end - start > timedelta(weeks=MOST_WEEKS):
        problem = FieldProblem("to", "is too late", f"{MOST_WEEKS} weeks after `from` at most")
        raise InvalidError("wrong-span", "the span is too long", problem)
    first = start.astimezone(zone).date()
    monday = first - timedelta(days=first.weekday()) + timedelta(weeks=1)
    edges = [start]
    while (begins := midnight(zone, monday)) < end:
        edges.append(begins)
        monday += timedelta(weeks=1)
    return [*edges, end]


def _out(found: Report, start: datetime, end: datetime, zone: ZoneInfo) -> schemas.RoutingReport:
    return schemas.RoutingReport(
        start=start,
        end=end,
        timezone=zone.key,
        total=schemas.FiguresOut.model_validate(found.total),
        weeks=[
            schemas.WeekFigures(
                week=_week(begins, zone),
                **schemas.FiguresOut.model_validate(figures).model_dump(),
            )
            for begins, figures in found.weeks
        ],
        by=[
            schemas.VersionFigures(
                decided_by=name, **schemas.FiguresOut.model_validate(figures).model_dump()
            )
            for name, figures in sorted(found.by.items())
        ],
        kinds=[
            schemas.KindOut(
                kind=kind,
                decided=each.decided,
                right=each.right,
                wrong=each.wrong,
                precision_percent=each.precision_percent,
            )
            for kind, each in sorted(found.kinds.items())
            if kind != "unsure"
        ],
        confusion=[
            schemas.Cell(
                decided_kind=decided.kind,
                decided_desk=decided.desk or "",
                label_kind=label.kind,
                label_desk=label.desk,
                count=count,
            )
            for decided, label, count in in_order(found.confusion)
        ],
        watched=[
            schemas.WatchOut(
                version=version,
                inquiries=each.inquiries,
                alone=each.alone,
                different=each.different,
                right=each.right,
                wrong=each.wrong,
                were_right=each.were_right,
                were_wrong=each.were_wrong,
            )
            for version, each in sorted(found.watched.items())
        ],
    )


def _week(begins: datetime, zone: ZoneInfo) -> str:
    year, week, _ = begins.astimezone(zone).date().isocalendar()
    return f"{year}-W{week:02}"

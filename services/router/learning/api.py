"""The report on routing: parse, read, respond."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from services.router.learning import schemas
from services.router.learning.usecases.report import Report, in_order, report
from shared.access.authorizer import Authorizer
from shared.access.keys import Caller
from shared.db import Database
from shared.web.app import api_router
from shared.web.spans import Asked, FirstText, LastText, WeekText, span_of, weeks_of


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
        week: WeekText = None,
        first: FirstText = None,
        last: LastText = None,
        _caller: Caller = reads,
    ) -> schemas.RoutingReport:
        """Of the inquiries received in a week, or from `from` to `to` (54 weeks at most): how many
        were decided without a person and how many of these rightly, by week, kind and version, what
        was decided against what people made of it, and what other versions would have done.
        """
        start, end = span_of(Asked(week, first, last), desk.zone)
        found = await desk.database.read(report, weeks_of(start, end, desk.zone))
        return _out(found, start, end, desk.zone)

    return [api]


def _out(found: Report, start: datetime, end: datetime, zone: ZoneInfo) -> schemas.RoutingReport:
    return schemas.RoutingReport(
        start=start,
        end=end,
        timezone=zone.key,
        total=schemas.FiguresOut.model_validate(found.total),
        weeks=[
            schemas.WeekFigures(
                week=week.name,
                **schemas.FiguresOut.model_validate(figures).model_dump(),
            )
            for week, figures in found.weeks
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
            schemas.WatchOut(version=version, **asdict(each))
            for version, each in sorted(found.watched.items())
        ],
    )

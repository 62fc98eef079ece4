"""How the promise was kept, and by which desk."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from services.sla.dependencies import SlaDependencies
from services.sla.reports import schemas
from services.sla.reports.desks import by_desk
from services.sla.reports.store import GroupBy, Line, Span
from services.sla.reports.usecases import Report, report
from shared.access.keys import Caller
from shared.text.percent import percent
from shared.web.app import Responses, api_router
from shared.web.spans import Asked, FirstText, LastText, WeekText, span_of

_CSV: Responses = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "class,group,promised\r\n"}
        }
    }
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SAVED_AS_FILE = {"Content-Disposition": 'attachment; filename="promise.csv"'}


def router(desk: SlaDependencies) -> APIRouter:
    api = api_router("sla", "reports")
    reads = desk.authorizer.requires("deadlines:read")

    @api.get(
        "/reports/promise",
        summary="Report how the promise was kept",
        response_model=schemas.PromiseReport,
        responses=_CSV,
    )
    async def report_promise(
        *,
        week: WeekText = None,
        first: FirstText = None,
        last: LastText = None,
        group_by: Annotated[GroupBy, Query(examples=["channel"])] = "channel",
        format_: Annotated[
            Literal["json", "csv"], Query(alias="format", examples=["json"])
        ] = "json",
        _caller: Caller = reads,
    ) -> Response | schemas.PromiseReport:
        """Inquiries received in a week, or from `from` to `to`, by group and in total; hand-overs
        to the technical desk and best-effort channels as their own classes. Answer times by
        nearest rank, in opening time and in plain time.
        """
        zone = desk.policy_versions.current.calendar.zone
        start, end = span_of(Asked(week, first, last), zone)
        found = await desk.database.read(
            report, start=start, end=end, group_by=group_by, now=desk.clock.now()
        )
        if format_ == "csv":
            return Response(
                _csv(found), media_type="text/csv; charset=utf-8", headers=_SAVED_AS_FILE
            )
        return schemas.PromiseReport(
            start=start,
            end=end,
            timezone=zone.key,
            group_by=group_by,
            total=_line(found.total),
            lines=[_line(each) for each in found.lines],
            hand_over_total=_hand_over(found.hand_over_total),
            hand_over=[_hand_over(each) for each in found.hand_over],
            best_effort=[
                schemas.BestEffortView(
                    channel=each.channel,
                    count=each.count,
                    answered=each.answered,
                    closed=each.closed,
                    open=each.open,
                    median_age_seconds=each.median_age,
                    oldest_received_at=each.oldest_received_at,
                )
                for each in found.best_effort
            ],
        )

    @api.get("/reports/desks", summary="Report what each desk had a share in")
    async def report_desks(
        *,
        week: WeekText = None,
        first: FirstText = None,
        last: LastText = None,
        _caller: Caller = reads,
    ) -> schemas.DeskReport:
        """Inquiries with a promise, received in a week, or from `from` to `to`: which desk answered
        them, how long each had them, how often one gave them to another, and which had them when
        the promise was broken. A hand-over keeps the clock; the ToDo's history has its reason.
        """
        zone = desk.policy_versions.current.calendar.zone
        start, end = span_of(Asked(week, first, last), zone)
        found = await desk.database.read(
            by_desk, Span(start, end), policy_versions=desk.policy_versions, now=desk.clock.now()
        )
        held = sum(line.held_seconds for line in found)
        return schemas.DeskReport(
            start=start,
            end=end,
            timezone=zone.key,
            desks=[
                schemas.DeskShare(
                    **asdict(line),
                    held_percent=percent(line.held_seconds, held),
                )
                for line in found
            ],
        )

    return api


def _line(line: Line) -> schemas.ReportLine:
    return schemas.ReportLine(
        group=line.group,
        promised=line.promised,
        met=line.met,
        met_late=line.met_late,
        breached=line.breached,
        open=line.open,
        cancelled=line.cancelled,
        missed=line.missed,
        kept_percent=line.kept_percent,
        business_time=schemas.AnswerTimes(
            median_seconds=line.business_median, p90_seconds=line.business_p90
        ),
        wall_time=schemas.AnswerTimes(median_seconds=line.wall_median, p90_seconds=line.wall_p90),
    )


def _hand_over(line: Line) -> schemas.HandOverLine:
    return schemas.HandOverLine(
        group=line.group,
        owed=line.promised,
        met=line.met,
        met_late=line.met_late,
        breached=line.breached,
        open=line.open,
        cancelled=sum(line.cancelled.values()),
        missed=line.missed,
        kept_percent=line.kept_percent,
    )


_HEAD = (
    "class", "group", "promised", "met", "met_late", "breached", "open", "cancelled", "missed",
    "business_median_seconds", "business_p90_seconds", "wall_median_seconds", "wall_p90_seconds",
    "count", "answered", "closed", "median_age_seconds", "oldest_received_at",
    "kept_percent",
)  # fmt: skip


def _csv(found: Report) -> str:
    """One table: a row for each group and class, and for the total of a class; empty where a column
    says nothing of it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    writer.writerows(_promised("promised", each) for each in found.lines)
    writer.writerow(_promised("promised_total", found.total))
    writer.writerows(_handed_over("hand_over", each) for each in found.hand_over)
    if found.hand_over:
        writer.writerow(_handed_over("hand_over_total", found.hand_over_total))
    for best in found.best_effort:
        oldest = best.oldest_received_at
        writer.writerow(
            [
                "best_effort", _plain(best.channel), *[None] * 4, best.open, *[None] * 6,
                best.count, best.answered, best.closed, best.median_age,
                None if oldest is None else oldest.isoformat(), None,
            ]
        )  # fmt: skip
    return text.getvalue()


def _promised(class_: str, line: Line) -> list[object]:
    reasons = " ".join(f"{name}={count}" for name, count in sorted(line.cancelled.items()))
    return [
        class_, _plain(line.group or ""), line.promised, line.met, line.met_late, line.breached,
        line.open, reasons, line.missed, line.business_median, line.business_p90,
        line.wall_median, line.wall_p90, *[None] * 5, line.kept_percent,
    ]  # fmt: skip


def _handed_over(class_: str, line: Line) -> list[object]:
    return [
        class_, _plain(line.group or ""), line.promised, line.met, line.met_late, line.breached,
        line.open, sum(line.cancelled.values()), line.missed, *[None] * 9, line.kept_percent,
    ]  # fmt: skip


def _plain(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text

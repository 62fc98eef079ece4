"""How the promise was kept."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from services.sla import schemas
from services.sla.api.desk import SlaDesk
from services.sla.store.reports import GroupBy, Line
from services.sla.usecases.report import Report, report
from shared.auth import Caller
from shared.errors import FieldProblem, InvalidError
from shared.web.app import Responses, api_router
from shared.web.moments import Moment

_CSV: Responses = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "class,group,promised\r\n"}
        }
    }
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SAVED_AS_FILE = {"Content-Disposition": 'attachment; filename="promise.csv"'}


def router(desk: SlaDesk) -> APIRouter:
    api = api_router("sla", "reports")
    reads = desk.gate.requires("deadlines:read")

    @api.get(
        "/reports/promise",
        summary="Report how the promise was kept",
        response_model=schemas.PromiseReport,
        responses=_CSV,
    )
    async def report_promise(
        *,
        start: Annotated[
            Moment,
            Query(alias="from", examples=["2026-03-01T00:00:00+01:00"]),
        ],
        end: Annotated[Moment, Query(alias="to", examples=["2026-04-01T00:00:00+02:00"])],
        group_by: Annotated[GroupBy, Query(examples=["channel"])] = "channel",
        format_: Annotated[
            Literal["json", "csv"], Query(alias="format", examples=["json"])
        ] = "json",
        _caller: Caller = reads,
    ) -> Response | schemas.PromiseReport:
        """Inquiries received from `from` until before `to`, by group; hand-overs to the technical
        desk and best-effort channels as their own classes. Answer times by nearest rank, in opening
        time and in plain time.
        """
        if end <= start:
            raise InvalidError(
                "wrong-span",
                "the report ends before it begins",
                FieldProblem("to", "is not after `from`", f"a moment after {start.isoformat()}"),
            )
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
            group_by=group_by,
            lines=[_line(each) for each in found.lines],
            hand_over=[schemas.HandOverLine(**asdict(each)) for each in found.hand_over],
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
        business_time=schemas.AnswerTimes(
            median_seconds=line.business_median, p90_seconds=line.business_p90
        ),
        wall_time=schemas.AnswerTimes(median_seconds=line.wall_median, p90_seconds=line.wall_p90),
    )


_HEAD = (
    "class", "group", "promised", "met", "met_late", "breached", "open", "cancelled", "missed",
    "business_median_seconds", "business_p90_seconds", "wall_median_seconds", "wall_p90_seconds",
    "count", "answered", "closed", "median_age_seconds", "oldest_received_at",
)  # fmt: skip


def _csv(found: Report) -> str:
    """One table: a line for each group and class; empty where a column says nothing of it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    for line in found.lines:
        reasons = " ".join(f"{name}={count}" for name, count in sorted(line.cancelled.items()))
        writer.writerow(
            [
                "promised", _plain(line.group or ""), line.promised, line.met, line.met_late,
                line.breached, line.open, reasons, line.missed, line.business_median,
                line.business_p90, line.wall_median, line.wall_p90, *[None] * 5,
            ]
        )  # fmt: skip
    for beside in found.hand_over:
        writer.writerow(
            [
                "hand_over", _plain(beside.group or ""), beside.owed, beside.met, beside.met_late,
                beside.breached, beside.open, beside.cancelled, beside.missed, *[None] * 9,
            ]
        )  # fmt: skip
    for best in found.best_effort:
        oldest = best.oldest_received_at
        writer.writerow(
            [
                "best_effort", _plain(best.channel), *[None] * 4, best.open, *[None] * 6,
                best.count, best.answered, best.closed, best.median_age,
                None if oldest is None else oldest.isoformat(),
            ]
        )  # fmt: skip
    return text.getvalue()


def _plain(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text

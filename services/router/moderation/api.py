"""How the review desk decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from services.router.moderation.schemas import ModerationLine, ModerationReport, ModerationWeek
from services.router.moderation.store import REASONS
from services.router.moderation.usecases import Week, report
from shared.access.authorizer import Authorizer
from shared.access.keys import Caller
from shared.db import Database
from shared.web.app import api_router
from shared.web.spans import Asked, span_of


def router(database: Database, authorizer: Authorizer, zone: ZoneInfo) -> APIRouter:
    api = api_router("router", "reports")
    reads = authorizer.requires("todos:read")

    @api.get("/reports/moderation", summary="Report dismissals and appeals")
    async def report_moderation(
        first: Annotated[
            str,
            Query(
                alias="from",
                max_length=64,
                description="The first day in the desk's zone, or a moment with its zone.",
                examples=["2026-11-16"],
            ),
        ],
        last: Annotated[
            str,
            Query(
                alias="to",
                max_length=64,
                description="The last day, itself included, or a moment, itself not included.",
                examples=["2026-11-22"],
            ),
        ],
        _caller: Caller = reads,
    ) -> ModerationReport:
        """By ISO week: how many inquiries were dismissed as netiquette and as spam, how many
        customers objected, and what became of that. At most 54 weeks.
        """
        start, end = span_of(Asked(None, first, last), zone)
        weeks = await database.read(report, start=start, end=end, zone=zone)
        return ModerationReport(
            start=start,
            end=end,
            timezone=zone.key,
            total=ModerationLine(**_counts(weeks)),
            weeks=[_week(each) for each in weeks],
        )

    return api


def _week(week: Week) -> ModerationWeek:
    year, number, _ = week.monday.isocalendar()
    return ModerationWeek(week=f"{year}-W{number:02}", monday=week.monday, **_counts([week]))


def _counts(weeks: Sequence[Week]) -> dict[str, Any]:
    outcomes = {
        name: sum(getattr(week.appeals, name) for week in weeks)
        for name in ("upheld", "overturned", "open")
    }
    dismissed = {name: sum(week.dismissed[name] for week in weeks) for name in REASONS}
    return {**dismissed, **outcomes, "appeals": sum(outcomes.values())}

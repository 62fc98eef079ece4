"""The report of dismissals and appeals: parse, read, respond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from services.router.moderation.schemas import ModerationLine, ModerationReport, ModerationWeek
from services.router.moderation.store import REASONS
from services.router.moderation.usecases import ModeratedWeek, report
from shared.access.authorizer import Authorizer
from shared.access.keys import Caller
from shared.db import Database
from shared.web.app import api_router
from shared.web.spans import Asked, FirstText, LastText, WeekText, span_of, weeks_of


def router(database: Database, authorizer: Authorizer, zone: ZoneInfo) -> APIRouter:
    api = api_router("router", "reports")
    reads = authorizer.requires("todos:read")

    @api.get("/reports/moderation", summary="Report dismissals and appeals")
    async def report_moderation(
        *,
        week: WeekText = None,
        first: FirstText = None,
        last: LastText = None,
        _caller: Caller = reads,
    ) -> ModerationReport:
        """In a week, or from `from` to `to` (54 weeks at most), by week: how many inquiries were
        dismissed as netiquette and as spam, how many customers objected, and what became of that.
        """
        start, end = span_of(Asked(week, first, last), zone)
        weeks = await database.read(report, weeks_of(start, end, zone))
        return ModerationReport(
            start=start,
            end=end,
            timezone=zone.key,
            total=ModerationLine(**_counts(weeks)),
            weeks=[_week(each) for each in weeks],
        )

    return api


def _week(each: ModeratedWeek) -> ModerationWeek:
    week = each.week
    return ModerationWeek(week=week.name, monday=week.monday, **_counts([each]))


def _counts(weeks: Sequence[ModeratedWeek]) -> dict[str, Any]:
    outcomes = {
        name: sum(getattr(week.appeals, name) for week in weeks)
        for name in ("upheld", "overturned", "open")
    }
    dismissed = {name: sum(week.dismissed[name] for week in weeks) for name in REASONS}
    return {**dismissed, **outcomes, "appeals": sum(outcomes.values())}

"""When the desk is open; and calendars to subscribe to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.rules import Reason
from services.sla.deadlines import ics, views
from services.sla.deadlines.store import listing
from services.sla.deadlines.store.deadlines import PAUSED, RUNNING, DeadlineRow
from services.sla.deadlines.store.listing import BREACHED, Listed
from services.sla.dependencies import SlaDependencies
from services.sla.previews import schemas
from shared.access.keys import Caller
from shared.errors import FieldProblem, InvalidError
from shared.text.references import reference_of
from shared.web.app import Responses, api_router
from shared.web.moments import midnight

LONGEST_DAYS = 366
SHOWN_DAYS = 31
SUBSCRIBED_DAYS = 183
MOST_EVENTS = 1000
_ONE_DAY = timedelta(days=1)
_LAST_CHANCE = timedelta(minutes=30)
_TEXT: Responses = {
    200: {
        "content": {
            "text/calendar": {
                "schema": {"type": "string"},
                "example": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
            }
        },
        "description": "An iCalendar text (RFC 5545).",
    }
}

FirstDay = Annotated[
    date | None,
    Query(alias="from", description="First day; left out: today.", examples=["2026-03-02"]),
]
LastDay = Annotated[
    date | None,
    Query(alias="to", description="Last day, itself included.", examples=["2026-03-31"]),
]


def router(desk: SlaDependencies) -> APIRouter:
    api = api_router("sla", "calendar")
    reads = desk.authorizer.requires("deadlines:read")
    subscribes = desk.authorizer.subscribes("deadlines:read")

    @api.get("/calendar", summary="Show when the desk is open")
    async def show_calendar(
        first: FirstDay = None, last: LastDay = None, _caller: Caller = reads
    ) -> schemas.CalendarView:
        """Open intervals, public holidays with their names, closures and dated exceptions; at most
        a year at once.
        """
        calendar = desk.policy_versions.current.calendar
        days = _days(calendar, first, last, now=desk.clock.now(), shown=SHOWN_DAYS)
        return _view(calendar, *days)

    @api.get(
        "/calendar.ics",
        summary="Subscribe to the opening hours",
        response_class=Response,
        responses=_TEXT,
    )
    async def subscribe_calendar(
        first: FirstDay = None, last: LastDay = None, _caller: Caller = subscribes
    ) -> Response:
        """The same as iCalendar: opening hours as events, holidays and closures as whole days."""
        now, calendar = desk.clock.now(), desk.policy_versions.current.calendar
        days = _days(calendar, first, last, now=now, shown=SUBSCRIBED_DAYS)
        return await _written("Opening hours", _events(_view(calendar, *days)), now=now)

    @api.get(
        "/deadlines.ics",
        summary="Subscribe to open deadlines",
        response_class=Response,
        responses=_TEXT,
        operation_id="subscribe_deadlines",
    )
    async def subscribe_deadlines(
        only: Annotated[
            str | None,
            Query(alias="desk", description="Left out: every desk.", examples=["technical"]),
        ] = None,
        _caller: Caller = subscribes,
    ) -> Response:
        """Deadlines for which an answer is still owed, the 1000 most urgent."""
        if only is not None:
            desk.known_desk(only)
        now = desk.clock.now()
        rows = await desk.database.read(listing.open_ones, desk=only, limit=MOST_EVENTS)
        name = f"Deadlines of {only}" if only else "Deadlines"
        events = (event for each in rows for event in _due(each, now))
        return await _written(name, events, now=now)

    return api


def _days(
    calendar: BusinessCalendar,
    first: date | None,
    last: date | None,
    *,
    now: datetime,
    shown: int,
) -> tuple[date, date]:
    """Both days included. Raises InvalidError for a span that is reversed, too long or too far."""
    begin = first or now.astimezone(calendar.zone).date()
    years = (calendar.first_year, calendar.last_year)
    for name, day in (("from", begin), ("to", last or begin)):
        if not years[0] <= day.year <= years[1]:
            expected = f"a day of the years {years[0]} to {years[1]}"
            raise _wrong_span(name, "lies outside the calendar", expected)
    end = last or min(begin + timedelta(days=shown - 1), date(years[1], 12, 31))
    if end < begin:
        raise _wrong_span("to", "is before `from`", f"{begin} or later")
    if (end - begin).days >= LONGEST_DAYS:
        raise _wrong_span("to", "is more than a year after `from`", "at most 366 days")
    return begin, end


def _wrong_span(field: str, problem: str, expected: str) -> InvalidError:
    return InvalidError("wrong-span", f"{field} {problem}", FieldProblem(field, problem, expected))


def _view(calendar: BusinessCalendar, first: date, last: date) -> schemas.CalendarView:
    start = midnight(calendar.zone, first)
    end = midnight(calendar.zone, last + _ONE_DAY)
    closed = (Reason.CLOSURE, Reason.OVERRIDE)
    days = [(day, calendar.day(day)) for day in _each(first, last)]
    return schemas.CalendarView(
        timezone=calendar.rules.zone,
        first_day=first,
        last_day=last,
        open=[
            schemas.OpenInterval(start=opens, end=closes)
            for opens, closes in calendar.segments(start, end)
        ],
        holidays=[
            schemas.ClosedDay(day=day, reason=Reason.HOLIDAY.value, name=name)
            for day, name in calendar.holidays(first, last)
        ],
        closed=[
            schemas.ClosedDay(day=day, reason=rule.reason.value, name=rule.name or None)
            for day, rule in days
            if rule.reason in closed or (rule.reason is Reason.OPEN and rule.name)
        ],
    )


def _each(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


async def _written(name: str, events: Iterator[ics.Event], *, now: datetime) -> Response:
    # A thousand events take a tenth of a second, in which nobody else should have to wait.
    text = await asyncio.to_thread(ics.calendar, name, events, now=now)
    return Response(text, media_type=ics.MEDIA_TYPE)


def _events(view: schemas.CalendarView) -> Iterator[ics.Event]:
    for open_ in view.open:
        uid = f"open-{open_.start:%Y%m%dT%H%M%SZ}@inbound-desk"
        yield ics.Event(uid, open_.start, open_.end, "Open")
    for kind, days in (("holiday", view.holidays), ("closed", view.closed)):
        for each in days:
            uid = f"{kind}-{each.day:%Y%m%d}@inbound-desk"
            yield ics.all_day(uid, each.day, each.name or each.reason)


def _due(listed: Listed, now: datetime) -> Iterator[ics.Event]:
    """The answer, and the hand-over as long as it is awaited."""
    row, shown = listed.row, views.deadline(listed, now)
    what = f"Answer due: {shown.channel} ({shown.state})"
    yield _deadline(row, str(row.inquiry_id), shown.due_at, what, shown.target)
    hand_over = shown.hand_over
    if hand_over is not None and hand_over.state in (RUNNING, PAUSED, BREACHED):
        what = f"Hand-over due: {shown.channel} ({hand_over.state})"
        yield _deadline(row, f"{row.inquiry_id}-hand-over", hand_over.due_at, what, "hand_over")


def _deadline(
    row: DeadlineRow, name: str, due_at: datetime, summary: str, target: str
) -> ics.Event:
    return ics.Event(
        uid=f"{name}@inbound-desk",
        start=due_at - _LAST_CHANCE,  # an event of no length is not allowed
        end=due_at,
        summary=summary,
        description=f"Inquiry {reference_of(row.inquiry_id)} ({row.inquiry_id})"
        f"\nPromise {row.promise}, target {target}"
        f"\nDesk {row.desk or 'not known yet'}",
        busy=True,
    )

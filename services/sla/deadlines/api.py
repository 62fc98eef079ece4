"""Deadlines: list, show, explain, preview, pause and resume."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from services.sla.deadlines import schemas, views
from services.sla.deadlines.store import listing
from services.sla.deadlines.store.listing import Wanted
from services.sla.deadlines.usecases.pause import pause, resume
from services.sla.deadlines.usecases.view import explain, get_clock, preview
from services.sla.dependencies import SlaDependencies
from services.sla.promises.policy_version import hashtag_names
from services.sla.promises.promise import Subject
from shared.access.keys import Caller
from shared.errors import FieldProblem, InvalidError
from shared.events.deadlines import DeadlineState
from shared.events.inquiries import HashtagUse
from shared.policy import extract_hashtags
from shared.web.app import api_router
from shared.web.moments import Moment
from shared.web.paging import Cursors, CursorText, Limit, Page
from shared.web.problems import documented
from shared.web.strict_json import SafeStr

AsOf = Annotated[
    Moment | None,
    Query(
        description="Show the clock as it stood then; not before the inquiry was received. A moment"
        " to come: as it will stand if nothing else happens.",
        examples=["2026-03-02T12:00:00+01:00"],
    ),
]


def router(desk: SlaDependencies) -> APIRouter:
    api = api_router("sla", "deadlines")
    reads = desk.authorizer.requires("deadlines:read")
    writes = desk.authorizer.requires("deadlines:write")

    @api.get("/deadlines", summary="List deadlines, the earliest due first")
    async def list_deadlines(
        wanted: Annotated[Wanted, Depends(_wanted)],
        limit: Limit = 50,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[schemas.Deadline]:
        """Deadlines by state, channel, desk, target and due time. One whose time has passed is
        shown as breached at once.
        """
        if wanted.channel is not None:
            desk.known_channel(wanted.channel)
        if wanted.desk is not None:
            desk.known_desk(wanted.desk)
        now = desk.clock.now()
        cursors = Cursors("deadlines", wanted)
        rows = await desk.database.read(
            listing.page, wanted, now=now, after=cursors.place(cursor), limit=limit + 1
        )
        items = [views.deadline(each, now) for each in rows]
        shown, following = cursors.page(
            items, limit=limit, key=lambda item: (item.due_at, item.inquiry_id)
        )
        return Page(items=shown, next_cursor=following)

    @api.post(
        "/deadlines/preview",
        summary="Say when an answer would be due",
        responses=documented(400, 415),
    )
    async def preview_deadline(
        body: schemas.PreviewRequest, _caller: Caller = reads
    ) -> schemas.Preview:
        """What an inquiry received at that moment on that channel is promised, and why: every
        promise that matches, and the intervals that count. Changes nothing.
        """
        policy_version = desk.policy_versions.current
        found = preview(policy_version, _subject(desk, body), received_at=body.received_at)
        return views.preview(body, found, zone=policy_version.calendar.rules.zone)

    @api.get(
        "/deadlines/{inquiry_id}",
        summary="Show the clock of an inquiry",
        responses=documented(404),
    )
    async def show_deadline(
        inquiry_id: UUID, as_of: AsOf = None, _caller: Caller = reads
    ) -> schemas.DeadlineDetail:
        """State, targets, pauses and history; now, or as it all stood at any moment since the
        inquiry was received.
        """
        view = await desk.database.read(
            get_clock,
            inquiry_id=inquiry_id,
            policy_versions=desk.policy_versions,
            now=desk.clock.now(),
            as_of=as_of,
        )
        return views.detail(view)

    @api.get(
        "/deadlines/{inquiry_id}/explanation",
        summary="Explain why a deadline is where it is",
        responses=documented(404),
    )
    async def explain_deadline(
        inquiry_id: UUID, as_of: AsOf = None, _caller: Caller = reads
    ) -> schemas.ExplanationView:
        """Which promises matched, and every interval that counted or did not, with its reason. The
        counted ones add up to the target.
        """
        found = await desk.database.read(
            explain,
            inquiry_id=inquiry_id,
            policy_versions=desk.policy_versions,
            now=desk.clock.now(),
            as_of=as_of,
        )
        return views.explained(found)

    @api.post(
        "/deadlines/{inquiry_id}/pause",
        summary="Let the clock stand still",
        responses=documented(400, 404, 409, 415),
    )
    async def pause_deadline(
        inquiry_id: UUID, body: schemas.PauseRequest, caller: Caller = writes
    ) -> schemas.DeadlineDetail | schemas.DeadlineChanged:
        """While the customer is asked for something. Ends when the customer writes, when somebody
        resumes it, at `until`, or when the promise allows no longer pause.
        """
        view = await desk.database.write(
            pause,
            inquiry_id=inquiry_id,
            reason=body.reason,
            until=body.until,
            by=caller.name,
            policy_versions=desk.policy_versions,
            now=desk.clock.now(),
        )
        desk.on_written()
        return _changed(views.detail(view), caller)

    @api.post(
        "/deadlines/{inquiry_id}/resume",
        summary="Let a paused clock run again",
        responses=documented(404, 409),
    )
    async def resume_deadline(
        inquiry_id: UUID, caller: Caller = writes
    ) -> schemas.DeadlineDetail | schemas.DeadlineChanged:
        """What was left when it was paused counts from now on."""
        view = await desk.database.write(
            resume,
            inquiry_id=inquiry_id,
            by=caller.name,
            policy_versions=desk.policy_versions,
            now=desk.clock.now(),
        )
        desk.on_written()
        return _changed(views.detail(view), caller)

    return api


def _changed(
    detail: schemas.DeadlineDetail, caller: Caller
) -> schemas.DeadlineDetail | schemas.DeadlineChanged:
    """A key that may not read gets no contents back."""
    if caller.may("deadlines:read"):
        return detail
    return schemas.DeadlineChanged(inquiry_id=detail.inquiry_id, state=detail.state)


def _wanted(
    *,
    state: Annotated[DeadlineState | None, Query(examples=["running"])] = None,
    channel: Annotated[SafeStr | None, Query(max_length=64, examples=["email"])] = None,
    desk: Annotated[SafeStr | None, Query(max_length=64, examples=["technical"])] = None,
    target: Annotated[
        Literal["first_answer", "follow_up"] | None, Query(examples=["first_answer"])
    ] = None,
    due_before: Annotated[Moment | None, Query(examples=["2026-03-03T17:00:00+01:00"])] = None,
    due_after: Annotated[Moment | None, Query(examples=["2026-03-02T09:00:00+01:00"])] = None,
    breached: Annotated[
        bool | None, Query(description="Whether any target was missed.", examples=[True])
    ] = None,
    hand_over: Annotated[
        DeadlineState | None,
        Query(description="How the hand-over to the technical desk stands.", examples=["running"]),
    ] = None,
) -> Wanted:
    return Wanted(state, channel, desk, target, due_before, due_after, breached, hand_over)


def _subject(desk: SlaDependencies, body: schemas.PreviewRequest) -> Subject:
    """What the promises are chosen by. Raises InvalidError for a name that the policy lacks."""
    return Subject(
        channel=desk.known_channel(body.channel),
        desk=None if body.desk is None else desk.known_desk(body.desk),
        hashtags=hashtag_names(
            _hashtag(desk, place, tag) for place, tag in enumerate(body.hashtags)
        ),
        contact=None if body.contact_id is None else str(body.contact_id),
    )


def _hashtag(desk: SlaDependencies, place: int, text: str) -> HashtagUse:
    tag = text.removeprefix("#")
    found = extract_hashtags(f"#{tag}", desk.hashtags)
    if [f"{each.tag}{each.year or ''}" for each in found] != [tag.casefold()]:
        raise InvalidError(
            "invalid-request",
            "this is no hashtag",
            FieldProblem(f"hashtags.{place}", "is no hashtag", "letters and digits: #iico2026"),
        )
    return HashtagUse(tag=found[0].tag, year=found[0].year)

"""Reading inquiries, replying to them, closing them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request

from services.intake.dependencies import IntakeDependencies
from services.intake.files.domain import with_paths
from services.intake.inquiries.domain.message import CLOCKS_OFF
from services.intake.inquiries.request_key import LONGEST_KEY, idempotency
from services.intake.inquiries.schemas import (
    CloseIn,
    InquiryChanged,
    InquiryDetail,
    InquiryOut,
    InquiryQuery,
    MessageOut,
    MessagePlaced,
    ReclassifyIn,
    ReplyIn,
)
from services.intake.inquiries.store import queries
from services.intake.inquiries.store.idempotency import unknown_inquiry
from services.intake.inquiries.usecases import decisions, replies
from shared.access.keys import Caller
from shared.bounds import MOST_SHOWN
from shared.db.newest import Newest
from shared.errors import FieldProblem, InvalidError
from shared.text.references import EXAMPLE, MistypedReferenceError, parsed
from shared.web.app import api_router
from shared.web.paging import (
    Cursors,
    CursorText,
    MessageLimit,
    Page,
)
from shared.web.problems import documented

LONGEST_HOLD = timedelta(days=366)
"""As long as a target of the policy may be: no clock is counted much farther."""


def router(desk: IntakeDependencies) -> APIRouter:
    api = api_router("intake", "inquiries")
    reads = desk.authorizer.requires("inquiries:read")
    writes = desk.authorizer.requires("inquiries:write")

    @api.get("/inquiries", summary="List inquiries, newest first")
    async def list_inquiries(
        query: Annotated[InquiryQuery, Query()], _caller: Caller = reads
    ) -> Page[InquiryOut]:
        """Inquiries by channel, state, contact, hashtag and time of receipt."""
        wanted = _filter(query, desk)
        cursors = Cursors("inquiries", wanted)
        rows = await desk.database.read(
            queries.list_inquiries,
            wanted,
            limit=query.limit + 1,
            after=cursors.place(query.cursor),
        )
        shown, following = cursors.page(
            [InquiryOut.model_validate(row) for row in rows],
            limit=query.limit,
            key=lambda inquiry: (inquiry.received_at, inquiry.id),
        )
        return Page(items=shown, next_cursor=following)

    @api.get(
        "/inquiries/{inquiry_id}",
        summary="Show an inquiry with its conversation",
        responses=documented(404),
    )
    async def show_inquiry(inquiry_id: UUID, _caller: Caller = reads) -> InquiryDetail:
        """The inquiry, its contact, and the newest messages of the conversation in both directions;
        `/messages` has the earlier ones.
        """
        return await _detail(desk, inquiry_id)

    @api.get(
        "/inquiries/{inquiry_id}/messages",
        summary="List the messages of an inquiry's conversation, newest first",
        responses=documented(404),
    )
    async def list_messages(
        inquiry_id: UUID,
        limit: MessageLimit = MOST_SHOWN,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[MessageOut]:
        """In both directions. Very long messages make a page shorter than `limit`."""
        found = await desk.database.read(
            queries.thread_messages,
            inquiry_id,
            before=_of_messages(inquiry_id).place(cursor),
            limit=limit,
        )
        if found is None:
            raise unknown_inquiry(inquiry_id)
        shown, following = _messages(inquiry_id, found)
        return Page(items=shown, next_cursor=following)

    @api.post(
        "/inquiries/{inquiry_id}/replies",
        summary="Record an answer or a holding reply",
        status_code=201,
        responses=documented(400, 404, 409, 415),
    )
    async def post_reply(
        request: Request,
        inquiry_id: UUID,
        body: ReplyIn,
        idempotency_key: Annotated[
            str | None,
            Header(max_length=LONGEST_KEY, description="Repeat the request without doubling it."),
        ] = None,
        caller: Caller = writes,
    ) -> MessagePlaced:
        """An answer stops the clock and completes the ToDo. A holding reply tells the customer when
        to expect the answer: it meets the first deadline, the follow-up date is the next.

        The reply is recorded here; your connector or your tool delivers it to the customer. It
        covers the messages up to `read_until`, else those received up to `sent_at`, else all that
        are there now; what it does not cover has an inquiry of its own.
        """
        context = desk.context()
        placed = await desk.act(
            replies.reply,
            inquiry_id=inquiry_id,
            answer=_reply(body, caller, now=context.now),
            context=context,
            request=idempotency(
                [] if idempotency_key is None else request.headers.getlist("idempotency-key"),
                caller,
                request.url.path,
                await request.body(),
            ),
        )
        return MessagePlaced(
            message_id=placed.message_id,
            inquiry_id=placed.inquiry_id,
            conversation_id=placed.conversation_id,
        )

    @api.post(
        "/inquiries/{inquiry_id}/close",
        summary="Close an inquiry without an answer",
        responses=documented(400, 404, 409, 415),
    )
    async def close_inquiry(
        inquiry_id: UUID, body: CloseIn, caller: Caller = writes
    ) -> InquiryDetail | InquiryChanged:
        """Ends the inquiry with a reason; its clock is cancelled and its ToDo ends. A key that may
        not read gets the id and the state back.
        """
        await desk.act(
            decisions.close,
            inquiry_id=inquiry_id,
            reason=body.reason,
            closed_by=caller.name,
            key_name=caller.name,
            read_until=body.read_until,
            context=desk.context(),
        )
        return _changed(await _detail(desk, inquiry_id), caller)

    @api.post(
        "/inquiries/{inquiry_id}/replies/{reply_id}/reclassify",
        summary="Say what a reply or a post on the platform counts as",
        responses=documented(400, 404, 409, 415),
    )
    async def reclassify_reply(
        inquiry_id: UUID, reply_id: UUID, body: ReclassifyIn, caller: Caller = writes
    ) -> InquiryDetail | InquiryChanged:
        """`answer` ends the inquiry as if it had been one from the beginning; `holding` makes it a
        holding reply; `none` takes it back: the customer has waited all the time. A key that may
        not read gets the id and the state back.
        """
        await desk.act(
            replies.reclassify,
            inquiry_id=inquiry_id,
            reply_id=reply_id,
            kind=body.kind,
            by=body.by or caller.name,
            key_name=caller.name,
            context=desk.context(),
        )
        return _changed(await _detail(desk, inquiry_id), caller)

    return api


async def _detail(desk: IntakeDependencies, inquiry_id: UUID) -> InquiryDetail:
    detail = await desk.database.read(queries.inquiry_detail, inquiry_id)
    if detail is None:
        raise unknown_inquiry(inquiry_id)
    shown, following = _messages(inquiry_id, detail["thread"])
    return InquiryDetail.model_validate(
        {**detail, "messages": shown[::-1], "messages_cursor": following}
    )


def _changed(detail: InquiryDetail, caller: Caller) -> InquiryDetail | InquiryChanged:
    if caller.may("inquiries:read"):
        return detail
    return InquiryChanged(id=detail.id, state=detail.state)


def _messages(inquiry_id: UUID, found: Newest) -> tuple[list[MessageOut], str | None]:
    messages = [
        MessageOut.model_validate(
            {**message, "attachments": _attachments(message), "sent_at": _sent_at(message)}
        )
        for message in found.rows
    ]
    return messages, _of_messages(inquiry_id).of(found.earlier)


def _sent_at(message: Mapping[str, Any]) -> Any:
    """Of a mail the date that it says of itself, which decides nothing (docs/decisions/mail.md)."""
    return message["sent_at"] or (message["details"] or {}).get("date")


def _attachments(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    return with_paths(
        message["attachments"] or [],
        inquiry_id=message["inquiry_id"],
        message_id=message["id"],
    )


def _of_messages(inquiry_id: UUID) -> Cursors:
    return Cursors("messages", inquiry_id)


def _filter(query: InquiryQuery, desk: IntakeDependencies) -> queries.InquiryFilter:
    if query.channel is not None:
        desk.rules.channel_field(query.channel)
    if query.year is not None and query.hashtag is None:
        raise _wrong("query.year", "has no hashtag beside it", "give hashtag as well")
    tag = query.hashtag
    return queries.InquiryFilter(
        reference=None if query.reference is None else _reference(query.reference),
        channel=query.channel,
        state=query.state,
        contact_id=query.contact_id,
        hashtag=tag if tag is None else tag.removeprefix("#").casefold(),
        year=query.year,
        received_from=query.received_from,
        received_to=query.received_to,
    )


def _reference(typed: str) -> str:
    try:
        return parsed(typed)
    except MistypedReferenceError as error:
        raise InvalidError(
            "mistyped-reference",
            f"the reference is mistyped: it {error}",
            FieldProblem("query.reference", str(error), f"as it was given, like {EXAMPLE}"),
        ) from error


def _reply(body: ReplyIn, caller: Caller, *, now: datetime) -> replies.Reply:
    if body.sent_at is not None and body.sent_at > now + CLOCKS_OFF:
        raise _wrong("sent_at", "lies in the future", "the moment at which it went out, or nothing")
    if body.kind == "answer" and body.follow_up_at is not None:
        raise _wrong("follow_up_at", "belongs to no answer", "kind `holding`, or leave it out")
    if body.follow_up_at is not None and body.follow_up_at <= now:
        raise _wrong("follow_up_at", "lies in the past", "a moment that is still to come")
    if body.follow_up_at is not None and body.follow_up_at > now + LONGEST_HOLD:
        latest = (now + LONGEST_HOLD).isoformat()
        raise _wrong("follow_up_at", "is more than a year away", f"a moment until {latest}")
    return replies.Reply(
        kind=body.kind,
        text=body.text,
        author=body.author or caller.name,
        key_name=caller.name,
        sent_at=body.sent_at and min(body.sent_at, now),
        follow_up_at=body.follow_up_at,
        external_id=body.external_id,
        read_until=body.read_until,
    )


def _wrong(field: str, problem: str, expected: str) -> InvalidError:
    return InvalidError(
        "invalid-request", f"{field} {problem}", FieldProblem(field, problem, expected)
    )

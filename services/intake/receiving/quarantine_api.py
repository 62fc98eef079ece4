"""What connectors signed and intake could not understand: seen, tried again, or given up."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Response

from services.intake.dependencies import IntakeDependencies
from services.intake.receiving import quarantine
from services.intake.receiving.schemas import QuarantinedDetail, QuarantinedOut, WebhookAnswer
from services.intake.receiving.usecases import retry
from shared.access.keys import Caller
from shared.errors import NotFoundError
from shared.web.app import api_router
from shared.web.paging import Cursors, CursorText, Limit, Page
from shared.web.problems import documented
from shared.web.strict_json import SafeStr

ChannelName = Annotated[
    SafeStr | None,
    Query(max_length=64, description="Only from this channel.", examples=["facebook"]),
]
Reason = Annotated[
    SafeStr,
    Query(
        min_length=1,
        max_length=200,
        pattern=r"\S",
        description="Why nobody needs it; it is logged.",
        examples=["a test of the sender"],
    ),
]

log = structlog.get_logger()


def router(desk: IntakeDependencies) -> APIRouter:
    api = api_router("intake", "webhooks")
    reads = desk.authorizer.requires("inquiries:read")
    writes = desk.authorizer.requires("inquiries:write")

    @api.get("/quarantine", summary="List what was not understood, newest first")
    async def list_quarantine(
        channel: ChannelName = None,
        limit: Limit = 50,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[QuarantinedOut]:
        """Signed deliveries, or items of them, kept with the reason why they made no inquiry. What
        the sender repaired and sent again is not among them.
        """
        if channel is not None:
            desk.rules.channel_field(channel)
        cursors = Cursors("quarantine", channel)
        rows = await desk.database.read(
            quarantine.page,
            channel=channel,
            limit=limit + 1,
            after=cursors.place(cursor),
        )
        shown, following = cursors.page(
            [QuarantinedOut.model_validate(row) for row in rows],
            limit=limit,
            key=lambda item: (item.received_at, item.id),
        )
        return Page(items=shown, next_cursor=following)

    @api.get(
        "/quarantine/{quarantine_id}",
        summary="Show what was sent and not understood",
        responses=documented(404),
    )
    async def show_quarantined(quarantine_id: UUID, _caller: Caller = reads) -> QuarantinedDetail:
        """With the item as it came, or the delivery when that as a whole was not understood."""
        kept = await desk.database.read(quarantine.find, quarantine_id)
        if kept is None:
            raise _unknown(quarantine_id)
        return QuarantinedDetail.model_validate(kept)

    @api.post(
        "/quarantine/{quarantine_id}/retry",
        summary="Try a quarantined delivery again",
        responses=documented(400, 404),
    )
    async def retry_quarantined(quarantine_id: UUID, caller: Caller = writes) -> WebhookAnswer:
        """For what a newer desk understands. It counts as received when it came first. What is
        still broken stays, and the answer says why; the rest leaves the quarantine.
        """
        kept = await desk.database.read(quarantine.find, quarantine_id)
        if kept is None:
            raise _unknown(quarantine_id)
        channel = desk.rules.channel(kept["channel"])
        result, leaves = await retry(desk, channel, kept["raw"], received_at=kept["received_at"])
        if leaves:
            await desk.database.write(quarantine.leave, quarantine_id)
        log.info(
            "quarantine.retried",
            quarantine_id=str(quarantine_id),
            channel=channel.name,
            key_name=caller.name,
            left=leaves,
        )
        return WebhookAnswer.model_validate(result.body())

    @api.delete(
        "/quarantine/{quarantine_id}",
        summary="Give up what was not understood",
        status_code=204,
        responses=documented(404),
    )
    async def delete_quarantined(
        quarantine_id: UUID, reason: Reason, caller: Caller = writes
    ) -> Response:
        """Nobody will answer what was in it: say why."""
        channel = await desk.database.write(quarantine.leave, quarantine_id)
        if channel is None:
            raise _unknown(quarantine_id)
        log.warning(
            "quarantine.deleted",
            quarantine_id=str(quarantine_id),
            channel=channel,
            key_name=caller.name,
            reason=reason,
        )
        return Response(status_code=204)

    return api


def _unknown(quarantine_id: UUID) -> NotFoundError:
    return NotFoundError(
        "unknown-quarantine", f"no quarantined delivery has the id {quarantine_id}"
    )

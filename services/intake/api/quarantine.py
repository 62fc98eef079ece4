"""What connectors signed and intake could not understand: to be seen, and tried again."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.intake import store
from services.intake.api.desk import IntakeDesk
from services.intake.api.webhooks import Delivery
from services.intake.schemas import QuarantinedOut, WebhookAnswer
from shared.auth import Caller
from shared.errors import NotFoundError
from shared.web.app import api_router
from shared.web.paging import CursorText, Limit, Page, decode_cursor, page_of
from shared.web.problems import documented


def router(desk: IntakeDesk) -> APIRouter:
    api = api_router("intake", "webhooks")
    reads = desk.gate.requires("inquiries:read")
    writes = desk.gate.requires("inquiries:write")

    @api.get("/quarantine", summary="List deliveries that could not be understood")
    async def list_quarantine(
        limit: Limit = 50, cursor: CursorText = None, _caller: Caller = reads
    ) -> Page[QuarantinedOut]:
        """Signed deliveries, or items of them, kept with the reason why they made no inquiry."""
        rows = await desk.database.read(
            store.list_quarantined, limit=limit + 1, after=decode_cursor(cursor)
        )
        shown, following = page_of(
            [QuarantinedOut.model_validate(row) for row in rows],
            limit=limit,
            key=lambda item: (item.received_at, item.id),
        )
        return Page(items=shown, next_cursor=following)

    @api.post(
        "/quarantine/{quarantine_id}/retry",
        summary="Try a quarantined delivery again",
        responses=documented(400, 404),
    )
    async def retry_quarantined(quarantine_id: UUID, _caller: Caller = writes) -> WebhookAnswer:
        """For what a newer desk understands. What is accepted now leaves the quarantine; what is
        still broken stays there, and the problem says why.
        """
        kept = await desk.database.read(store.quarantined, quarantine_id)
        if kept is None:
            raise NotFoundError("unknown-quarantine", f"nothing in quarantine is {quarantine_id}")
        delivery = Delivery(desk, desk.rules.channel(kept["channel"]), desk.clock.now())
        result = await delivery.work_off_kept(kept["raw"])
        if not result.errors:
            await desk.database.write(store.leave_quarantine, quarantine_id)
        return result.answer()

    return api

"""The delivery log of notifications: list, show, send again."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Query

from services.sla.dependencies import SlaDependencies
from services.sla.notifications import schemas, store
from services.sla.notifications.schemas import DeliveryState
from services.sla.notifications.store import Delivery
from services.sla.notifications.usecases import resend, show
from shared.access.keys import Caller
from shared.web.app import api_router
from shared.web.paging import Cursors, CursorText, Limit, Page
from shared.web.problems import documented
from shared.web.strict_json import SafeStr

TargetName = Annotated[SafeStr | None, Query(max_length=40, examples=["tickets"])]

log = structlog.get_logger()


def router(desk: SlaDependencies) -> APIRouter:
    api = api_router("sla", "notifications")
    reads = desk.authorizer.requires("deadlines:read")
    writes = desk.authorizer.requires("deadlines:write")

    @api.get("/notifications", summary="List notifications, the newest first")
    async def list_notifications(
        target: TargetName = None,
        state: Annotated[DeliveryState | None, Query(examples=["failed"])] = None,
        limit: Limit = 50,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[schemas.Notification]:
        """What went out to which target, what waits, and what was given up."""
        if target is not None:
            desk.known_target(target)
        cursors = Cursors("notifications", target, state)
        rows = await desk.database.read(
            store.page,
            target=target,
            state=state,
            after=cursors.place(cursor),
            limit=limit + 1,
        )
        items = [_listed(row) for row in rows]
        shown, following = cursors.page(
            items, limit=limit, key=lambda item: (item.created_at, item.id)
        )
        return Page(items=shown, next_cursor=following)

    @api.get(
        "/notifications/{notification_id}",
        summary="Show a notification",
        responses=documented(404),
    )
    async def show_notification(
        notification_id: UUID, _caller: Caller = reads
    ) -> schemas.NotificationDetail:
        """With the body as it is sent."""
        return _detail(await desk.database.read(show, notification_id))

    @api.post(
        "/notifications/{notification_id}/resend",
        summary="Send a notification again",
        responses=documented(404, 409),
    )
    async def resend_notification(
        notification_id: UUID, caller: Caller = writes
    ) -> schemas.NotificationDetail | schemas.NotificationChanged:
        """At once and, if need be, for another 3 days; under the same `webhook-id`, so a receiver
        that has worked it off may pass over it.
        """
        found = await desk.database.write(
            resend, notification_id, targets=desk.targets, now=desk.clock.now()
        )
        log.info("notification.resent", notification_id=str(notification_id), key_name=caller.name)
        desk.on_written()
        if caller.may("deadlines:read"):
            return _detail(found)
        return schemas.NotificationChanged.model_validate({"id": found.id, "state": found.state})

    return api


def _listed(row: Delivery) -> schemas.Notification:
    return schemas.Notification.model_validate(
        {name: getattr(row, name) for name in schemas.Notification.model_fields}
    )


def _detail(row: Delivery) -> schemas.NotificationDetail:
    return schemas.NotificationDetail.model_validate(
        {**_listed(row).model_dump(), "body": json.loads(row.body)}
    )

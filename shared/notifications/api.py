"""The delivery log of notifications: list, show, send again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query

from shared.access.authorizer import Authorizer
from shared.access.keys import Caller, Scope
from shared.db import Database
from shared.errors import FieldProblem, InvalidError
from shared.notifications import schemas, store
from shared.notifications.schemas import DeliveryState
from shared.notifications.store import Delivery
from shared.notifications.usecases import resend, show
from shared.runtime.clock import Clock
from shared.web.app import api_router
from shared.web.paging import Cursors, CursorText, Limit, Page
from shared.web.problems import documented
from shared.web.strict_json import SafeStr

TargetName = Annotated[SafeStr | None, Query(max_length=40, examples=["tickets"])]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeliveryLog:
    """What the routes need of the service that notifies.

    `reads` and `writes` are the scopes for looking and for sending again; `on_written` is called
    after each commit by which a delivery is due. `example` is a notification with its body, where
    the one of the schema, of a deadline, would mislead.
    """

    service: str
    database: Database
    authorizer: Authorizer
    clock: Clock
    targets: frozenset[str]
    reads: Scope
    writes: Scope
    on_written: Callable[[], None]
    example: Mapping[str, Any] | None = None

    def known_target(self, name: str) -> str:
        """Raises InvalidError."""
        if name not in self.targets:
            known = ", ".join(sorted(self.targets))
            right = f"one of {known}" if known else "nothing is defined here yet"
            problem = FieldProblem("target", "is not in the policy", right)
            raise InvalidError("unknown-target", "the policy has no such target", problem)
        return name


def router(deliveries: DeliveryLog) -> APIRouter:
    api = api_router(deliveries.service, "notifications")
    reads = deliveries.authorizer.requires(deliveries.reads)
    writes = deliveries.authorizer.requires(deliveries.writes)

    @api.get(
        "/notifications",
        summary="List notifications, the newest first",
        responses=_shown(deliveries.example, listed=True),
    )
    async def list_notifications(
        target: TargetName = None,
        state: Annotated[DeliveryState | None, Query(examples=["failed"])] = None,
        limit: Limit = 50,
        cursor: CursorText = None,
        _caller: Caller = reads,
    ) -> Page[schemas.Notification]:
        """What went out to which target, what waits, and what was given up."""
        if target is not None:
            deliveries.known_target(target)
        cursors = Cursors("notifications", target, state)
        rows = await deliveries.database.read(
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
        responses={**_shown(deliveries.example), **documented(404)},
    )
    async def show_notification(
        notification_id: UUID, _caller: Caller = reads
    ) -> schemas.NotificationDetail:
        """With the body as it is sent."""
        return _detail(await deliveries.database.read(show, notification_id))

    @api.post(
        "/notifications/{notification_id}/resend",
        summary="Send a notification again",
        responses={**_shown(deliveries.example), **documented(404, 409)},
    )
    async def resend_notification(
        notification_id: UUID, caller: Caller = writes
    ) -> schemas.NotificationDetail | schemas.NotificationChanged:
        """At once and, if need be, for another 3 days; under the same `webhook-id`, so a receiver
        that has worked it off may pass over it.
        """
        found = await deliveries.database.write(
            resend, notification_id, targets=deliveries.targets, now=deliveries.clock.now()
        )
        log.info("notification.resent", notification_id=str(notification_id), key_name=caller.name)
        deliveries.on_written()
        if caller.may(deliveries.reads):
            return _detail(found)
        return schemas.NotificationChanged.model_validate({"id": found.id, "state": found.state})

    return api


def _shown(
    example: Mapping[str, Any] | None, *, listed: bool = False
) -> dict[int | str, dict[str, Any]]:
    """The example of an answer in the API document, where it is not that of the schema."""
    if example is None:
        return {}
    item = {name: value for name, value in example.items() if not listed or name != "body"}
    answer = {"items": [item], "next_cursor": None} if listed else item
    return {200: {"content": {"application/json": {"example": answer}}}}


def _listed(row: Delivery) -> schemas.Notification:
    return schemas.Notification.model_validate(
        {name: getattr(row, name) for name in schemas.Notification.model_fields}
    )


def _detail(row: Delivery) -> schemas.NotificationDetail:
    return schemas.NotificationDetail.model_validate(
        {**_listed(row).model_dump(), "body": json.loads(row.body)}
    )

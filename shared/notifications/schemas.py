"""The delivery log in HTTP bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.web.examples import ID, TUESDAY
from shared.web.of_inquiry import OfInquiry

DeliveryState = Literal["pending", "delivered", "failed"]


class NotificationChanged(BaseModel):
    """All that a key gets back which may write and not read."""

    id: UUID
    state: DeliveryState = Field(examples=["pending"])


class Notification(OfInquiry):
    """One event on its way to one target. `attempts` count since it was stored or sent again."""

    id: UUID = Field(examples=[ID])
    target: str = Field(examples=["tickets"])
    event_id: UUID = Field(description="Also its `webhook-id`.", examples=[ID])
    kind: str = Field(examples=["breached"])
    state: DeliveryState = Field(examples=["delivered"])
    attempts: int = Field(examples=[1])
    created_at: datetime = Field(examples=[TUESDAY])
    give_up_at: datetime = Field(examples=["2026-03-06T09:00:00Z"])
    next_attempt_at: datetime | None = Field(None, examples=[None])
    last_attempt_at: datetime | None = Field(None, examples=[TUESDAY])
    last_status: int | None = Field(None, description="HTTP, of a webhook.", examples=[204])
    last_error: str | None = Field(None, examples=[None])
    delivered_at: datetime | None = Field(None, examples=[TUESDAY])


class NotificationDetail(Notification):
    body: dict[str, Any] = Field(
        description="What is sent; see docs/notifications.md.",
        examples=[{"type": "deadline.breached", "timestamp": TUESDAY, "data": {}}],
    )

"""HTTP bodies of webhooks and of the quarantine."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.connectors.items import IgnoredReason
from shared.text.references import EXAMPLE


class BrokenItem(BaseModel):
    index: int
    field: str
    problem: str
    expected: str


class AdjustedItem(BaseModel):
    """A message that was kept, but not with all that was sent."""

    index: int
    field: str
    done: str


class IgnoredItem(BaseModel):
    """What made no inquiry: `own-post` (it may have ended one), `staff`, `edited` and `withdrawn`
    (noted on the message, which may have ended its inquiry), `empty`, `automatic` (a mail
    that nobody wrote), or `event-type`.
    """

    index: int | None = Field(description="Null: the delivery as a whole.")
    reason: IgnoredReason


class WebhookAnswer(BaseModel):
    """What became of each item; `inquiries` has the inquiry of each accepted or repeated one, and a
    delivery has at most 1000 items.

    Of `errors`, `adjusted` and `ignored_items` the first 50 are named; `ignored` counts all.
    """

    accepted: int = Field(examples=[1])
    duplicate: int = Field(examples=[0])
    ignored: int = Field(examples=[0])
    broken: int = Field(examples=[0])
    inquiries: list[UUID] = Field(examples=[["019ab0c2-7d0e-7c31-9f0a-3f5d7f1f2a10"]])
    references: list[str] = Field(
        description="Of the same inquiries: what they are called on the telephone.",
        examples=[[EXAMPLE]],
    )
    errors: list[BrokenItem] = []
    more_errors: int = Field(0, description="How many errors are not named.", examples=[0])
    adjusted: list[AdjustedItem] = []
    more_adjusted: int = Field(0, description="How many are not named.", examples=[0])
    ignored_items: list[IgnoredItem] = []


class QuarantinedOut(BaseModel):
    """A signed delivery, or an item of one, that was not understood, kept with its reason."""

    id: UUID
    channel: str = Field(examples=["web_form"])
    reason: str = Field(examples=["id is missing: give a value for this field"])
    external_id: str | None = Field(
        description="The message's own id, where it could be read.", examples=["c-1001"]
    )
    received_at: datetime = Field(description="When it came first; a retry counts from there.")


class QuarantinedDetail(QuarantinedOut):
    raw: str = Field(examples=['{"text": "Guten Tag"}'])

"""The report in an HTTP body."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field


class ModerationLine(BaseModel):
    """Dismissals count where they were decided, appeals where they came in."""

    netiquette: int = Field(
        description="Inquiries that were dismissed as a violation of the netiquette.", examples=[3]
    )
    spam: int = Field(description="Inquiries that were dismissed as spam.", examples=[12])
    appeals: int = Field(description="How often a customer objected.", examples=[2])
    upheld: int = Field(
        description="Of these: it was dismissed as netiquette or spam again.", examples=[1]
    )
    overturned: int = Field(
        description="Of these: a desk answers it, or it ended otherwise.", examples=[1]
    )
    open: int = Field(description="Of these: nobody has decided yet.", examples=[0])


class ModerationWeek(ModerationLine):
    week: str = Field(examples=["2026-W47"])
    monday: date = Field(examples=["2026-11-16"])


class ModerationReport(BaseModel):
    """From `from` until before `to`, as it stands now."""

    start: datetime = Field(serialization_alias="from", examples=["2026-11-15T23:00:00Z"])
    end: datetime = Field(serialization_alias="to", examples=["2026-11-22T23:00:00Z"])
    timezone: str = Field(
        description="The desk's zone, in which weeks begin.", examples=["Europe/Berlin"]
    )
    total: ModerationLine
    weeks: list[ModerationWeek]

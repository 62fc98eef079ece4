"""The calendar in HTTP bodies."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

_ID = "0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a"


_MONDAY, _TUESDAY = "2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"


class OpenInterval(BaseModel):
    start: datetime = Field(examples=["2026-03-02T08:00:00Z"])
    end: datetime = Field(examples=["2026-03-02T16:00:00Z"])


class ClosedDay(BaseModel):
    day: date = Field(examples=["2026-03-09"])
    reason: str = Field(examples=["holiday"])
    name: str | None = Field(None, examples=["Frauentag"])


class CalendarView(BaseModel):
    """When the desk is open, and the days on which it is not although the week would say so."""

    timezone: str = Field(examples=["Europe/Berlin"])
    first_day: date = Field(examples=["2026-03-02"])
    last_day: date = Field(examples=["2026-03-08"])
    open: list[OpenInterval]
    holidays: list[ClosedDay] = Field(description="Public holidays, whatever weekday they are.")
    closed: list[ClosedDay] = Field(description="Closures and dated exceptions.")

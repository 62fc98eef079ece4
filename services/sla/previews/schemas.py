"""The calendar in HTTP bodies."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field


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

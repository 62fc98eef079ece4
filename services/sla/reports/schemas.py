"""The report in HTTP bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.web.examples import MONDAY


class AnswerTimes(BaseModel):
    """From the receipt to the answer, of those that have one; null without an answer."""

    median_seconds: int | None = Field(
        None, description="Half of the answers were as fast or faster.", examples=[14400]
    )
    p90_seconds: int | None = Field(
        None, description="Nine of ten answers were as fast or faster.", examples=[25200]
    )


Kept = Annotated[
    float | None,
    Field(
        description="`met` of `met` and `missed`, in percent, rounded down to a tenth; null while "
        "nothing is decided.",
        examples=[97.3],
    ),
]


Missed = Annotated[
    int,
    Field(
        description="Every broken promise, whatever happened afterwards: `met_late`, `breached`, "
        "and what was cancelled only after its time had passed.",
        examples=[3],
    ),
]


class ReportLine(BaseModel):
    """Inquiries with a promise. Each is counted once in `met`, `met_late`, `breached`, `open` or
    `cancelled`; together they are `promised`.
    """

    group: str | None = Field(
        description="Null: no desk has it yet, or it is the total.", examples=["email"]
    )
    promised: int = Field(description="All of them.", examples=[120])
    met: int = Field(description="Answered, and no target missed.", examples=[110])
    met_late: int = Field(description="Answered, and a target missed.", examples=[2])
    breached: int = Field(description="Not answered, and a target missed.", examples=[1])
    open: int = Field(description="Not answered, and still in time.", examples=[4])
    cancelled: dict[str, int] = Field(
        description="Those that get no answer, by reason.", examples=[{"spam": 3}]
    )
    missed: Missed
    kept_percent: Kept
    business_time: AnswerTimes = Field(description="Counted in opening hours.")
    wall_time: AnswerTimes = Field(description="Counted without a break.")


class HandOverLine(BaseModel):
    """What the technical desk had to take over, of the same inquiries."""

    group: str | None = Field(examples=["email"])
    owed: int = Field(description="All of them.", examples=[40])
    met: int = Field(description="Taken over in time.", examples=[36])
    met_late: int = Field(description="Taken over too late.", examples=[1])
    breached: int = Field(description="Not taken over, and its time has passed.", examples=[1])
    open: int = Field(description="Not taken over, and still in time.", examples=[1])
    cancelled: int = Field(
        description="It went to another desk, or needs no answer any more.", examples=[1]
    )
    missed: Missed
    kept_percent: Kept


class DeskShare(BaseModel):
    """What a desk had a share in, of the inquiries with a promise."""

    desk: str | None = Field(description="Null: no desk has it yet.", examples=["technical"])
    inquiries: int = Field(
        description="How many it had at any time; one that was handed over counts at each desk.",
        examples=[40],
    )
    answered: int = Field(description="How many were answered while it had them.", examples=[31])
    held_seconds: int = Field(
        description="Opening time that those that were answered had spent here until then.",
        examples=[403200],
    )
    held_percent: float | None = Field(
        description="Its share of the opening time at all desks, rounded down to a tenth; null "
        "while nothing is answered.",
        examples=[71.2],
    )
    handed_over_to: int = Field(description="How often another desk gave one to it.", examples=[6])
    handed_over_from: int = Field(
        description="How often it gave one to another desk.", examples=[9]
    )
    missed: int = Field(
        description="Promises that were broken while it had the inquiry.", examples=[2]
    )


class DeskReport(BaseModel):
    """Of the inquiries received from `from` until before `to`, as it stands now."""

    start: datetime = Field(serialization_alias="from", examples=["2026-03-01T00:00:00Z"])
    end: datetime = Field(serialization_alias="to", examples=["2026-04-01T00:00:00Z"])
    timezone: str = Field(
        description="The desk's zone, in which days and weeks begin.", examples=["Europe/Berlin"]
    )
    desks: list[DeskShare]


class BestEffortView(BaseModel):
    """A channel without a promise. The ages are of those that nobody answered or closed."""

    channel: str = Field(examples=["youtube"])
    count: int = Field(description="All inquiries of the span.", examples=[12])
    answered: int = Field(examples=[5])
    closed: int = Field(description="Ended without an answer.", examples=[1])
    open: int = Field(description="Nobody answered or closed them.", examples=[6])
    median_age_seconds: int | None = Field(
        None, description="How long the one in the middle has waited.", examples=[172800]
    )
    oldest_received_at: datetime | None = Field(None, examples=[MONDAY])


class PromiseReport(BaseModel):
    """Of the inquiries received from `from` until before `to`, as it stands now."""

    start: datetime = Field(serialization_alias="from", examples=["2026-03-01T00:00:00Z"])
    end: datetime = Field(serialization_alias="to", examples=["2026-04-01T00:00:00Z"])
    timezone: str = Field(
        description="The desk's zone, in which days and weeks begin.", examples=["Europe/Berlin"]
    )
    group_by: Literal["channel", "desk", "week", "promise"] = Field(examples=["channel"])
    total: ReportLine = Field(description="All groups together, with answer times of their own.")
    lines: list[ReportLine] = Field(description="A line for each group.")
    hand_over_total: HandOverLine
    hand_over: list[HandOverLine]
    best_effort: list[BestEffortView]

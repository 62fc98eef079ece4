"""The report on routing in HTTP bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Percent = Annotated[
    float | None,
    Field(description="Rounded down to a tenth; null of nothing.", examples=[96.4]),
]


class FiguresOut(BaseModel):
    """Each inquiry is counted once in `addressed`, `alone` or `review`; together they are
    `received`.
    """

    model_config = ConfigDict(from_attributes=True)

    received: int = Field(examples=[240])
    addressed: int = Field(
        description="Those that the customer had addressed to a desk.", examples=[20]
    )
    alone: int = Field(description="Those that were decided without a person.", examples=[170])
    review: int = Field(description="Those on which a person decided.", examples=[50])
    labelled: int = Field(
        description="Of those alone so many were moved, dismissed, or answered where they were.",
        examples=[140],
    )
    right: int = Field(description="Of these so many are where they belong.", examples=[135])
    alone_percent: Percent
    right_percent: Percent


class WeekFigures(FiguresOut):
    week: str = Field(description="ISO 8601, in the desk's zone.", examples=["2026-W47"])


class VersionFigures(FiguresOut):
    decided_by: str = Field(
        description="The rule, what weighed the words, or the version of the model; `unknown` from "
        "before it was kept.",
        examples=["model:7"],
    )


class KindOut(BaseModel):
    """Of `netiquette`, `spam` and `no_answer_needed`: `decided` are the suspicions, `right` those
    that a person confirmed, `wrong` those that a person refuted.
    """

    kind: str = Field(examples=["technical"])
    decided: int = Field(examples=[90])
    right: int = Field(examples=[80])
    wrong: int = Field(examples=[3])
    precision_percent: Percent


class Cell(BaseModel):
    """So many inquiries that were decided so belong there, as people have said."""

    decided_kind: str = Field(examples=["general"])
    decided_desk: str = Field(examples=["inbound"])
    label_kind: str = Field(examples=["technical"])
    label_desk: str | None = Field(
        description="Null for a kind that gets no answer.", examples=["technical"]
    )
    count: int = Field(examples=[3])


class WatchOut(BaseModel):
    """What a version would have done that did not decide: the current one, for what was decided
    before it, or a candidate that was not promoted.
    """

    version: int = Field(examples=[8])
    inquiries: int = Field(description="On so many it was asked.", examples=[120])
    alone: int = Field(description="It would have decided so many alone.", examples=[100])
    different: int = Field(description="Kind or desk would have been another.", examples=[14])
    right: int = Field(description="Of those alone with a label.", examples=[88])
    wrong: int = Field(examples=[2])
    were_right: int = Field(
        description="Of the same inquiries with a label, as they were decided alone.",
        examples=[70],
    )
    were_wrong: int = Field(examples=[4])


class RoutingReport(BaseModel):
    """Of the inquiries received from `from` until before `to`, as it stands now. An inquiry has a
    label when a person has moved or dismissed it, or it was answered; the latest counts.
    """

    start: datetime = Field(serialization_alias="from", examples=["2026-03-01T00:00:00Z"])
    end: datetime = Field(serialization_alias="to", examples=["2026-04-01T00:00:00Z"])
    timezone: str = Field(
        description="The desk's zone, in which days and weeks begin.", examples=["Europe/Berlin"]
    )
    total: FiguresOut
    weeks: list[WeekFigures]
    by: list[VersionFigures]
    kinds: list[KindOut]
    confusion: list[Cell]
    watched: list[WatchOut]

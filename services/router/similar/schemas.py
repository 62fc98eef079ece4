"""Similar questions in HTTP bodies."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.router.people.names import Person
from shared.web.of_inquiry import OfInquiry


class SimilarOut(OfInquiry):
    """An answered inquiry that is like this one."""

    todo_id: UUID
    conversation_id: UUID
    channel: str = Field(examples=["web_form"])
    desk: str = Field(description="Where its ToDo ended.", examples=["technical"])
    question: str = Field(
        description="The beginning of what the customer asked, with the subject.",
        examples=["Ich habe mein Passwort vergessen."],
    )
    answer: str = Field(
        description="What was answered, at most its first 5,000 characters; the whole conversation "
        "is at intake.",
        examples=["Mit »Passwort vergessen« auf der Anmeldeseite bekommen Sie ein neues."],
    )
    answered_at: datetime
    answered_by: str = Field(examples=["Carla"])
    similarity: float = Field(
        description="The estimated probability that this answer helps here, 0 to 1.",
        examples=[0.82],
    )
    words: list[str] = Field(
        description="Words of this inquiry that the other one has too, the most telling first.",
        examples=[["Passwort", "vergessen"]],
    )
    reused: int = Field(description="For how many ToDos this answer was reused.", examples=[3])


class SimilarList(BaseModel):
    items: list[SimilarOut] = Field(description="The most similar first; empty when none is.")


class ReuseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inquiry_id: UUID = Field(description="The inquiry whose answer was reused.")
    by: Person | None = Field(
        None, description="Who reused it; left out: the key's owner.", examples=["Anna"]
    )


class ReuseOut(BaseModel):
    """The reuse as it was recorded first."""

    model_config = ConfigDict(from_attributes=True)

    todo_id: UUID
    inquiry_id: UUID
    at: datetime
    by: str = Field(examples=["Anna"])
    key_name: str = Field(examples=["desk-tool"])


class ReuseLine(BaseModel):
    """Of the ToDos that were received in the week."""

    received: int = Field(examples=[120])
    asked: int = Field(description="For how many similar questions were looked up.", examples=[90])
    found: int = Field(description="For how many of these there were any.", examples=[52])
    shown: int = Field(description="Answers that were shown, all together.", examples=[161])
    reused: int = Field(description="Answers that were reused, all together.", examples=[38])
    answered: int = Field(description="ToDos that are done.", examples=[110])
    answered_with_reuse: int = Field(description="Of these, with a reused answer.", examples=[35])
    reuse_percent: float | None = Field(
        description="The share of the answered ToDos that reused an answer, rounded down to a "
        "tenth; null without any.",
        examples=[31.8],
    )


class ReuseDesk(ReuseLine):
    desk: str = Field(examples=["technical"])


class ReuseWeek(BaseModel):
    week: str = Field(examples=["2026-W47"])
    monday: date = Field(examples=["2026-11-16"])
    total: ReuseLine
    desks: list[ReuseDesk]


class ReuseReport(BaseModel):
    """Of the ToDos received from `from` until before `to`, as it stands now."""

    start: datetime = Field(serialization_alias="from", examples=["2026-11-15T23:00:00Z"])
    end: datetime = Field(serialization_alias="to", examples=["2026-11-22T23:00:00Z"])
    timezone: str = Field(
        description="The desk's zone, in which weeks begin.", examples=["Europe/Berlin"]
    )
    total: ReuseLine
    weeks: list[ReuseWeek]

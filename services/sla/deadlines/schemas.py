"""HTTP bodies of the sla service, in and out. All moments are UTC, all durations seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.events.deadlines import DeadlineState, Target
from shared.web.examples import ID, MONDAY, TUESDAY
from shared.web.moments import Moment
from shared.web.of_inquiry import OfInquiry
from shared.web.strict_json import SafeStr


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


ChannelName = Annotated[SafeStr, Field(min_length=1, max_length=40)]
DeskName = Annotated[SafeStr, Field(min_length=1, max_length=40)]
Tag = Annotated[SafeStr, Field(min_length=1, max_length=101)]
Why = Annotated[SafeStr, BeforeValidator(_trimmed), Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PreviewRequest(_Body):
    """When would an answer be due? Promises may also depend on desk, hashtags and contact."""

    received_at: Moment = Field(examples=["2026-03-02T10:00:00+01:00"])
    channel: ChannelName = Field(examples=["email"])
    desk: DeskName | None = Field(
        None,
        description="Left out: the one that the channel addresses, if any.",
        examples=["technical"],
    )
    hashtags: Annotated[list[Tag], Field(max_length=50)] = Field([], examples=[["#iico2026"]])
    contact_id: UUID | None = Field(None, examples=[ID])


class PauseRequest(_Body):
    """Why the clock stands still, and until when at the latest."""

    reason: Why = Field(examples=["waiting for the customer's log file"])
    until: Moment | None = Field(
        None,
        description="Left out: as long as the promise allows.",
        examples=["2026-03-04T16:00:00+01:00"],
    )


class HandOver(BaseModel):
    """Until when somebody at the technical desk takes over; it had to, or has to."""

    state: DeadlineState = Field(examples=["running"])
    due_at: datetime = Field(examples=["2026-03-02T11:00:00Z"])
    breached_at: datetime | None = Field(None, examples=[None])
    taken_over_at: datetime | None = Field(None, examples=[None])


class Deadline(OfInquiry):
    """The clock of an inquiry. `due_at` of a paused clock is where it is if the pause lasts."""

    conversation_id: UUID = Field(examples=[ID])
    channel: str = Field(examples=["email"])
    desk: str | None = Field(None, examples=["technical"])
    state: DeadlineState = Field(examples=["running"])
    target: Target = Field(examples=["first_answer"])
    promise: str = Field(examples=["answer"])
    received_at: datetime = Field(examples=[MONDAY])
    due_at: datetime = Field(examples=[TUESDAY])
    breached_at: datetime | None = Field(None, examples=[None])
    answered_at: datetime | None = Field(None, examples=[None])
    cancelled_at: datetime | None = Field(None, examples=[None])
    cancel_reason: str | None = Field(None, examples=[None])
    window_ends_at: datetime | None = Field(
        None,
        description="When the platform stops letting us answer, where it does.",
        examples=[None],
    )
    merged_into: UUID | None = Field(
        None,
        description="The inquiry of which this one turned out to be a part; then it counts in no"
        " report.",
        examples=[None],
    )
    hand_over: HandOver | None = Field(
        None, description="Where the promise has one and the technical desk has the inquiry."
    )


class Pause(BaseModel):
    start: datetime = Field(examples=[MONDAY])
    end: datetime = Field(examples=[TUESDAY], description="The bound, while the pause lasts.")
    reason: str = Field(examples=["waiting for the customer"])


class TargetView(BaseModel):
    """What is or was awaited: the first answer, then each follow-up that was announced; beside
    them, with the number 0, that the technical desk takes over.
    """

    number: int = Field(examples=[1])
    target: Target = Field(examples=["first_answer"])
    promise: str = Field(examples=["answer"])
    state: DeadlineState = Field(examples=["running"])
    started_at: datetime = Field(examples=[MONDAY])
    due_at: datetime = Field(examples=[TUESDAY])
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    pauses: list[Pause] = Field([], description="The newest 50, oldest first.")
    pause_count: int = Field(0, description="How many pauses there are.", examples=[0])


class Happened(BaseModel):
    """Something about the clock. Recorded, and only ever added: `started`, `paused`, `resumed`,
    `held`, `answered`, `withdrawn` (a reply), `cancelled`, `reopened`, `moved`, `window_set`,
    `left` (a message), `assigned`, `taken_over`. What follows from those that stand: `breached`,
    `met`, `met_late`, `resumed` at the bound of a pause. What was told: `warned`, and a breach
    that was corrected since.
    """

    at: datetime = Field(examples=[MONDAY])
    fact: str = Field(examples=["started"])
    by: str | None = Field(None, examples=["anna"])
    key_name: str | None = Field(
        None,
        description="The API key that acted; null when no key did.",
        examples=["desk-tool"],
    )
    detail: str | None = Field(None, examples=["answer"])


class DeadlineChanged(BaseModel):
    """All that a key gets back which may write and not read."""

    inquiry_id: UUID
    state: DeadlineState = Field(examples=["paused"])


class DeadlineDetail(Deadline):
    """The clock as it stood at `as_of`."""

    as_of: datetime = Field(examples=[MONDAY])
    remaining_seconds: int = Field(
        description="Counted time left, in the promise's own counting.", examples=[86400]
    )
    targets: list[TargetView] = Field(description="The newest 50, oldest first.")
    target_count: int = Field(description="How many targets there are.", examples=[1])
    history: list[Happened] = Field(
        description="The newest 50 lines, oldest first; `as_of` has those until an earlier time."
    )
    history_count: int = Field(description="How many lines there are.", examples=[1])


class IntervalView(BaseModel):
    """A piece of time between the inquiry and its deadline: counted or not, and why."""

    start: datetime = Field(examples=[MONDAY])
    end: datetime = Field(examples=[TUESDAY])
    seconds: int = Field(examples=[86400])
    counted: bool = Field(examples=[True])
    reason: str = Field(examples=["working day"])
    name: str | None = Field(None, description="The holiday or closure.", examples=["Frauentag"])


class MatchedPromise(BaseModel):
    """A promise that holds for the inquiry; of several, the strictest is chosen."""

    promise: str = Field(examples=["answer"])
    due_at: datetime = Field(examples=[TUESDAY])
    chosen: bool = Field(examples=[True])
    because: str = Field(examples=["holds for every promised channel"])


class TargetExplanation(BaseModel):
    """The counted intervals add up to `target_seconds` exactly and end at `runs_out_at`.

    Counted by working days, the deadline is the last open moment up to there: `pulled_back_seconds`
    says how much earlier it is (negative: nobody was open, so it is the next opening).
    """

    target: Target = Field(examples=["first_answer"])
    promise: str = Field(examples=["answer"])
    counting: str = Field(examples=["working-days"])
    started_at: datetime = Field(examples=[MONDAY])
    target_seconds: int = Field(examples=[86400])
    counted_seconds: int = Field(examples=[86400])
    runs_out_at: datetime = Field(examples=[TUESDAY])
    due_at: datetime = Field(examples=[TUESDAY])
    pulled_back_seconds: int = Field(examples=[0])
    intervals: list[IntervalView] = Field(
        description="The first; all targets together show 2000, the newest target first."
    )
    more_intervals: int = Field(
        0, description="How many come after them, as after very many pauses.", examples=[0]
    )


class ExplanationView(OfInquiry):
    timezone: str = Field(examples=["Europe/Berlin"])
    timezone_changed: bool = Field(
        description="The zone's rules are others today than when the clock was counted: the "
        "deadline is as it was told, and intervals at a change of clocks may differ from it.",
        examples=[False],
    )
    as_of: datetime = Field(examples=[MONDAY])
    promises: list[MatchedPromise]
    targets: list[TargetExplanation] = Field(description="The newest 50, oldest first.")
    target_count: int = Field(description="How many targets there are.", examples=[1])


class Preview(BaseModel):
    """`clock` false: on this channel no answer is promised, so nothing is due."""

    channel: str = Field(examples=["email"])
    received_at: datetime = Field(examples=[MONDAY])
    clock: bool = Field(examples=[True])
    due_at: datetime | None = Field(None, examples=[TUESDAY])
    timezone: str = Field(examples=["Europe/Berlin"])
    detail: str = Field(examples=["24 hours, counted by working days"])
    promises: list[MatchedPromise] = []
    explanation: TargetExplanation | None = None

"""HTTP bodies of the sla service, in and out. All moments are UTC, all durations seconds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.events.facts import DeadlineState, Target
from shared.web.moments import Moment
from shared.web.strict_json import SafeStr

_ID = "0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a"
_MONDAY, _TUESDAY = "2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"


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
    contact_id: UUID | None = Field(None, examples=[_ID])


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


class Deadline(BaseModel):
    """The clock of an inquiry. `due_at` of a paused clock is where it is if the pause lasts."""

    inquiry_id: UUID = Field(examples=[_ID])
    conversation_id: UUID = Field(examples=[_ID])
    channel: str = Field(examples=["email"])
    desk: str | None = Field(None, examples=["technical"])
    state: DeadlineState = Field(examples=["running"])
    target: Target = Field(examples=["first_answer"])
    promise: str = Field(examples=["answer"])
    received_at: datetime = Field(examples=[_MONDAY])
    due_at: datetime = Field(examples=[_TUESDAY])
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
    start: datetime = Field(examples=[_MONDAY])
    end: datetime = Field(examples=[_TUESDAY], description="The bound, while the pause lasts.")
    reason: str = Field(examples=["waiting for the customer"])


class TargetView(BaseModel):
    """What is or was awaited: the first answer, then each follow-up that was announced; beside
    them, with the number 0, that the technical desk takes over.
    """

    number: int = Field(examples=[1])
    target: Target = Field(examples=["first_answer"])
    promise: str = Field(examples=["answer"])
    state: DeadlineState = Field(examples=["running"])
    started_at: datetime = Field(examples=[_MONDAY])
    due_at: datetime = Field(examples=[_TUESDAY])
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

    at: datetime = Field(examples=[_MONDAY])
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

    as_of: datetime = Field(examples=[_MONDAY])
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

    start: datetime = Field(examples=[_MONDAY])
    end: datetime = Field(examples=[_TUESDAY])
    seconds: int = Field(examples=[86400])
    counted: bool = Field(examples=[True])
    reason: str = Field(examples=["working day"])
    name: str | None = Field(None, description="The holiday or closure.", examples=["Frauentag"])


class MatchedPromise(BaseModel):
    """A promise that holds for the inquiry; of several, the strictest is chosen."""

    promise: str = Field(examples=["answer"])
    due_at: datetime = Field(examples=[_TUESDAY])
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
    started_at: datetime = Field(examples=[_MONDAY])
    target_seconds: int = Field(examples=[86400])
    counted_seconds: int = Field(examples=[86400])
    runs_out_at: datetime = Field(examples=[_TUESDAY])
    due_at: datetime = Field(examples=[_TUESDAY])
    pulled_back_seconds: int = Field(examples=[0])
    intervals: list[IntervalView] = Field(
        description="The first; all targets together show 2000, the newest target first."
    )
    more_intervals: int = Field(
        0, description="How many come after them, as after very many pauses.", examples=[0]
    )


class ExplanationView(BaseModel):
    inquiry_id: UUID = Field(examples=[_ID])
    timezone: str = Field(examples=["Europe/Berlin"])
    timezone_changed: bool = Field(
        description="The zone's rules are others today than when the clock was counted: the "
        "deadline is as it was told, and intervals at a change of clocks may differ from it.",
        examples=[False],
    )
    as_of: datetime = Field(examples=[_MONDAY])
    promises: list[MatchedPromise]
    targets: list[TargetExplanation] = Field(description="The newest 50, oldest first.")
    target_count: int = Field(description="How many targets there are.", examples=[1])


class Preview(BaseModel):
    """`clock` false: on this channel no answer is promised, so nothing is due."""

    channel: str = Field(examples=["email"])
    received_at: datetime = Field(examples=[_MONDAY])
    clock: bool = Field(examples=[True])
    due_at: datetime | None = Field(None, examples=[_TUESDAY])
    timezone: str = Field(examples=["Europe/Berlin"])
    detail: str = Field(examples=["24 hours, counted by working days"])
    promises: list[MatchedPromise] = []
    explanation: TargetExplanation | None = None


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
    oldest_received_at: datetime | None = Field(None, examples=[_MONDAY])


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


DeliveryState = Literal["pending", "delivered", "failed"]


class NotificationChanged(BaseModel):
    """All that a key gets back which may write and not read."""

    id: UUID
    state: DeliveryState = Field(examples=["pending"])


class Notification(BaseModel):
    """One event on its way to one target. `attempts` count since it was stored or sent again."""

    id: UUID = Field(examples=[_ID])
    target: str = Field(examples=["tickets"])
    event_id: UUID = Field(description="Also its `webhook-id`.", examples=[_ID])
    kind: str = Field(examples=["breached"])
    inquiry_id: UUID = Field(examples=[_ID])
    state: DeliveryState = Field(examples=["delivered"])
    attempts: int = Field(examples=[1])
    created_at: datetime = Field(examples=[_TUESDAY])
    give_up_at: datetime = Field(examples=["2026-03-06T09:00:00Z"])
    next_attempt_at: datetime | None = Field(None, examples=[None])
    last_attempt_at: datetime | None = Field(None, examples=[_TUESDAY])
    last_status: int | None = Field(None, description="HTTP, of a webhook.", examples=[204])
    last_error: str | None = Field(None, examples=[None])
    delivered_at: datetime | None = Field(None, examples=[_TUESDAY])


class NotificationDetail(Notification):
    body: dict[str, Any] = Field(
        description="What is sent; see docs/notifications.md.",
        examples=[{"type": "deadline.breached", "timestamp": _TUESDAY, "data": {}}],
    )

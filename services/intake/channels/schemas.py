"""HTTP bodies about channels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.intake.channels.domain import Usual
from services.intake.channels.states import ChannelState, problems
from shared.policy import WEEKDAYS


class KindCount(BaseModel):
    kind: str = Field(examples=["reaction"])
    count: int = Field(examples=[12])


class SignatureFailures(BaseModel):
    """Deliveries that did not prove who sent them; counted are those of the last 24 hours."""

    last_at: datetime | None
    last_problem: str | None = Field(
        examples=["x-hub-signature-256 fits none of this channel's secrets"]
    )
    last_24_hours: list[KindCount] = Field(
        description="By reason: no-secret, headers, signature.",
        examples=[[{"kind": "signature", "count": 2}]],
    )


class QuarantinedNow(BaseModel):
    count: int = Field(description="At most 1000 are counted.", examples=[0])
    oldest_at: datetime | None


class PollOut(BaseModel):
    last_at: datetime | None
    lag_seconds: float | None = Field(examples=[4.2])
    last_error: str | None = Field(examples=[None])


class ChannelOut(BaseModel):
    """A channel of the policy file, and what came in on it."""

    name: str = Field(examples=["facebook"])
    connector: str = Field(examples=["standard_webhooks"])
    service_level: Literal["promised", "best_effort"]
    verification: Literal["enforce", "observe"]
    has_secret: bool = Field(description="Without one every webhook is refused.")
    expires: date | None = Field(description="When the platform's secret or token ends.")
    last_delivery_at: datetime | None = Field(
        description="The last webhook that proved who sent it, whatever was in it."
    )
    last_message_at: datetime | None = Field(
        description="The last message that was new, whichever way it came."
    )
    usual_gap_seconds: float | None = Field(
        description="Between two messages at this time of the week, by the median of the last 8 "
        "weeks; null where usually none comes, or fewer than 3 weeks are known.",
        examples=[900.0],
    )
    usual_since_last: float | None = Field(
        description="How many messages usually come in the time since the last one; null as long "
        "as fewer than 3 weeks are known.",
        examples=[0.4],
    )
    unusually_silent: bool = Field(
        description="Half an hour or more has passed since the last message, in which usually 10 "
        "or more come."
    )
    signature_failures: SignatureFailures
    quarantined: QuarantinedNow
    ignored: list[KindCount] = Field(
        description="Items of the last 24 hours that made no inquiry, by kind.",
        examples=[[{"kind": "reaction", "count": 12}]],
    )
    poll: PollOut | None = Field(description="Null: it is not polled.")
    problems: list[str] = Field(
        description="What an operator should know, worst first.",
        examples=[["facebook accepts what does not prove who sent it"]],
    )


class UsualHour(BaseModel):
    weekday: str = Field(examples=["monday"])
    hour: int = Field(description="Local, from its beginning.", examples=[9])
    messages: float = Field(examples=[4.0])


class ChannelDetail(ChannelOut):
    """With the whole week that is usual."""

    usual_week: list[UsualHour] = Field(
        description="The hours of the desk's zone in which messages usually come, by the median of "
        "the last 8 weeks; empty as long as fewer than 3 are known."
    )


class ChannelList(BaseModel):
    items: list[ChannelOut]


def shown(state: ChannelState, now: datetime) -> ChannelOut:
    return ChannelOut.model_validate(_fields(state, now))


def shown_whole(state: ChannelState, now: datetime) -> ChannelDetail:
    return ChannelDetail.model_validate(
        {**_fields(state, now), "usual_week": [] if state.usual is None else _week(state.usual)}
    )


def _fields(state: ChannelState, now: datetime) -> dict[str, object]:
    rules, failure, kept, poll = state.rules, state.failure, state.kept, state.poll
    gap = None if state.usual is None else state.usual.gap(now)
    return {
        "name": rules.name,
        "connector": rules.connector_name,
        "service_level": "promised" if rules.promised else "best_effort",
        "verification": "enforce" if rules.enforced else "observe",
        "has_secret": rules.keys is not None,
        "expires": rules.expires_on,
        "last_delivery_at": state.delivery.at if state.delivery else None,
        "last_message_at": state.message.at if state.message else None,
        "usual_gap_seconds": gap and gap.total_seconds(),
        "usual_since_last": state.since_last,
        "unusually_silent": state.silent,
        "signature_failures": SignatureFailures(
            last_at=failure.at if failure else None,
            last_problem=failure.detail if failure else None,
            last_24_hours=_counts(state.failures),
        ),
        "quarantined": QuarantinedNow(
            count=kept.count if kept else 0, oldest_at=kept.oldest_at if kept else None
        ),
        "ignored": _counts(state.ignored),
        "poll": poll
        and PollOut(last_at=poll.last_at, lag_seconds=poll.lag_seconds, last_error=poll.last_error),
        "problems": [each.text for each in problems(state, now)],
    }


def _counts(counts: Mapping[str, int]) -> list[KindCount]:
    """The most frequent first."""
    found = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [KindCount(kind=kind, count=count) for kind, count in found]


def _week(usual: Usual) -> list[UsualHour]:
    return [
        UsualHour(weekday=WEEKDAYS[place // 24], hour=place % 24, messages=messages)
        for place, messages in enumerate(usual.hours)
        if messages
    ]

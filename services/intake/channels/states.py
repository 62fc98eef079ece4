"""How a channel is, as plain values, and what of it an operator should know, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

from services.intake.channels.domain import (
    MISSED_MESSAGES,
    Kept,
    PollState,
    Usual,
    unusually_silent,
)
from services.intake.policy import ChannelRules

WARNED_BEFORE = timedelta(days=14)
_LARGEST_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


@dataclass(frozen=True, slots=True)
class Latest:
    """When something came last, and a word about it."""

    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence, and whether the desk is degraded by it."""

    text: str
    degrades: bool


@dataclass(frozen=True, slots=True)
class ChannelState:
    """`failures` and `ignored` are those of the last 24 hours, by kind; `usual` is None as long as
    too little is known. `since_last` is how many messages usually come in the time since the last.
    """

    rules: ChannelRules
    delivery: Latest | None = None
    message: Latest | None = None
    failure: Latest | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    usual: Usual | None = None
    since_last: float | None = None
    silent: bool = False
    kept: Kept | None = None
    poll: PollState | None = None
    expires_at: datetime | None = None


def silence(
    message: Latest | None, usual: Usual | None, now: datetime
) -> tuple[float | None, bool]:
    """What usually comes in the time since the last message, and whether it should be missed."""
    if message is None or usual is None:
        return None, False
    return usual.between(message.at, now), unusually_silent(message.at, usual, now)


def expiry(day: date | None, zone: tzinfo) -> datetime | None:
    """The day on which something ends begins without it."""
    return None if day is None else datetime.combine(day, time(), zone)


def problems(state: ChannelState, now: datetime) -> list[Problem]:
    """Worst first. A forger can make deliveries fail, so that alone degrades nothing."""
    name, found = state.rules.name, []
    if state.silent and state.message is not None:
        found.append(
            Problem(
                f"{name} has been silent for {_span(now - state.message.at)}, in which usually "
                f"{max(MISSED_MESSAGES, round(state.since_last or 0))} messages come",
                degrades=state.rules.promised,
            )
        )
    if state.poll is not None and state.poll.last_error is not None:
        # Readiness says so by itself when it lasts.
        found.append(Problem(f"{name} cannot be polled: {state.poll.last_error}", degrades=False))
    if state.expires_at is not None and now >= state.expires_at - WARNED_BEFORE:
        found.append(Problem(ending(name, state.expires_at, now), degrades=True))
    if not state.rules.enforced:
        found.append(Problem(f"{name} accepts what does not prove who sent it", degrades=True))
    if _fails_now(state):
        found.append(
            Problem(
                f"{name} was sent something that did not prove who sent it, and nothing that did "
                f"since: {state.failure.detail if state.failure else ''}",
                degrades=False,
            )
        )
    return found


def _fails_now(state: ChannelState) -> bool:
    if state.failure is None or not state.failures:
        return False
    return state.delivery is None or state.delivery.at < state.failure.at


def ending(name: str, at: datetime, now: datetime) -> str:
    when = f"in {_span(at - now)}" if at > now else f"{_span(now - at)} ago"
    verb = "ends" if at > now else "ended"
    return f"the secret or token of {name} {verb} on {at.date()} ({when})"


def _span(span: timedelta) -> str:
    """In its largest unit, rounded down: what is said is at least true."""
    seconds = span.total_seconds()
    unit, length = next((u for u in _LARGEST_UNITS if seconds >= u[1]), _LARGEST_UNITS[-1])
    number = int(seconds // length)
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"

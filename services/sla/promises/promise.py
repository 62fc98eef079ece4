"""A promise: how long, counted how, for whom; when it is due and why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.sla.businesstime.calendar import BusinessCalendar, Span
from services.sla.businesstime.counting import Counting, deadline, runs_out, spans
from services.sla.businesstime.instants import ZERO, as_utc


class PromiseError(ValueError):
    """A promise that cannot be kept or counted as it is written."""


class TargetKind(StrEnum):
    """What is awaited: the first answer, the answer announced by a holding reply, the hand-over."""

    FIRST_ANSWER = "first_answer"
    FOLLOW_UP = "follow_up"
    HAND_OVER = "hand_over"


@dataclass(frozen=True, slots=True)
class SpentShare:
    """Warn when this share of the opening time up to the deadline is spent."""

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise PromiseError(f"a warning at {self.share} of the target: use a share like 0.75")

    @property
    def name(self) -> str:
        return f"{self.share:.0%}"

    def opening_time_left(self, allowance: timedelta) -> timedelta:
        return allowance - allowance * self.share


@dataclass(frozen=True, slots=True)
class BeforeEnd:
    """Warn when only this much opening time is left."""

    opening_time: timedelta

    def __post_init__(self) -> None:
        if self.opening_time <= ZERO:
            raise PromiseError("a warning before the end needs a time above zero, such as 1 hour")

    @property
    def name(self) -> str:
        minutes, seconds = divmod(int(self.opening_time.total_seconds()), 60)
        parts = ((minutes // 60, "h"), (minutes % 60, "m"), (seconds, "s"))
        return "".join(f"{amount}{unit}" for amount, unit in parts if amount) + " before end"

    def opening_time_left(self, allowance: timedelta) -> timedelta:
        return min(self.opening_time, allowance)


WarnLevel = SpentShare | BeforeEnd
DEFAULT_WARNINGS: Final[tuple[WarnLevel, ...]] = (SpentShare(0.75), BeforeEnd(timedelta(hours=1)))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a promise may be chosen by."""

    channel: str
    desk: str | None = None
    hashtags: frozenset[str] = frozenset()
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """For whom a promise holds; an empty set means all."""

    channels: frozenset[str] = frozenset()
    desks: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()

    def covers(self, subject: Subject) -> bool:
        return (
            (not self.channels or subject.channel in self.channels)
            and (not self.desks or subject.desk in self.desks)
            and (not self.hashtags or not self.hashtags.isdisjoint(subject.hashtags))
            and (not self.contacts or subject.contact in self.contacts)
        )


@dataclass(frozen=True, slots=True)
class Promise:
    """Targets above zero, one counting mode for all of them, and when to warn."""

    name: str
    first_answer: timedelta
    counting: Counting = Counting.WORKING_DAYS
    follow_up: timedelta | None = None
    hand_over: timedelta | None = None
    warnings: tuple[WarnLevel, ...] = DEFAULT_WARNINGS
    match: Match = Match()

    def __post_init__(self) -> None:
        for kind in TargetKind:
            target: timedelta | None = getattr(self, kind.value)
            if target is not None and target <= ZERO:
                raise PromiseError(
                    f"promise {self.name!r}: {kind.value} is {target}, it must be above zero"
                )
        if len({level.name for level in self.warnings}) < len(self.warnings):
            raise PromiseError(f"promise {self.name!r} has the same warning level twice")

    def target(self, kind: TargetKind) -> timedelta:
        """The counted time promised for `kind`; PromiseError when there is none."""
        target: timedelta | None = getattr(self, kind.value)
        if target is None:
            raise PromiseError(f"promise {self.name!r} has no target for {kind.value}")
        return target


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a clock is counted: a promise of a policy version, with that version's calendar."""

    policy_version: str
    promise: Promise
    calendar: BusinessCalendar


TermsOf = Callable[[str, str], Terms]
"""From the key of a policy version and the name of a promise. Raises LookupError for others."""


def due(
    promise: Promise,
    calendar: BusinessCalendar,
    received_at: datetime,
    *,
    kind: TargetKind = TargetKind.FIRST_ANSWER,
) -> datetime:
    """The last instant, in UTC, at which the target is kept."""
    return deadline(promise.counting, calendar, start=received_at, budget=promise.target(kind))


def follow_up_due(promise: Promise, calendar: BusinessCalendar, held_at: datetime) -> datetime:
    """When the answer is due after a holding reply that named no moment.

    A promise without a target of its own for it grants the time of a first answer once more.
    """
    budget = promise.follow_up or promise.first_answer
    return deadline(promise.counting, calendar, start=held_at, budget=budget)


def hand_over_due(
    promise: Promise, calendar: BusinessCalendar, received_at: datetime
) -> datetime | None:
    """Until when the technical desk has to take over what it gets; None without such a target."""
    if promise.hand_over is None:
        return None
    return due(promise, calendar, received_at, kind=TargetKind.HAND_OVER)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a deadline is where it is.

    The counted spans add up to `target` exactly and end at `runs_out_at`. Under `working-days` the
    deadline may differ from that: earlier, because it is the last open moment before (`pulled_back`
    tells by how much), or later, because nobody was open in between.
    """

    promise: str
    counting: Counting
    target: timedelta
    received_at: datetime
    spans: tuple[Span, ...]
    runs_out_at: datetime
    due_at: datetime

    @property
    def pulled_back(self) -> timedelta:
        return self.runs_out_at - self.due_at

    @property
    def counted(self) -> timedelta:
        return sum((span.end - span.start for span in self.spans if span.counted), ZERO)


def explanation(
    promise: Promise,
    calendar: BusinessCalendar,
    received_at: datetime,
    *,
    kind: TargetKind = TargetKind.FIRST_ANSWER,
) -> Explanation:
    """Every counted and every skipped interval from the receipt until the target is spent."""
    target, counting = promise.target(kind), promise.counting
    end = runs_out(counting, calendar, start=received_at, budget=target)
    return Explanation(
        promise=promise.name,
        counting=counting,
        target=target,
        received_at=as_utc(received_at),
        spans=tuple(spans(counting, calendar, start=received_at, end=end)),
        runs_out_at=end,
        due_at=due(promise, calendar, received_at, kind=kind),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """The strictest promise that holds, and every one that matched with its own deadline."""

    promise: Promise
    due_at: datetime
    matched: tuple[tuple[Promise, datetime], ...]


def choose(
    promises: Iterable[Promise],
    subject: Subject,
    *,
    calendar: BusinessCalendar,
    received_at: datetime,
) -> Choice | None:
    """The matching promise with the earliest first-answer deadline; the first listed of equals.

    None when no promise holds for the subject, so that no clock is started.
    """
    matched = tuple(
        (promise, due(promise, calendar, received_at))
        for promise in promises
        if promise.match.covers(subject)
    )
    if not matched:
        return None
    promise, due_at = min(matched, key=lambda pair: pair[1])
    return Choice(promise, due_at, matched)

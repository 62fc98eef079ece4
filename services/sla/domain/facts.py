"""What can happen to a clock. Facts are only ever added, and say when they happened.

`at` is the instant of the event itself, not of its arrival: facts may arrive in any order. Breach,
met late and warnings are no facts: they follow from these and the deadline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.sla.domain.calendar import BusinessCalendar
from services.sla.domain.instants import ZERO, as_utc, zoneless
from services.sla.domain.promise import Promise, TargetKind


class FactError(ValueError):
    """A fact that contradicts itself."""


class ResumeCause(StrEnum):
    """Why a paused clock runs again before its bound."""

    CUSTOMER_WROTE = "customer_wrote"
    PERSON = "person"


class CancelReason(StrEnum):
    """Why no answer is owed any more."""

    NETIQUETTE = "netiquette"
    NO_ANSWER_NEEDED = "no_answer_needed"
    SPAM = "spam"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Started:
    """The inquiry was received; deadlines are pinned so that later calendars cannot change them.

    `window_ends_at` is the end of the platform's own reply window, where there is one;
    `hand_over_due_at` holds where the promise has a hand-over and the technical desk gets it.
    """

    at: datetime
    promise: Promise
    due_at: datetime
    kind: TargetKind = TargetKind.FIRST_ANSWER
    window_ends_at: datetime | None = None
    hand_over_due_at: datetime | None = None

    def __post_init__(self) -> None:
        _aware(self.at, self.due_at, self.window_ends_at, self.hand_over_due_at)
        self.promise.target(self.kind)


@dataclass(frozen=True, slots=True)
class Paused:
    """Counting stops, for example until the customer writes, but no longer than `until`."""

    at: datetime
    until: datetime
    reason: str = "waiting for the customer"

    def __post_init__(self) -> None:
        _aware(self.at, self.until)
        _later("a pause ends", self.until, self.at)


@dataclass(frozen=True, slots=True)
class Resumed:
    """Counting goes on; the bound of a pause needs no such fact."""

    at: datetime
    cause: ResumeCause

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Held:
    """A holding reply: until when the answer has to come, as told to the customer or promised."""

    at: datetime
    follow_up_at: datetime

    def __post_init__(self) -> None:
        _aware(self.at, self.follow_up_at)
        _later("the follow-up of a holding reply lies", self.follow_up_at, self.at)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer was given."""

    at: datetime

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """No answer is owed any more."""

    at: datetime
    reason: CancelReason

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Moved:
    """The policy changed: from here on another promise, deadline and calendar hold.

    No `calendar`: the one before. `left` is the counted time still unspent at `at` under the new
    rules; the hand-over's stand beside it, None where the new promise has no hand-over.
    """

    at: datetime
    promise: Promise
    due_at: datetime
    left: timedelta
    reason: str = "policy changed"
    hand_over_due_at: datetime | None = None
    hand_over_left: timedelta = ZERO
    calendar: BusinessCalendar | None = None

    def __post_init__(self) -> None:
        _aware(self.at, self.due_at, self.hand_over_due_at)


@dataclass(frozen=True, slots=True)
class WindowSet:
    """The platform's reply window now ends here, because the customer wrote again."""

    at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        _aware(self.at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Assigned:
    """The inquiry is at this desk from here on."""

    at: datetime
    desk: str

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Somebody at the technical desk took it on."""

    at: datetime

    def __post_init__(self) -> None:
        _aware(self.at)


Fact = (
    Started
    | Paused
    | Resumed
    | Held
    | Answered
    | Cancelled
    | Moved
    | WindowSet
    | Assigned
    | TakenOver
)

# What happens first of two facts at the same instant: an answer counts before a dismissal or a
# pause, a pause after everything it could have stopped.
_RANK: Final[dict[type[Fact], int]] = {
    kind: rank
    for rank, kind in enumerate(
        (
            Started,
            WindowSet,
            Moved,
            Assigned,
            Resumed,
            Held,
            TakenOver,
            Answered,
            Cancelled,
            Paused,
        )
    )
}


def in_order_of_occurrence(fact: Fact) -> tuple[datetime, int, str]:
    """A sort key that depends on the facts alone, never on the order of their arrival."""
    match fact:
        case Started() | Moved():
            detail = f"{fact.due_at.timestamp()} {fact.promise.name}"
        case Paused():
            detail = f"{fact.until.timestamp()} {fact.reason}"
        case Held():
            detail = str(fact.follow_up_at.timestamp())
        case WindowSet():
            detail = str(fact.ends_at.timestamp())
        case Cancelled():
            detail = fact.reason
        case Resumed():
            detail = fact.cause
        case Assigned():
            detail = fact.desk
        case Answered() | TakenOver():
            detail = ""
    return as_utc(fact.at), _RANK[type(fact)], detail


def _aware(*instants: datetime | None) -> None:
    for instant in instants:
        if instant is not None and instant.utcoffset() is None:
            raise zoneless(instant)


def _later(what: str, instant: datetime, than: datetime) -> None:
    # Of one zone the faces would be compared, and an hour of autumn comes twice.
    if as_utc(instant) <= as_utc(than):
        raise FactError(f"{what} at {instant.isoformat()}, which is not after {than.isoformat()}")

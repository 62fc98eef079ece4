"""What can happen to a clock. Events are only ever added, and say when they happened.

`at` is when it happened, not when it arrived: events may arrive in any order. Breach, met late and
warnings are no events: they follow from these and the deadline. What was taken back stays an event,
and so does the taking back: which of them hold is for `standing` to say.

An event carries plain values, as they are stored: a promise is its name, and the policy version in
which it stands is that version's key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.sla.businesstime.instants import TICK, as_utc, zoneless
from services.sla.promises.promise import TargetKind


class ClockEventError(ValueError):
    """An event that contradicts itself."""


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
    policy_version: str
    promise: str
    due_at: datetime
    target: TargetKind = TargetKind.FIRST_ANSWER
    window_ends_at: datetime | None = None
    hand_over_due_at: datetime | None = None

    def __post_init__(self) -> None:
        _aware(self.at, self.due_at, self.window_ends_at, self.hand_over_due_at)


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
    """Counting goes on; the bound of a pause needs no such event.

    `message_id` is the customer's message that did it.
    """

    at: datetime
    cause: ResumeCause
    message_id: UUID | None = None

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Held:
    """A holding reply: until when the answer has to come, as the customer was told.

    Without `follow_up_at` the promise says until when. `message_id` names the reply; of all events
    about one reply the one with the highest `revision` counts.
    """

    at: datetime
    follow_up_at: datetime | None = None
    message_id: UUID | None = None
    revision: int = 0

    def __post_init__(self) -> None:
        _aware(self.at, self.follow_up_at)
        if self.follow_up_at is not None:
            _later("the follow-up of a holding reply lies", self.follow_up_at, self.at)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer was given: by the reply `message_id`, or by a desk that completed its ToDo.

    `revision` as in Held. Neither a message nor `by_hand`: recorded before answers were told apart.
    """

    at: datetime
    message_id: UUID | None = None
    revision: int = 0
    by_hand: bool = False

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The reply counts neither as an answer nor as a holding reply. `revision` as in Held."""

    at: datetime
    message_id: UUID
    revision: int

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """No answer is owed any more.

    `merged_into` is the inquiry of which this one turned out to be a part: such an end stays.
    """

    at: datetime
    reason: CancelReason
    merged_into: UUID | None = None

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Reopened:
    """What a desk had decided until now was taken back: as if it had never been.

    `time_left` is set after an appeal: the clock stood still from that decision on, and goes on
    with what was left.
    """

    at: datetime
    time_left: bool | None = None

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True, slots=True)
class Moved:
    """From here on another promise or policy version holds: the policy or the desk changed.

    `left_us` is the counted time still unspent at `at` under the new rules, in microseconds; the
    hand-over's stand beside it, None where the new promise has no hand-over.
    """

    at: datetime
    policy_version: str
    promise: str
    due_at: datetime
    left_us: int
    reason: str = "policy changed"
    hand_over_due_at: datetime | None = None
    hand_over_left_us: int = 0

    def __post_init__(self) -> None:
        _aware(self.at, self.due_at, self.hand_over_due_at)

    @property
    def left(self) -> timedelta:
        return self.left_us * TICK

    @property
    def hand_over_left(self) -> timedelta:
        return self.hand_over_left_us * TICK


@dataclass(frozen=True, slots=True)
class WindowSet:
    """The platform's reply window now ends here, because the customer wrote again.

    `message_id` is that message.
    """

    at: datetime
    ends_at: datetime
    message_id: UUID | None = None

    def __post_init__(self) -> None:
        _aware(self.at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Left:
    """The customer's message, received at `at`, is another inquiry's and did nothing here."""

    at: datetime
    message_id: UUID

    def __post_init__(self) -> None:
        _aware(self.at)


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


ClockEvent = (
    Started
    | Paused
    | Resumed
    | Held
    | Answered
    | Withdrawn
    | Cancelled
    | Reopened
    | Moved
    | WindowSet
    | Left
    | Assigned
    | TakenOver
)

# What happens first of two events at the same instant: an answer counts before a dismissal or a
# pause, a pause after everything it could have stopped.
_RANK: Final[dict[type[ClockEvent], int]] = {
    kind: rank
    for rank, kind in enumerate(
        (
            Started,
            Left,
            WindowSet,
            Moved,
            Assigned,
            Resumed,
            Held,
            TakenOver,
            Answered,
            Withdrawn,
            Cancelled,
            Reopened,
            Paused,
        )
    )
}


def in_order_of_occurrence(event: ClockEvent) -> tuple[datetime, int, str]:
    """A sort key that depends on the events alone, never on the order of their arrival."""
    return as_utc(event.at), _RANK[type(event)], _detail(event)


def _detail(event: ClockEvent) -> str:  # noqa: PLR0911 - one for each kind
    match event:
        case Started() | Moved():
            return f"{event.due_at.timestamp()} {event.promise}"
        case Paused():
            return f"{event.until.timestamp()} {event.reason}"
        case Held(follow_up_at=until):
            return f"{until.timestamp() if until else ''} {event.message_id} {event.revision}"
        case Answered() | Withdrawn():
            return f"{event.message_id} {event.revision}"
        case WindowSet():
            return f"{event.ends_at.timestamp()} {event.message_id}"
        case Cancelled():
            return f"{event.reason} {event.merged_into}"
        case Resumed():
            return f"{event.cause} {event.message_id}"
        case Assigned():
            return event.desk
        case _:
            return ""


def _aware(*instants: datetime | None) -> None:
    for instant in instants:
        if instant is not None and instant.utcoffset() is None:
            raise zoneless(instant)


def _later(what: str, instant: datetime, than: datetime) -> None:
    # Of one zone the faces would be compared, and an hour of autumn comes twice.
    if as_utc(instant) <= as_utc(than):
        raise ClockEventError(
            f"{what} at {instant.isoformat()}, which is not after {than.isoformat()}"
        )

"""The life of one clock: evolved from its events, at any moment past or present.

- An answer at the deadline is in time; a breach happened when the deadline passed while the clock
  ran. Nothing later unstates it: neither a pause nor a new policy.
- A pause stops counting and ends by an event or at its bound, whichever is first. What was left
  then runs on. A pause after the breach changes nothing.
- A holding reply meets (or meets late) the first target and opens the next, due at the date the
  customer was told. That date is a promise given: a policy change does not move it.
- Of the ends that stand the earliest decides; what happened after it is ignored. An event dated
  before the start (clocks of platforms differ) counts as happening at the start.
- What was taken back is as if it had never been, see `standing`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.sla.businesstime.instants import TICK, ZERO, as_utc
from services.sla.clocks.events import (
    Answered,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Moved,
    Started,
    WindowSet,
    in_order_of_occurrence,
)
from services.sla.clocks.hand_over import HandOver
from services.sla.clocks.standing import merged_into, standing
from services.sla.clocks.target import Move, Phase, Target, TargetState
from services.sla.promises.promise import TargetKind, Terms, TermsOf, due, hand_over_due

_OPEN = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.BREACHED})
_ENDED = frozenset({Phase.MET, Phase.MET_LATE, Phase.CANCELLED})


@dataclass(frozen=True, slots=True)
class ClockState:
    """The clock at `as_of`; `targets` holds the first answer and each follow-up in order.

    `hand_over` stands beside them where the promise has one: NOT_STARTED until it is owed.
    `merged_into` is the inquiry of which this one turned out to be a part.
    """

    as_of: datetime
    targets: tuple[Target, ...] = ()
    hand_over: Target | None = None
    cancelled: CancelReason | None = None
    window_ends_at: datetime | None = None
    merged_into: UUID | None = None

    @property
    def current(self) -> Target | None:
        """The target that is awaited, or was awaited last; None before the start."""
        return self.targets[-1] if self.targets else None

    @property
    def shown(self) -> tuple[Target, ...]:
        """The targets, and the hand-over as soon as somebody owes or owed it."""
        hand_over = self.owed_hand_over
        return self.targets if hand_over is None else (*self.targets, hand_over)

    @property
    def owed_hand_over(self) -> Target | None:
        """The hand-over, when somebody owes it or owed it once."""
        hand_over = self.hand_over
        if hand_over is None or (
            hand_over.phase is Phase.NOT_STARTED and hand_over.breached_at is None
        ):
            return None
        return hand_over

    def target(self, number: int) -> Target:
        """The shown target of that number. Raises StopIteration when there is none."""
        return next(each for each in self.shown if each.number == number)

    @property
    def phase(self) -> Phase:
        return self.targets[-1].phase if self.targets else Phase.NOT_STARTED

    @property
    def is_open(self) -> bool:
        """True while an answer is still owed."""
        return self.phase in _OPEN

    @property
    def due_at(self) -> datetime | None:
        """The deadline; during a pause, where it will be if the pause lasts to its bound."""
        return self.targets[-1].due_at if self.targets else None

    @property
    def remaining(self) -> timedelta:
        """Counted time left, in the promise's own counting; zero unless running or paused."""
        return self.targets[-1].remaining if self.targets else ZERO

    @property
    def breached_at(self) -> datetime | None:
        """When the first breach of any target happened."""
        return next((each.breached_at for each in self.targets if each.breached_at), None)

    @property
    def answered_at(self) -> datetime | None:
        """When the answer was given; a holding reply is not one."""
        target = self.current
        return target.ended_at if target and target.phase in {Phase.MET, Phase.MET_LATE} else None


def start(
    terms: Terms,
    received_at: datetime,
    *,
    target: TargetKind = TargetKind.FIRST_ANSWER,
    window_ends_at: datetime | None = None,
) -> Started:
    """The first event of a clock, with its deadline pinned."""
    promise, calendar = terms.promise, terms.calendar
    return Started(
        at=as_utc(received_at),
        policy_version=terms.policy_version,
        promise=promise.name,
        due_at=due(promise, calendar, received_at, kind=target),
        target=target,
        window_ends_at=window_ends_at,
        hand_over_due_at=hand_over_due(promise, calendar, received_at),
    )


def evolve(events: Iterable[ClockEvent], terms_of: TermsOf, as_of: datetime) -> ClockState:
    """The clock at `as_of`, from the events that had happened by then, in whatever order given.

    CalendarError for an `as_of` without a zone; raises as `terms_of` does.
    """
    now = as_utc(as_of)
    known = standing(event for event in events if as_utc(event.at) <= now)
    ordered = sorted(known, key=in_order_of_occurrence)
    begun = next((event for event in ordered if isinstance(event, Started)), None)
    if begun is None:
        return ClockState(as_of=now)
    terms = terms_of(begun.policy_version, begun.promise)
    targets = [TargetState.begin(begun, terms)]
    hand_over = HandOver.begin(begun, terms)
    cancelled, window = None, begun.window_ends_at and as_utc(begun.window_ends_at)
    for at, event in _since(begun, ordered):
        targets[-1].pass_to(at)
        hand_over.pass_to(at)
        hand_over.take(at, event)
        match event:
            case Moved():
                terms = terms_of(event.policy_version, event.promise)
                hand_over.move(at, event, terms, targets[-1])
                targets[-1].move(at, Move(terms, as_utc(event.due_at), event.left))
            case Held():
                targets.append(targets[-1].hold(at, event))
            case WindowSet():
                window = as_utc(event.ends_at)
            case Answered():
                targets[-1].answer(at)
                break
            case Cancelled():
                targets[-1].cancel(at)
                cancelled = event.reason
                break
            case _:
                targets[-1].take(at, event)
    targets[-1].pass_to(now)
    hand_over.pass_to(now)
    stood = tuple(each.at(now) for each in targets)
    return ClockState(now, stood, hand_over.at(now), cancelled, window, merged_into(ordered))


def _since(begun: Started, ordered: list[ClockEvent]) -> list[tuple[datetime, ClockEvent]]:
    """Every other event with the instant at which it takes effect."""
    effective = [
        (max(as_utc(event.at), as_utc(begun.at)), event) for event in ordered if event is not begun
    ]
    return sorted(effective, key=lambda pair: (pair[0], *in_order_of_occurrence(pair[1])))


def recounted(events: Iterable[ClockEvent], terms: Terms) -> tuple[ClockEvent, ...]:
    """The same history as if these terms had held from the start."""
    return tuple(
        start(terms, event.at, target=event.target, window_ends_at=event.window_ends_at)
        if isinstance(event, Started)
        else event
        for event in events
        if not isinstance(event, Moved)
    )


def recount(events: Iterable[ClockEvent], terms: Terms, as_of: datetime) -> ClockState:
    """The clock at `as_of` as if these terms had held from the start."""
    return evolve(recounted(events, terms), lambda _key, _name: terms, as_of)


def move(
    events: Iterable[ClockEvent],
    terms: Terms,
    *,
    terms_of: TermsOf,
    at: datetime,
    reason: str = "policy changed",
) -> Moved | None:
    """The event that puts an open clock under new terms, or None.

    A calendar that leaves the deadline where it is holds from the move on all the same: it counts
    when a pause ends.

    None when the clock is not running or paused at `at`, when it awaits a follow-up (that date was
    told to the customer), or when nothing would change. A new deadline that has passed already is
    a breach at the moment of the move, not before. A move comes after those before it, also when
    its cause is dated earlier: what is decided last holds.
    """
    history = tuple(events)
    moves = [as_utc(event.at) for event in history if isinstance(event, Moved)]
    at = max([as_utc(at), *(earlier + TICK for earlier in moves)])
    before = evolve(history, terms_of, at)
    target = before.current
    if target is None or before.phase not in {Phase.RUNNING, Phase.PAUSED}:
        return None
    if target.kind is TargetKind.FOLLOW_UP:
        return None
    again = recount(history, terms, at)
    after = again.targets[0]
    same = (target.due_at, target.promise, target.calendar.rules)
    if same == (after.due_at, terms.promise, terms.calendar.rules) and _alike(
        before.hand_over, again.hand_over
    ):
        return None
    return Moved(
        at=at,
        policy_version=terms.policy_version,
        promise=terms.promise.name,
        due_at=after.due_at,
        left_us=_unspent_us(after, at),
        reason=reason,
        hand_over_due_at=None if again.hand_over is None else again.hand_over.due_at,
        hand_over_left_us=_unspent_us(again.hand_over, at),
    )


def _alike(before: Target | None, after: Target | None) -> bool:
    """Whether the hand-over stays where it is, or is over, so that nothing can move it."""
    if before is None or after is None:
        return before is after
    return before.due_at == after.due_at or before.phase in _ENDED or before.breached_at is not None


def _unspent_us(target: Target | None, at: datetime) -> int:
    return 0 if target is None else max(ZERO, target.unspent(at)) // TICK

"""The hand-over to the technical desk: a target of its own, beside the answer.

- Its time counts from the receipt, as the promise counts, and stands still with the clock.
- It is owed while the inquiry is at the technical desk, and met when somebody there takes it on. A
  deadline that had passed before the desk got the inquiry is breached at that moment, not before.
- An answer ends it, too: there is nothing left to hand over. Holding replies do not.
- When the inquiry goes to another desk it is owed no more; when it comes back, it is owed again,
  due when it was due. A breach stays one, and is one however often the inquiry comes and goes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.instants import ZERO, as_utc
from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    Fact,
    Held,
    Moved,
    Started,
    TakenOver,
)
from services.sla.clocks.target import Phase, Stretch, Target, Track
from services.sla.promises.promise import TargetKind

TECHNICAL_DESK: Final = "technical"
NUMBER: Final = 0
"""The answer's targets count from 1."""


@dataclass(slots=True)
class HandOver:
    """The fold's own working state of the hand-over; call `pass_to` before each event."""

    received_at: datetime
    calendar: BusinessCalendar
    track: Track | None = None
    at_desk: bool = False
    taken_over: bool = False
    left_at: datetime | None = None

    @classmethod
    def begin(cls, fact: Started, calendar: BusinessCalendar) -> Self:
        begun = cls(as_utc(fact.at), calendar)
        target = fact.promise.hand_over
        if fact.hand_over_due_at is not None and target is not None:
            due_at = as_utc(fact.hand_over_due_at)
            begun.track = begun._track(fact, Stretch(begun.received_at, target, due_at))
        return begun

    def pass_to(self, at: datetime) -> None:
        if self.track is not None:
            self.track.pass_to(at)

    def take(self, at: datetime, fact: Fact, answer: Track) -> None:
        """`answer` is the target of the answer, as it stands after the fact."""
        match fact:
            case Assigned(desk=desk):
                self._assign(as_utc(at), desk)
            case TakenOver():
                self.taken_over = True
                self._end(at)
            case Answered():
                self._end(at)
            case Cancelled() if self._awaited and self.track is not None:
                self.track.cancel(at)
            case Moved():
                self._move(as_utc(at), fact, answer)
            case Held():
                self._run_again(at)
            case _ if self.track is not None and self.track.ending is None:
                self.track.take(at, fact)

    def at(self, now: datetime) -> Target | None:
        """The target as it stands at `now`; NOT_STARTED as long as nobody ever owed it."""
        if self.track is None:
            return None
        target = self.track.at(now)
        if self.track.ending is not None or self.track.owed_since is not None:
            return target
        phase = Phase.NOT_STARTED if self.left_at is None else Phase.CANCELLED
        return replace(target, phase=phase, ended_at=self.left_at, remaining=ZERO)

    def _run_again(self, at: datetime) -> None:
        """A holding reply ended the pause of the answer, so there is none to share any more."""
        if self.track is not None and self.track.paused and self.track.ending is None:
            self.track.run_again(as_utc(at))

    @property
    def _awaited(self) -> bool:
        track = self.track
        return track is not None and track.owed_since is not None and track.ending is None

    def _assign(self, at: datetime, desk: str) -> None:
        self.at_desk = desk == TECHNICAL_DESK
        if self.track is None or self.track.ending is not None:
            return
        if not self.at_desk:
            self._leave(at)
        elif self.track.owed_since is None and not self.taken_over:
            self.track.owed_since, self.left_at = at, None

    def _leave(self, at: datetime) -> None:
        if self.track is not None and self.track.owed_since is not None:
            self.track.owed_since, self.left_at = None, at

    def _end(self, at: datetime) -> None:
        if self._awaited and self.track is not None:
            self.track.answer(at)

    def _move(self, at: datetime, fact: Moved, answer: Track) -> None:
        self.calendar = fact.calendar or self.calendar
        if fact.hand_over_due_at is None:
            self._drop(at)
            return
        mine = replace(fact, due_at=fact.hand_over_due_at, left=fact.hand_over_left)
        if self.track is None or self.track.ending is Phase.CANCELLED:
            self._begin_late(at, mine, answer)
        elif self.track.ending is None:
            self.track.take(at, mine)

    def _drop(self, at: datetime) -> None:
        """The promise has no hand-over any more."""
        if self.track is None or self.track.ending is not None:
            return
        if self._awaited:
            self.track.cancel(at)
        elif self.left_at is None and self.track.breached_at is None:
            self.track = None
        elif self.left_at is None:
            self.track.cancel(at)
        else:
            self.track.cancel(self.left_at)

    def _begin_late(self, at: datetime, mine: Moved, answer: Track) -> None:
        """The promise before had no hand-over, this one has. `mine` is the hand-over's move."""
        breached_at = None if self.track is None else self.track.breached_at
        begin = answer.pauses[-1].start if answer.paused else at
        stretch = Stretch(begin, mine.left, as_utc(mine.due_at))
        self.track = self._track(mine, stretch)
        self.track.moved, self.track.breached_at = True, breached_at
        if answer.paused and stretch.due_at >= answer.pauses[-1].start:
            self.track.paused, self.track.pauses = True, [answer.pauses[-1]]
        if self.at_desk and not self.taken_over:
            self.track.owed_since, self.left_at = at, None
        elif breached_at is not None:
            self.left_at = at  # a breach stays one, though nobody owes it now

    def _track(self, fact: Started | Moved, stretch: Stretch) -> Track:
        return Track(
            number=NUMBER,
            kind=TargetKind.HAND_OVER,
            promise=fact.promise,
            calendar=self.calendar,
            started_at=self.received_at,
            due_at=stretch.due_at,
            stretches=[stretch],
            allowance=max(ZERO, self.calendar.elapsed(self.received_at, stretch.due_at)),
            owed_since=None,
        )

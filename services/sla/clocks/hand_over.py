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

from services.sla.businesstime.instants import ZERO, as_utc
from services.sla.clocks.events import (
    Answered,
    Assigned,
    Cancelled,
    ClockEvent,
    Held,
    Moved,
    Started,
    TakenOver,
)
from services.sla.clocks.target import Move, Phase, RunningPeriod, Target, TargetState
from services.sla.promises.promise import TargetKind, Terms

TECHNICAL_DESK: Final = "technical"
NUMBER: Final = 0
"""The answer's targets count from 1."""


@dataclass(slots=True)
class HandOver:
    """The working state of the hand-over; call `pass_to` before each event."""

    received_at: datetime
    target: TargetState | None = None
    at_desk: bool = False
    taken_over: bool = False
    left_at: datetime | None = None

    @classmethod
    def begin(cls, event: Started, terms: Terms) -> Self:
        begun = cls(as_utc(event.at))
        target = terms.promise.hand_over
        if event.hand_over_due_at is not None and target is not None:
            due_at = as_utc(event.hand_over_due_at)
            begun.target = begun._begin(terms, RunningPeriod(begun.received_at, target, due_at))
        return begun

    def pass_to(self, at: datetime) -> None:
        if self.target is not None:
            self.target.pass_to(at)

    def take(self, at: datetime, event: ClockEvent) -> None:
        """Any event but a move."""
        match event:
            case Assigned(desk=desk):
                self._assign(as_utc(at), desk)
            case TakenOver():
                self.taken_over = True
                self._end(at)
            case Answered():
                self._end(at)
            case Cancelled() if self._awaited and self.target is not None:
                self.target.cancel(at)
            case Held():
                self._run_again(at)
            case _ if self.target is not None and self.target.ending is None:
                self.target.take(at, event)

    def move(self, at: datetime, event: Moved, terms: Terms, answer: TargetState) -> None:
        """`answer` is the target of the answer, as it stood before the move."""
        if event.hand_over_due_at is None:
            self._drop(at)
            return
        move = Move(terms, as_utc(event.hand_over_due_at), event.hand_over_left)
        if self.target is None or self.target.ending is Phase.CANCELLED:
            self._begin_late(at, move, answer)
        elif self.target.ending is None:
            self.target.move(at, move)

    def at(self, now: datetime) -> Target | None:
        """The target as it stands at `now`; NOT_STARTED as long as nobody ever owed it."""
        if self.target is None:
            return None
        target = self.target.at(now)
        if self.target.ending is not None or self.target.owed_since is not None:
            return target
        phase = Phase.NOT_STARTED if self.left_at is None else Phase.CANCELLED
        return replace(target, phase=phase, ended_at=self.left_at, remaining=ZERO)

    def _run_again(self, at: datetime) -> None:
        """A holding reply ended the pause of the answer, so there is none to share any more."""
        if self.target is not None and self.target.paused and self.target.ending is None:
            self.target.run_again(as_utc(at))

    @property
    def _awaited(self) -> bool:
        target = self.target
        return target is not None and target.owed_since is not None and target.ending is None

    def _assign(self, at: datetime, desk: str) -> None:
        self.at_desk = desk == TECHNICAL_DESK
        if self.target is None or self.target.ending is not None:
            return
        if not self.at_desk:
            self._leave(at)
        elif self.target.owed_since is None and not self.taken_over:
            self.target.owed_since, self.left_at = at, None

    def _leave(self, at: datetime) -> None:
        if self.target is not None and self.target.owed_since is not None:
            self.target.owed_since, self.left_at = None, at

    def _end(self, at: datetime) -> None:
        if self._awaited and self.target is not None:
            self.target.answer(at)

    def _drop(self, at: datetime) -> None:
        """The promise has no hand-over any more."""
        if self.target is None or self.target.ending is not None:
            return
        if self._awaited:
            self.target.cancel(at)
        elif self.left_at is None and self.target.breached_at is None:
            self.target = None
        elif self.left_at is None:
            self.target.cancel(at)
        else:
            self.target.cancel(self.left_at)

    def _begin_late(self, at: datetime, move: Move, answer: TargetState) -> None:
        """The promise before had no hand-over, this one has."""
        breached_at = None if self.target is None else self.target.breached_at
        begin = answer.pauses[-1].start if answer.paused else at
        self.target = target = self._begin(move.terms, RunningPeriod(begin, move.left, move.due_at))
        target.moved, target.breached_at = True, breached_at
        if answer.paused and move.due_at >= answer.pauses[-1].start:
            target.paused, target.pauses = True, [answer.pauses[-1]]
        if self.at_desk and not self.taken_over:
            target.owed_since, self.left_at = at, None
        elif breached_at is not None:
            self.left_at = at  # a breach stays one, though nobody owes it now

    def _begin(self, terms: Terms, period: RunningPeriod) -> TargetState:
        return TargetState(
            number=NUMBER,
            kind=TargetKind.HAND_OVER,
            terms=terms,
            started_at=self.received_at,
            due_at=period.due_at,
            periods=[period],
            allowance=max(ZERO, terms.calendar.elapsed(self.received_at, period.due_at)),
            owed_since=None,
        )

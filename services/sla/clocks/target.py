"""One target of a clock: how its deadline moves while it runs, stands still and ends."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.counting import counted, deadline
from services.sla.businesstime.instants import ZERO, as_utc
from services.sla.clocks.events import ClockEvent, Held, Paused, Resumed, Started
from services.sla.promises.promise import Promise, TargetKind, Terms, follow_up_due


class Phase(StrEnum):
    """Where a clock stands. `breached` still awaits an answer, `met_late` has it."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    PAUSED = "paused"
    BREACHED = "breached"
    MET = "met"
    MET_LATE = "met_late"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RunningPeriod:
    """Uninterrupted running from `start`, when `left` was unspent, towards `due_at`."""

    start: datetime
    left: timedelta
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """Standing still; `end` is the bound until something ends the pause earlier."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """From some moment on the target is counted by these terms, with `left` unspent then."""

    terms: Terms
    due_at: datetime
    left: timedelta


@dataclass(frozen=True, slots=True)
class Target:
    """A target as it stood at one moment. `number` counts from 1; the hand-over's is 0.

    `owed_since` is the moment from which somebody has to keep it, the start for every answer.
    `opened_by` is the holding reply that opened a follow-up, where its name is known.
    """

    number: int
    kind: TargetKind
    terms: Terms
    phase: Phase
    started_at: datetime
    due_at: datetime
    remaining: timedelta
    allowance: timedelta
    breached_at: datetime | None
    ended_at: datetime | None
    periods: tuple[RunningPeriod, ...]
    pauses: tuple[Pause, ...]
    paused: bool
    moved: bool
    owed_since: datetime | None
    opened_by: UUID | None = None

    @property
    def promise(self) -> Promise:
        return self.terms.promise

    @property
    def calendar(self) -> BusinessCalendar:
        return self.terms.calendar

    @property
    def key(self) -> str:
        """Tells it from every target that its clock may ever have.

        Numbers change when a holding reply arrives late or taken back.
        """
        return str(self.number) if self.opened_by is None else self.opened_by.hex

    def unspent(self, at: datetime) -> timedelta:
        """The budget not yet used at `at`, which may be more than `remaining` (working days)."""
        last = self.periods[-1]
        if self.paused:
            at = self.pauses[-1].start
        return last.left - counted(self.promise.counting, self.calendar, start=last.start, end=at)


@dataclass(slots=True)
class TargetState:
    """The working state of one target; call `pass_to` before each event.

    While nobody owes it (`owed_since` is None) its time runs, but it cannot be breached.
    `announced` is the date the customer was told to expect a follow-up by: a pause may make it
    later, never earlier.
    """

    number: int
    kind: TargetKind
    terms: Terms
    started_at: datetime
    due_at: datetime
    periods: list[RunningPeriod]
    allowance: timedelta
    owed_since: datetime | None
    opened_by: UUID | None = None
    announced: datetime | None = None
    pauses: list[Pause] = field(default_factory=list)
    paused: bool = False
    moved: bool = False
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Phase | None = None

    @classmethod
    def begin(cls, event: Started, terms: Terms) -> Self:
        at, due_at = as_utc(event.at), as_utc(event.due_at)
        return cls(
            number=1,
            kind=event.target,
            terms=terms,
            started_at=at,
            due_at=due_at,
            periods=[RunningPeriod(at, terms.promise.target(event.target), due_at)],
            allowance=terms.calendar.elapsed(at, due_at),
            owed_since=at,
        )

    def hold(self, at: datetime, event: Held) -> "TargetState":
        """A holding reply: it ends this target and opens the next."""
        self.answer(at)
        begin = as_utc(at)
        until = event.follow_up_at or follow_up_due(self.terms.promise, self.terms.calendar, begin)
        due_at = max(as_utc(until), begin)
        return TargetState(
            number=self.number + 1,
            kind=TargetKind.FOLLOW_UP,
            terms=self.terms,
            started_at=begin,
            due_at=due_at,
            periods=[RunningPeriod(begin, self._count(begin, due_at), due_at)],
            allowance=self.terms.calendar.elapsed(begin, due_at),
            owed_since=begin,
            opened_by=event.message_id,
            announced=due_at,
        )

    def pass_to(self, at: datetime) -> None:
        """Let time pass until `at`: a pause may reach its bound, the deadline may pass."""
        if self.ending is not None:
            return
        if self.paused and at >= self.pauses[-1].end:
            self.run_again(self.pauses[-1].end)
        if self.owed_since is None or self.paused or self.breached_at is not None:
            return
        if at > self.due_at:
            # A move may have put the deadline into the past: the breach is then the move's. So is
            # one that had passed before anybody owed it.
            self.breached_at = max(self.due_at, self.periods[-1].start, self.owed_since)

    def take(self, at: datetime, event: ClockEvent) -> None:
        """A pause or its end; any other event changes nothing here."""
        match event:
            case Paused() if self.breached_at is None and at <= self.due_at and event.until > at:
                self._pause(as_utc(at), as_utc(event.until), event.reason)
            case Resumed() if self.paused:
                self.run_again(as_utc(at))
            case _:
                pass

    def move(self, at: datetime, move: Move) -> None:
        """A breach stays one, and the date that a follow-up was announced for holds."""
        if self.breached_at is not None or self.kind is TargetKind.FOLLOW_UP:
            return
        self.terms, self.due_at, self.moved = move.terms, move.due_at, True
        if self.paused and self.due_at < self.pauses[-1].start:
            # By the new rules it had passed when the pause began: there is nothing to stand still.
            last = self.pauses.pop()
            self.pauses.append(Pause(last.start, at, last.reason))
            self.paused = False
        self.allowance = self._open_time()
        begin = self.pauses[-1].start if self.paused else at
        self.periods.append(RunningPeriod(begin, move.left, self.due_at))

    def answer(self, at: datetime) -> None:
        self._end(at, Phase.MET if self.breached_at is None else Phase.MET_LATE)

    def cancel(self, at: datetime) -> None:
        self._end(at, Phase.CANCELLED)

    def at(self, now: datetime) -> Target:
        """The target as it stands at `now`; call `pass_to(now)` first."""
        phase = self._phase()
        return Target(
            number=self.number,
            kind=self.kind,
            terms=self.terms,
            phase=phase,
            started_at=self.started_at,
            due_at=self.due_at,
            remaining=self._remaining(phase, now),
            allowance=self.allowance,
            breached_at=self.breached_at,
            ended_at=self.ended_at,
            periods=tuple(self.periods),
            pauses=tuple(self.pauses),
            paused=self.paused,
            moved=self.moved,
            owed_since=self.owed_since,
            opened_by=self.opened_by,
        )

    def _pause(self, at: datetime, until: datetime, reason: str) -> None:
        start = self.pauses.pop().start if self.paused else at
        self.paused = True
        self.pauses.append(Pause(start, until, reason))
        self.due_at = self._due_after(until, self._left_at(start))
        self.allowance = self._open_time()

    def _open_time(self) -> timedelta:
        """From the start to the deadline, without the pauses."""
        elapsed = self.terms.calendar.elapsed
        paused = sum((elapsed(each.start, each.end) for each in self.pauses), ZERO)
        return max(ZERO, elapsed(self.started_at, self.due_at) - paused)

    def _end(self, at: datetime, ending: Phase) -> None:
        if self.paused and at < self.pauses[-1].start:
            self.pauses.pop()
            self.paused, self.due_at = False, self.periods[-1].due_at
        elif self.paused:
            self.run_again(as_utc(at))
        self.ended_at, self.ending = as_utc(at), ending

    def run_again(self, at: datetime) -> None:
        """End the pause; only to be called while there is one."""
        pause = self.pauses.pop()
        left = self._left_at(pause.start)
        self.paused = False
        self.pauses.append(Pause(pause.start, at, pause.reason))
        self.due_at = self._due_after(at, left)
        self.periods.append(RunningPeriod(at, left, self.due_at))
        self.allowance = self._open_time()

    def _left_at(self, at: datetime) -> timedelta:
        last = self.periods[-1]
        return max(ZERO, last.left - self._count(last.start, at))

    def _due_after(self, at: datetime, left: timedelta) -> datetime:
        due_at = deadline(self.terms.promise.counting, self.terms.calendar, start=at, budget=left)
        return due_at if self.announced is None else max(due_at, self.announced)

    def _count(self, start: datetime, end: datetime) -> timedelta:
        return counted(self.terms.promise.counting, self.terms.calendar, start=start, end=end)

    def _phase(self) -> Phase:
        if self.ending is not None:
            return self.ending
        if self.breached_at is not None:
            return Phase.BREACHED
        return Phase.PAUSED if self.paused else Phase.RUNNING

    def _remaining(self, phase: Phase, now: datetime) -> timedelta:
        if phase is Phase.PAUSED:
            return self._left_at(self.pauses[-1].start)
        return max(ZERO, self._count(now, self.due_at)) if phase is Phase.RUNNING else ZERO

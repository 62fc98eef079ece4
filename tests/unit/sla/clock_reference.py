"""A clock watched minute by minute, and random histories to watch.

It knows the calendar only by asking for each minute whether it is open and for each date whether
it has hours; deadlines are found by walking forward.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from hypothesis import strategies as st

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.counting import Counting
from services.sla.clocks.events import (
    Answered,
    Cancelled,
    CancelReason,
    ClockEvent,
    Held,
    Paused,
    Reopened,
    ResumeCause,
    Resumed,
)
from services.sla.clocks.target import Phase
from services.sla.promises.promise import Promise
from tests.unit.sla.builders import BERLIN, berlin, start

MINUTE = timedelta(minutes=1)
ORIGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = 60 * 1440
WATCHED = 12 * 1440
ODD_WEEK = {
    "mon": ["09:00-12:00", "13:00-18:00"],
    "wed": ["22:00-04:00+1"],
    "fri": ["00:00-24:00"],
    "sun": ["01:00-03:30"],
}


def calendar_called(name: str) -> BusinessCalendar:
    return berlin(ODD_WEEK if name == "odd" else None, years=(2025, 2027))


@cache
def minutes(name: str, counting: Counting) -> list[bool]:
    """For each minute since the origin: does it count?"""
    calendar = calendar_called(name)
    moments = [ORIGIN + index * MINUTE for index in range(MINUTES)]
    match counting:
        case Counting.WALL_CLOCK:
            return [True] * MINUTES
        case Counting.OPENING_HOURS:
            return [calendar.is_open(moment) for moment in moments]
        case Counting.WORKING_DAYS:
            dates = [moment.astimezone(BERLIN).date() for moment in moments]
            working = {day: bool(calendar.day(day).hours) for day in set(dates)}
            return [working[day] for day in dates]


@dataclass
class Watched:
    """One target as the watcher sees it; all times are minutes since the origin."""

    due: int
    left: int
    breached: int | None = None
    ending: Phase | None = None
    told: int = 0


@dataclass
class Watcher:
    name: str
    counting: Counting
    targets: list[Watched] = field(default_factory=list)
    until: int | None = None
    meanwhile: list[tuple[int, ClockEvent]] = field(default_factory=list)
    """Replies while the inquiry was dismissed."""

    def deadline(self, begin: int, left: int) -> int:
        counts, end = minutes(self.name, self.counting), begin
        while left:
            left -= counts[end]
            end += 1
        if self.counting is not Counting.WORKING_DAYS:
            return end
        opened = minutes(self.name, Counting.OPENING_HOURS)
        for moment in range(end, begin, -1):
            if opened[moment] or opened[moment - 1]:
                return moment
        return next(moment for moment in range(end, MINUTES) if opened[moment])

    def tick(self, moment: int) -> None:
        """What the last minute did, seen at its end."""
        target = self.targets[-1]
        if target.ending is not None:
            return
        if self.until is None:
            target.left = max(0, target.left - minutes(self.name, self.counting)[moment - 1])
        elif moment >= self.until:
            self.resume(moment)
        if self.until is None and target.breached is None and moment > target.due:
            target.breached = target.due

    def resume(self, moment: int) -> None:
        if self.until is not None:
            self.until = None
            target = self.targets[-1]
            target.due = max(self.deadline(moment, target.left), target.told)

    def take(self, moment: int, event: ClockEvent) -> None:
        target = self.targets[-1]
        if isinstance(event, Reopened):
            self.appeal(moment)
        if target.ending is Phase.CANCELLED:
            self.meanwhile.append((moment, event))
        if target.ending is not None:
            return
        match event:
            case Paused(until=until) if target.breached is None:
                self.until = index_of(until)
            case Resumed():
                self.resume(moment)
            case Held():
                self.hold(moment, event)
            case Answered():
                self.end(Phase.MET)
            case Cancelled():
                self.end(Phase.CANCELLED)
            case _:
                pass

    def hold(self, moment: int, event: Held) -> None:
        self.end(Phase.MET)
        assert event.follow_up_at is not None
        due = index_of(event.follow_up_at)
        left = sum(minutes(self.name, self.counting)[moment:due])
        self.targets.append(Watched(due, left, told=due))

    def appeal(self, moment: int) -> None:
        """A dismissal is taken back: what was left then is left now."""
        if self.targets[-1].ending is not Phase.CANCELLED:
            return
        self.targets[-1].ending = None
        replies, self.meanwhile = self.meanwhile, []
        for at, event in replies:
            if isinstance(event, Held):
                self.hold(at, event)
            elif isinstance(event, Answered):
                self.end(Phase.MET)
                return
        target = self.targets[-1]
        if target.breached is None:
            target.due = max(self.deadline(moment, target.left), target.told)

    def end(self, phase: Phase) -> None:
        self.until, target = None, self.targets[-1]
        late = phase is Phase.MET and target.breached is not None
        target.ending = Phase.MET_LATE if late else phase

    def phase(self) -> Phase:
        target = self.targets[-1]
        if target.ending is not None:
            return target.ending
        if target.breached is not None:
            return Phase.BREACHED
        return Phase.RUNNING if self.until is None else Phase.PAUSED


@dataclass(frozen=True)
class History:
    """A random clock: what happened, and when it is looked at."""

    name: str
    received: int
    target: int
    counting: Counting
    events: tuple[ClockEvent, ...]

    @property
    def calendar(self) -> BusinessCalendar:
        return calendar_called(self.name)

    def all_facts(self) -> list[ClockEvent]:
        kept = Promise("p", self.target * MINUTE, self.counting)
        return [*self.events, start(kept, self.calendar, instant(self.received))]

    def watch(self, offsets: set[int]) -> dict[int, tuple[Phase, list[Watched]]]:
        """The clock at these minutes after the receipt, having lived through every one."""
        watcher = Watcher(self.name, self.counting)
        due = watcher.deadline(self.received, self.target)
        watcher.targets.append(Watched(due, self.target))
        by_minute = {index_of(event.at): event for event in self.events}
        seen = {}
        for moment in range(self.received, self.received + max(offsets) + 1):
            if moment > self.received:
                watcher.tick(moment)
            if moment in by_minute:
                watcher.take(moment, by_minute[moment])
            if moment - self.received in offsets:
                copies = [Watched(t.due, t.left, t.breached, t.ending) for t in watcher.targets]
                seen[moment - self.received] = (watcher.phase(), copies)
        return seen


def instant(index: int) -> datetime:
    return ORIGIN + index * MINUTE


def index_of(moment: datetime) -> int:
    return (moment - ORIGIN) // MINUTE


@st.composite
def histories(draw: st.DrawFn, *, appeals: bool = False) -> History:
    """With `appeals` half of them dismiss the inquiry, and let the customer object."""
    received = draw(st.integers(10 * 1440, 40 * 1440))
    after = st.integers(received + 1, received + 8 * 1440)
    times = draw(st.lists(after, max_size=7, unique=True))
    kinds = "pprrrhac" + "ccoooo" * (appeals and draw(st.booleans()))
    return History(
        name=draw(st.sampled_from(["usual", "odd"])),
        received=received,
        target=draw(st.integers(1, 3 * 1440) | st.sampled_from([480, 1440])),
        counting=draw(st.sampled_from(list(Counting))),
        events=tuple(draw(_fact(moment, kinds)) for moment in times),
    )


@st.composite
def _fact(draw: st.DrawFn, moment: int, kinds: str) -> ClockEvent:
    at, later = instant(moment), instant(moment + draw(st.integers(1, 3 * 1440)))
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "p":
            return Paused(at, until=later)
        case "r":
            return Resumed(at, draw(st.sampled_from(ResumeCause)))
        case "h":
            return Held(at, follow_up_at=later)
        case "a":
            return Answered(at, UUID(int=moment))
        case "o":
            return Reopened(at, time_left=True)
    return Cancelled(at, draw(st.sampled_from(CancelReason)))

"""What every clock of two years must have done: plain arithmetic that knows no code of the service.

Time is whole microseconds since ORIGIN. The calendar is a row of quarter hours, each asked once
whether Berlin's wall clock then shows a time inside opening hours; deadlines are found by walking
from quarter to quarter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
ORIGIN = datetime(2025, 12, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
QUARTER = HOUR // 4
QUARTERS = 96 * 900
LONGEST_PAUSE = 14 * DAY

HOLIDAYS = frozenset(
    date(*day)
    for day in (
        (2025, 12, 25), (2025, 12, 26), (2026, 1, 1), (2026, 3, 8), (2026, 4, 3), (2026, 4, 6),
        (2026, 5, 1), (2026, 5, 14), (2026, 5, 25), (2026, 10, 3), (2026, 12, 25), (2026, 12, 26),
        (2027, 1, 1), (2027, 3, 8), (2027, 3, 26), (2027, 3, 29), (2027, 5, 1), (2027, 5, 6),
        (2027, 5, 17), (2027, 10, 3), (2027, 12, 25), (2027, 12, 26), (2028, 1, 1), (2028, 3, 8),
        (2028, 4, 14), (2028, 4, 17), (2028, 5, 1),
    )
)  # fmt: skip
CLOSED = frozenset(date(2026, 12, day) for day in (28, 29, 30))
HALF_DAYS = frozenset({date(2026, 12, 24), date(2027, 12, 24)})


def index(moment: datetime) -> int:
    return (moment - ORIGIN) // timedelta(microseconds=1)


def instant(moment: int) -> datetime:
    return ORIGIN + timedelta(microseconds=moment)


@cache
def quarters(counting: str) -> bytes:
    """For each quarter of an hour: does it count?"""
    return bytes(_counts(counting, instant(n * QUARTER)) for n in range(QUARTERS))


def _counts(counting: str, moment: datetime) -> bool:
    shown = moment.astimezone(BERLIN)
    day = shown.date()
    working = day in HALF_DAYS or (day.weekday() < 5 and day not in HOLIDAYS and day not in CLOSED)
    match counting:
        case "wall-clock":
            return True
        case "working-days":
            return working
        case _:
            return working and 9 <= shown.hour < (12 if day in HALF_DAYS else 17)


def is_open(moment: int) -> bool:
    return bool(quarters("opening-hours")[moment // QUARTER])


def counted(counting: str, start: int, end: int) -> int:
    counts, spent, moment = quarters(counting), 0, start
    while moment < end:
        step = min(QUARTER - moment % QUARTER, end - moment)
        spent += step * counts[moment // QUARTER]
        moment += step
    return spent


def spent_at(counting: str, start: int, budget: int) -> int:
    """When the budget is spent: inside what counts, or at its end."""
    counts, moment = quarters(counting), start
    while budget:
        step = QUARTER - moment % QUARTER
        if counts[moment // QUARTER]:
            step = min(step, budget)
            budget -= step
        moment += step
    return moment


def begun_at(end: int, budget: int) -> int:
    """From when on there is this much opening time until `end`."""
    counts, moment = quarters("opening-hours"), end
    while budget:
        step = (moment - 1) % QUARTER + 1
        if counts[(moment - 1) // QUARTER]:
            step = min(step, budget)
            budget -= step
        moment -= step
    return moment


def next_open(moment: int) -> int:
    while not is_open(moment):
        moment += QUARTER - moment % QUARTER
    return moment


def deadline(counting: str, start: int, budget: int) -> int:
    end = spent_at(counting, start, budget)
    if counting != "working-days":
        return end
    last = end
    while not is_open(last) and not is_open(last - 1) and last > start:
        last -= (last - 1) % QUARTER + 1
    return last if last > start else next_open(end)


@dataclass(frozen=True)
class Spec:
    """A promise as the policy of the test has it."""

    name: str
    counting: str
    target: int
    hand_over: int | None = None


@dataclass(frozen=True)
class Done:
    """Something that happened: pause, resume, wrote, hold, answer, cancel, assign or claim.

    `until` of an assignment is 1 when it is to the technical desk.
    """

    kind: str
    at: int
    until: int = 0


@dataclass
class RunningPeriod:
    begin: int
    left: int
    due: int
    stop: int | None = None


@dataclass
class Target:
    kind: str
    start: int
    due: int
    periods: list[RunningPeriod]
    told: int = 0
    breached: int | None = None
    ended: int | None = None
    phase: str = "running"


@dataclass
class Watch:
    """One clock, told in order what happens to it."""

    spec: Spec
    received: int
    targets: list[Target] = field(default_factory=list)
    paused: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        due = deadline(self.spec.counting, self.received, self.spec.target)
        self.open("first_answer", self.received, self.spec.target, due)

    def open(self, kind: str, start: int, left: int, due: int) -> None:
        self.targets.append(Target(kind, start, due, [RunningPeriod(start, left, due)]))

    def pass_to(self, moment: int) -> None:
        target = self.targets[-1]
        if target.ended is not None:
            return
        if self.paused and moment >= self.paused[1]:
            self.run_again(self.paused[1])
        if not self.paused and target.breached is None and moment > target.due:
            target.breached, target.phase = target.due, "breached"

    def accepts(self, done: Done) -> bool:
        """Whether a person is allowed to do that now."""
        self.pass_to(done.at)
        if done.kind == "resume":
            return self.paused is not None
        begun = self.paused[0] if self.paused else done.at
        running = self.targets[-1].phase in {"running", "paused"}
        return running and done.until <= begun + LONGEST_PAUSE

    def take(self, done: Done) -> None:
        self.pass_to(done.at)
        target = self.targets[-1]
        if target.ended is not None:
            return
        match done.kind:
            case "pause":
                self.pause(done)
            case "resume" | "wrote" if self.paused:
                self.run_again(done.at)
            case "hold":
                self.end(done.at, "met")
                left = counted(self.spec.counting, done.at, done.until)
                self.open("follow_up", done.at, left, done.until)
                self.targets[-1].told = done.until
            case "answer":
                self.end(done.at, "met")
            case "cancel":
                self.end(done.at, "cancelled")
            case _:
                pass

    def pause(self, done: Done) -> None:
        target = self.targets[-1]
        begun = self.paused[0] if self.paused else done.at
        self.paused, target.phase = (begun, done.until), "paused"
        target.periods[-1].stop = begun
        due = deadline(self.spec.counting, done.until, self._left(begun))
        target.due = max(due, target.told)

    def _left(self, at: int) -> int:
        last = self.targets[-1].periods[-1]
        return max(0, last.left - counted(self.spec.counting, last.begin, at))

    def run_again(self, at: int) -> None:
        if self.paused is None:
            return
        target, left = self.targets[-1], self._left(self.paused[0])
        self.paused, target.phase = None, "running"
        target.due = max(deadline(self.spec.counting, at, left), target.told)
        target.periods.append(RunningPeriod(at, left, target.due))

    def end(self, at: int, phase: str) -> None:
        self.run_again(at)
        target = self.targets[-1]
        target.ended = target.periods[-1].stop = at
        late = phase == "met" and target.breached is not None
        target.phase = "met_late" if late else phase

    @property
    def breached(self) -> int | None:
        return next((each.breached for each in self.targets if each.breached is not None), None)


def watched(spec: Spec, received: int, history: Sequence[Done], until: int) -> Watch:
    """The clock at that moment, from what had happened by then."""
    watch = Watch(spec, received)
    for done in history:
        if done.at <= until:
            watch.take(done)
    watch.pass_to(until)
    return watch


Outages = Sequence[tuple[int, int]]
"""When nobody ran: from the first moment until before the second."""


def warnings(watch: Watch, outages: Outages, until: int) -> Iterator[tuple[str, str, int, int]]:
    """Every warning that was told by `until`: target, level, since when it was due, deadline.

    A warning is told at the first moment from its own on at which somebody runs and the desk is
    open, if the clock still runs then.
    """
    for target in watch.targets:
        for name in ("75%", "1h before end"):
            for number, period in enumerate(target.periods):
                allowance = open_time(target, number)
                left = min(HOUR, allowance) if name != "75%" else allowance - allowance * 3 // 4
                at = warning_at(period, left)
                stop = min(period.due, until + 1, period.stop or until + 1)
                if at is not None and heard_at(at, outages) < stop:
                    yield target.kind, name, at, period.due
                    break


def open_time(target: Target, number: int) -> int:
    """From the start of the target to the deadline of its stretch, without the pauses between."""
    periods = target.periods[: number + 1]
    paused = sum(
        counted("opening-hours", before.stop or after.begin, after.begin)
        for before, after in pairwise(periods)
    )
    return counted("opening-hours", target.start, periods[-1].due) - paused


def warning_at(period: RunningPeriod, left: int) -> int | None:
    if period.due <= period.begin:
        return None
    if left < counted("opening-hours", period.begin, period.due):
        return begun_at(period.due, left)
    return next_open(period.begin)


def heard_at(moment: int, outages: Outages) -> int:
    while True:
        later = next_open(moment)
        for begin, end in outages:
            if begin <= later < end:
                later = end
        if later == moment:
            return moment
        moment = later

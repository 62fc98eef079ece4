"""What the hand-over beside every clock must have done; plain arithmetic, like `year_reference`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.services.sla.year_reference import (
    HOUR,
    Done,
    Outages,
    Spec,
    Watch,
    deadline,
    heard_at,
    open_time,
    warning_at,
)


@dataclass
class HandOverWatch(Watch):
    """The hand-over beside the answer: `owed` holds when the technical desk had the inquiry."""

    owed: list[list[int | None]] = field(default_factory=list)
    taken_over: bool = False

    def __post_init__(self) -> None:
        self.spec = Spec(self.spec.name, self.spec.counting, self.spec.hand_over or 0)
        due = deadline(self.spec.counting, self.received, self.spec.target)
        self.open("hand_over", self.received, self.spec.target, due)

    @property
    def owed_since(self) -> int | None:
        return self.owed[-1][0] if self.owed and self.owed[-1][1] is None else None

    def pass_to(self, moment: int) -> None:
        target, since = self.targets[0], self.owed_since
        if target.ended is not None:
            return
        if self.paused and moment >= self.paused[1]:
            self.run_again(self.paused[1])
        if since is None or self.paused or target.breached is not None:
            return
        if moment > target.due:
            target.breached, target.phase = max(target.due, since), "breached"

    def take(self, done: Done) -> None:
        self.pass_to(done.at)
        if self.targets[0].ended is not None:
            return
        match done.kind:
            case "assign":
                self._assign(done.at, technical=bool(done.until))
            case "claim" if self.owed_since is not None:
                self.end(done.at, "met")
            case "answer" | "cancel" as kind:
                if self.owed_since is None:
                    self.targets[0].ended = done.at  # nobody owes it, and nobody ever will
                else:
                    self.end(done.at, "met" if kind == "answer" else "cancelled")
            case "pause" if self.targets[0].breached is None and done.at <= self.targets[0].due:
                self.pause(done)
            case "resume" | "wrote" | "hold" if self.paused:
                self.run_again(done.at)
            case _:
                pass

    def _assign(self, at: int, *, technical: bool) -> None:
        if technical and self.owed_since is None:
            self.owed.append([at, None])
        elif not technical and self.owed_since is not None:
            self.owed[-1][1] = at

    @property
    def phase(self) -> str | None:
        """None as long as nobody ever owed it."""
        if not self.owed:
            return None
        return "cancelled" if self.owed[-1][1] is not None else self.targets[0].phase


def hand_over_watched(
    spec: Spec, received: int, history: Sequence[Done], until: int
) -> HandOverWatch:
    watch = HandOverWatch(spec, received)
    for done in history:
        if done.at <= until:
            watch.take(done)
    watch.pass_to(until)
    return watch


def _level(name: str, allowance: int) -> int:
    return HOUR if name != "75%" else allowance - allowance * 3 // 4


def hand_over_warnings(
    watch: HandOverWatch, outages: Outages, until: int
) -> Iterator[tuple[str, str, int, int]]:
    """The same, told only while somebody owes it; a level as long as the target itself is none."""
    target = watch.targets[0]
    for name in ("75%", "1h before end"):
        told = [
            (at, period.due)
            for number, period in enumerate(target.periods)
            for begin, end in watch.owed
            if (left := _level(name, allowance := open_time(target, number))) < allowance
            and (at := warning_at(period, left)) is not None
            and heard_at(max(at, begin or 0, period.begin), outages)
            < min(period.due, until + 1, period.stop or until + 1, end or until + 1)
        ]
        for at, due in told[:1]:
            yield target.kind, name, at, due

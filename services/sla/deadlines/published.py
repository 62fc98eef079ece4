"""What was published last of a target, and what has to wait until it is certain.

A row shows at once what its events say. What was published may lag behind: that a target ended late
is published together with its breach, by the timers, because an earlier answer may be on its way.
As long as the two differ, the row keeps what was published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from services.sla.clocks.events import Started
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.notices import NoticeKey, breach_key
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.promises.promise import TargetKind

OPEN: Final = frozenset({Phase.RUNNING.value, Phase.PAUSED.value, Phase.BREACHED.value})


@dataclass(frozen=True, slots=True)
class Published:
    """How a target stands. `state` is a phase; `reason` is why it was cancelled."""

    state: str
    target: str
    due_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_paused(self) -> bool:
        return self.state == Phase.PAUSED.value

    def ended_like(self, other: Published) -> bool:
        """Whether nothing new can be published of its end.

        Of a cancelled hand-over nothing but that is kept: which event ended it, only the moment of
        a claim says.
        """
        hand_over = TargetKind.HAND_OVER.value
        if self.target == hand_over and self.state == other.state == Phase.CANCELLED.value:
            return True
        return self == other


_STORED: Final[TypeAdapter[Published | None]] = TypeAdapter(Published | None)


def answer_before(row: DeadlineRow, begun: Started) -> Published:
    """What had been published when the row was written; of a clock that starts now, its start."""
    if row.due_at is None:
        return Published(Phase.RUNNING.value, begun.target.value, begun.due_at)
    waiting = None if row.published is None else _STORED.validate_json(row.published)
    ended_at = row.answered_at or row.cancelled_at
    shown = Published(row.state, str(row.target), row.due_at, ended_at, row.cancel_reason)
    return waiting or shown


def hand_over_before(row: HandOverRow | None) -> Published | None:
    """The same of a hand-over; None when nothing was published of it."""
    if row is None:
        return None
    if row.published is not None:
        return _STORED.validate_json(row.published)
    return Published(row.state, TargetKind.HAND_OVER.value, row.due_at, row.taken_over_at)


def stored(published: Published | None) -> str:
    """For the column of a row that waits. None: nothing was published of it yet."""
    return _STORED.dump_json(published, exclude_none=True).decode()


def standing(clock: ClockState, target: Target) -> Published:
    """How a target of the clock stands, to be compared with what was published of it."""
    kind, phase = target.kind, target.phase
    reason = None if clock.cancelled is None else clock.cancelled.value
    ended_at = target.ended_at
    if kind is TargetKind.HAND_OVER:
        reason, ended_at = None, taken_over_at(target)
    return Published(phase.value, kind.value, target.due_at, ended_at, reason)


def taken_over_at(target: Target) -> datetime | None:
    return target.ended_at if target.phase in {Phase.MET, Phase.MET_LATE} else None


@dataclass(frozen=True, slots=True)
class SentKeys:
    """The notices that were sent before, and those that go out with what is published now."""

    before: Collection[NoticeKey]
    now: Collection[NoticeKey]

    def lacks_one_of(self, targets: Iterable[Target]) -> bool:
        """Whether how they stand rests on a breach that was not sent yet.

        Of a target that is open the breach itself will tell.
        """
        return any(
            key not in self.before and key not in self.now for key in _breaches_of_ended(targets)
        )

    def now_of(self, targets: Iterable[Target]) -> bool:
        """Whether the breach of one that has ended is sent now: who keeps a copy has to learn
        after it how things stand.
        """
        return any(key in self.now for key in _breaches_of_ended(targets))

    def long_ago(self, before: Published, stands: Published, target: Target) -> bool:
        """Whether the target is late again: its breach was sent, then corrected, and is sent no
        more.
        """
        is_late = stands.state == Phase.BREACHED.value != before.state
        return is_late and breach_key(target) in self.before


def _breaches_of_ended(targets: Iterable[Target]) -> Iterator[NoticeKey]:
    for target in targets:
        if target.breached_at is not None and target.ended_at is not None:
            yield breach_key(target)

"""What was published last of a clock, and what has to wait until it is certain.

A row shows at once what its events say. What was published may lag behind: that a target ended late
is published together with its breach, by the timers, because an earlier answer may be on its way.
As long as the two differ, the row keeps what was published.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from services.sla.clocks.events import Started
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.notices import NoticeKey, breach_key
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.store.deadlines import DeadlineRow

OPEN: Final = frozenset({Phase.RUNNING.value, Phase.PAUSED.value, Phase.BREACHED.value})
_TAKEN: Final = frozenset({Phase.MET, Phase.MET_LATE})


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


@dataclass(frozen=True, slots=True)
class BothPublished:
    """Of the answer's target and of the hand-over; None where nothing was owed or published."""

    answer: Published
    hand_over: Published | None


def published_before(row: DeadlineRow, begun: Started) -> BothPublished:
    """What had been published when the row was written; of a clock that starts now, its start."""
    if row.due_at is None:
        return BothPublished(Published(Phase.RUNNING.value, begun.target.value, begun.due_at), None)
    kept: dict[str, Any] = {} if row.published is None else json.loads(row.published)
    answer = Published(
        row.state,
        str(row.target),
        row.due_at,
        row.answered_at or row.cancelled_at,
        row.cancel_reason,
    )
    hand_over = None
    if row.hand_over_state is not None and row.hand_over_due_at is not None:
        hand_over = Published(
            row.hand_over_state, "hand_over", row.hand_over_due_at, row.taken_over_at
        )
    return BothPublished(
        _published(kept["answer"]) if "answer" in kept else answer,
        _published_if_any(kept["hand_over"]) if "hand_over" in kept else hand_over,
    )


def standing_answer(clock: ClockState, target: Target) -> Published:
    reason = None if clock.cancelled is None else clock.cancelled.value
    kind, phase = target.kind.value, target.phase.value
    return Published(phase, kind, target.due_at, target.ended_at, reason)


def standing_hand_over(clock: ClockState) -> Published | None:
    """None as long as nobody owes it. Which of its rows ends it was, only a claim's moment says."""
    target = clock.owed_hand_over
    if target is None:
        return None
    ended_at = target.ended_at if target.phase in _TAKEN else None
    return Published(target.phase.value, target.kind.value, target.due_at, ended_at)


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


def kept(
    *, answer: Published | None = None, hand_over: tuple[Published | None] | None = None
) -> str | None:
    """The column: what was published of those that wait; None when nothing waits."""
    waits: dict[str, Any] = {}
    if answer is not None:
        waits["answer"] = _plain(answer)
    if hand_over is not None:
        waits["hand_over"] = None if hand_over[0] is None else _plain(hand_over[0])
    return json.dumps(waits) if waits else None


def _plain(published: Published) -> dict[str, str]:
    named = {name: value for name, value in asdict(published).items() if value is not None}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in named.items()
    }


def _published(plain: dict[str, str]) -> Published:
    ended_at = plain.get("ended_at")
    return Published(
        plain["state"],
        plain["target"],
        datetime.fromisoformat(plain["due_at"]),
        None if ended_at is None else datetime.fromisoformat(ended_at),
        plain.get("reason"),
    )


def _published_if_any(plain: dict[str, str] | None) -> Published | None:
    return None if plain is None else _published(plain)

"""From the facts of a clock to its row and to what has to be published: pure.

What a fact changes (moved, met, cancelled) is found by comparing with the row as it was, which is
locked: so it is published once. What time brings (warnings, breaches) has a key that is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain import (
    Agenda,
    BusinessCalendar,
    ClockState,
    Fact,
    Notice,
    NoticeKey,
    NoticeKind,
    Phase,
    Started,
    Target,
    agenda_of,
    state,
)
from services.sla.rules.edition import Edition
from services.sla.store.deadlines import Columns, DeadlineRow
from services.sla.store.told import Told
from services.sla.usecases.fold_hand_over import hand_over_columns, hand_over_events
from services.sla.usecases.published import Change, published_state
from shared.events import facts as told_facts
from shared.events.facts import DeadlineFact

_ENDED = frozenset({Phase.MET, Phase.MET_LATE, Phase.CANCELLED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The row's new columns, the facts to publish in order, and the keys that are now told."""

    columns: Columns
    publish: tuple[DeadlineFact, ...]
    told: tuple[Told, ...]


def fold(
    row: DeadlineRow,
    facts: Sequence[Fact],
    *,
    edition: Edition,
    began: BusinessCalendar,
    now: datetime,
    seen: Collection[NoticeKey],
    change: Change | None = None,
    tell_until: datetime | None = None,
) -> Outcome:
    """The clock at `now`, or at its newest fact when that is later (clocks of hosts differ).

    `edition` is the one that the clock is under from now on, `began` the calendar of the one that
    it started under. Warnings and breaches are published as far as they were due by `tell_until`,
    as the clock stood then: of later moments facts may still be on their way, and an answer in time
    among them. A breach of a target that has ended is certain, and always published.
    """
    clock = state(facts, began, max(now, *(fact.at for fact in facts)))
    target = clock.current
    if target is None:
        raise ValueError(f"the clock of {row.inquiry_id} never started")
    if tell_until is None:
        agenda = agenda_of(clock, seen=seen)
        certain = [each for each in agenda.due if _over(each, clock)]
        again = [each.at for each in agenda.due if each not in certain]
    else:
        told_at = max(tell_until, _begin(facts).at)
        agenda = agenda_of(state(facts, began, told_at), seen=seen)
        certain = [each for each in agenda.due if _still_of_use(each, clock)]
        # What that moment knows nothing of may change the agenda.
        again = [fact.at for fact in facts if fact.at > told_at]
    events = [
        *_started(row, facts),
        *hand_over_events(row, clock, change),
        *(_noticed(row, each, clock) for each in certain),
        *_moved(row, facts, clock, target, change),
        *_ended(row, clock, target),
    ]
    return Outcome(
        columns=_columns(row, clock, target, edition)
        | hand_over_columns(clock)
        | {"next_action_at": min([*again, *_next(agenda)], default=None)},
        publish=tuple(sorted(events, key=lambda event: event.at)),
        told=tuple(Told(row.inquiry_id, each.key, each.at) for each in certain),
    )


def _over(notice: Notice, clock: ClockState) -> bool:
    return not clock.is_open or clock.target(notice.target).ended_at is not None


def _still_of_use(notice: Notice, clock: ClockState) -> bool:
    """A warning is for those who can still prevent something."""
    if notice.key.kind is NoticeKind.BREACH:
        return True
    return clock.is_open and clock.target(notice.target).phase in {Phase.RUNNING, Phase.BREACHED}


def _next(agenda: Agenda) -> list[datetime]:
    return [] if agenda.next_action_at is None else [agenda.next_action_at]


def _columns(row: DeadlineRow, clock: ClockState, target: Target, edition: Edition) -> Columns:
    business, wall = None, None
    if clock.answered_at is not None and row.received_at is not None:
        business, wall = answer_seconds(target.calendar, row.received_at, clock.answered_at)
    return {
        "state": target.phase.value,
        "edition": edition.key,
        "promise": target.promise.name,
        "target": target.kind.value,
        "due_at": target.due_at,
        "window_ends_at": clock.window_ends_at,
        "breached_at": clock.breached_at,
        "answered_at": clock.answered_at,
        "cancelled_at": target.ended_at if target.phase is Phase.CANCELLED else None,
        "cancel_reason": None if clock.cancelled is None else clock.cancelled.value,
        "answer_business_seconds": business,
        "answer_wall_seconds": wall,
    }


def answer_seconds(
    calendar: BusinessCalendar, received_at: datetime, answered_at: datetime
) -> tuple[int, int]:
    """From the receipt to the answer: opening time and plain time; never negative."""
    answered_at = max(received_at, answered_at)
    business = calendar.elapsed(received_at, answered_at)
    wall = answered_at - received_at
    return int(business.total_seconds()), int(wall.total_seconds())


def _started(row: DeadlineRow, facts: Sequence[Fact]) -> list[DeadlineFact]:
    if row.due_at is not None:
        return []
    begun = _begin(facts)
    return [started_event(row.inquiry_id, row.conversation_id, row.channel or "", begun=begun)]


def started_event(
    inquiry_id: UUID, conversation_id: UUID, channel: str, *, begun: Started
) -> DeadlineFact:
    return told_facts.DeadlineStarted(
        inquiry_id=inquiry_id,
        conversation_id=conversation_id,
        state="running",
        target=begun.kind.value,
        due_at=begun.due_at,
        at=begun.at,
        channel=channel,
        promise=begun.promise.name,
    )


def _noticed(row: DeadlineRow, notice: Notice, clock: ClockState) -> DeadlineFact:
    about = clock.target(notice.target)
    common: dict[str, Any] = {
        "inquiry_id": row.inquiry_id,
        "conversation_id": row.conversation_id,
        "target": about.kind.value,
        "due_at": about.due_at,
        "at": notice.at,
    }
    match notice.key.kind:
        case NoticeKind.BREACH:
            return told_facts.DeadlineBreached(state="breached", **common)
        case NoticeKind.WARNING:
            return told_facts.DeadlineWarning(state="running", level=notice.key.level, **common)
        case NoticeKind.WINDOW_CLOSING:
            return told_facts.DeadlineWarning(state="running", level="window_closing", **common)


def _moved(
    row: DeadlineRow,
    facts: Sequence[Fact],
    clock: ClockState,
    target: Target,
    change: Change | None,
) -> list[DeadlineFact]:
    if not clock.is_open:
        return []
    if row.due_at is None:
        begun = _begin(facts)
        before = (False, begun.due_at, begun.kind.value)
    else:
        before = (row.state == Phase.PAUSED.value, row.due_at, str(row.target))
    if before == (target.phase is Phase.PAUSED, target.due_at, target.kind.value):
        return []
    # Without a fact only the bound of a pause can have moved it.
    change = change or Change("resumed", target.pauses[-1].end if target.pauses else clock.as_of)
    return [
        told_facts.DeadlineMoved(
            inquiry_id=row.inquiry_id,
            conversation_id=row.conversation_id,
            state=published_state(target.phase),
            target=target.kind.value,
            due_at=target.due_at,
            at=change.at,
            cause=change.cause,
        )
    ]


def _ended(row: DeadlineRow, clock: ClockState, target: Target) -> list[DeadlineFact]:
    if target.phase not in _ENDED or row.state == target.phase.value:
        return []
    common: dict[str, Any] = {
        "inquiry_id": row.inquiry_id,
        "conversation_id": row.conversation_id,
        "target": target.kind.value,
        "due_at": target.due_at,
        "at": target.ended_at,
    }
    if clock.cancelled is not None:
        return [
            told_facts.DeadlineCancelled(state="cancelled", reason=clock.cancelled.value, **common)
        ]
    return [told_facts.DeadlineMet(state=published_state(target.phase), **common)]


def _begin(facts: Sequence[Fact]) -> Started:
    return next(fact for fact in facts if isinstance(fact, Started))

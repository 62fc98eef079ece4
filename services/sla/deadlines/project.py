"""From the events of a clock to its row and to what has to be published: pure.

What an event changes (moved, met, cancelled) is found by comparing with what was published before,
which the locked row knows: so it is published once. What time brings (warnings, breaches) has a key
that is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.instants import TICK
from services.sla.clocks.events import ClockEvent, Started
from services.sla.clocks.evolve import ClockState, evolve
from services.sla.clocks.notices import DueNotices, Notice, NoticeKey, NoticeKind, due_notices
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.move_cause import Cause, published_state
from services.sla.deadlines.project_hand_over import hand_over_columns, hand_over_events
from services.sla.deadlines.store.deadlines import Columns, DeadlineRow
from services.sla.deadlines.store.sent_notices import SentNotice
from services.sla.deadlines.usecases.published import (
    Published,
    SentKeys,
    kept,
    published_before,
    standing_answer,
)
from services.sla.promises.policy_version import PolicyVersion
from services.sla.promises.promise import TargetKind, TermsOf
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineFact,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The row's new columns, the facts to publish in order, and the notices among them."""

    columns: Columns
    publish: tuple[DeadlineFact, ...]
    sent: tuple[SentNotice, ...]


@dataclass(frozen=True, slots=True)
class _Notices:
    """What is sent now, and when something may be due next."""

    certain: tuple[Notice, ...]
    next_actions: tuple[datetime, ...]


def project(
    row: DeadlineRow,
    events: Sequence[ClockEvent],
    *,
    policy_version: PolicyVersion,
    terms_of: TermsOf,
    now: datetime,
    sent: Collection[NoticeKey],
    cause: Cause | None = None,
    tell_until: datetime | None = None,
) -> Outcome:
    """The clock at `now`, or at its newest event when that is later (clocks of hosts differ).

    `policy_version` is the one that the clock is under from now on. Warnings and breaches are
    published as far as they were due by `tell_until`, as the clock stood then: an answer in time
    may still be on its way. Without it none is, and what rests on a breach waits for it, see
    `published`.
    """
    clock = evolve(events, terms_of, max(now, *(event.at for event in events)))
    if (target := clock.current) is None:
        raise ValueError(f"the clock of {row.inquiry_id} never started")
    if tell_until is None:
        owed = due_notices(clock, sent=sent)
        notices = _Notices((), (*(each.at for each in owed.due), *_next(owed, clock)))
    else:
        notices = _certain(events, clock, terms_of=terms_of, sent=sent, tell_until=tell_until)
    keys = SentKeys(sent, {each.key for each in notices.certain})
    changed, published = _changed(row, events, clock, cause, keys)
    facts = [
        *_started(row, events),
        *(_noticed(row, each, _about(each, clock) or target) for each in notices.certain),
        *changed,
    ]
    return Outcome(
        columns=_columns(row, clock, target, policy_version)
        | hand_over_columns(clock)
        | {"next_action_at": min(notices.next_actions, default=None), "published": published},
        publish=tuple(sorted(facts, key=lambda fact: fact.at)),
        sent=tuple(SentNotice(row.inquiry_id, each.key, each.at) for each in notices.certain),
    )


def _certain(
    events: Sequence[ClockEvent],
    clock: ClockState,
    *,
    terms_of: TermsOf,
    sent: Collection[NoticeKey],
    tell_until: datetime,
) -> _Notices:
    """What was due by then and is still so, `clock` being how it stands by now."""
    told_at = max(tell_until, _begin(events).at)
    owed = due_notices(evolve(events, terms_of, told_at), sent=sent)
    certain = tuple(each for each in owed.due if _still_of_use(each, clock))
    # What that moment knows nothing of may change what is due.
    later = (event.at for event in events if event.at > told_at)
    return _Notices(certain, (*later, *_next(owed, clock)))


def _about(notice: Notice, clock: ClockState) -> Target | None:
    """The target as it stands by now; None when there is none any more."""
    if notice.key.kind is NoticeKind.WINDOW_CLOSING:
        return next((each for each in clock.targets if each.number == notice.target), None)
    return next((each for each in clock.shown if each.key == notice.key.target), None)


def _still_of_use(notice: Notice, clock: ClockState) -> bool:
    """A breach that was not corrected is sent; a warning is for those who can prevent something."""
    about = _about(notice, clock)
    if about is None:
        return False
    if notice.key.kind is NoticeKind.BREACH:
        return about.breached_at is not None and clock.merged_into is None
    return clock.is_open and about.phase in {Phase.RUNNING, Phase.BREACHED}


def _next(owed: DueNotices, clock: ClockState) -> list[datetime]:
    moments = [] if owed.next_action_at is None else [owed.next_action_at]
    # A breach that was sent, and corrected since, is sent no more; but the row has to follow.
    runs = [each for each in clock.shown if each.phase is Phase.RUNNING]
    return moments + [each.due_at + TICK for each in runs]


def _changed(
    row: DeadlineRow,
    events: Sequence[ClockEvent],
    clock: ClockState,
    cause: Cause | None,
    sent: SentKeys,
) -> tuple[list[DeadlineFact], str | None]:
    """What has to be published of how the clock stands, and the column for what has to wait."""
    before = published_before(row, _begin(events))
    waiting_answer, waiting_hand_over = None, None
    facts: list[DeadlineFact] = []
    alone = clock.merged_into is None
    hand_over = clock.owed_hand_over
    if alone and hand_over is not None and sent.lacks_one_of([hand_over]):
        waiting_hand_over = (before.hand_over,)
    else:
        facts += hand_over_events(row, before.hand_over, clock, cause, sent)
    if alone and sent.lacks_one_of(clock.targets):
        waiting_answer = before.answer
    else:
        facts += _answer_events(row, before.answer, clock, cause, sent)
    return facts, kept(answer=waiting_answer, hand_over=waiting_hand_over)


def _columns(
    row: DeadlineRow, clock: ClockState, target: Target, policy_version: PolicyVersion
) -> Columns:
    business, wall = None, None
    if clock.answered_at is not None and row.received_at is not None:
        business, wall = answer_seconds(target.calendar, row.received_at, clock.answered_at)
    return {
        "state": target.phase.value,
        "policy_version": policy_version.key,
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
        "merged_into": clock.merged_into,
    }


def answer_seconds(
    calendar: BusinessCalendar, received_at: datetime, answered_at: datetime
) -> tuple[int, int]:
    """From the receipt to the answer: opening time and plain time; never negative."""
    answered_at = max(received_at, answered_at)
    business = calendar.elapsed(received_at, answered_at)
    wall = answered_at - received_at
    return int(business.total_seconds()), int(wall.total_seconds())


def _started(row: DeadlineRow, events: Sequence[ClockEvent]) -> list[DeadlineFact]:
    if row.due_at is not None:
        return []
    begun = _begin(events)
    return [started_fact(row.inquiry_id, row.conversation_id, row.channel or "", begun=begun)]


def started_fact(
    inquiry_id: UUID, conversation_id: UUID, channel: str, *, begun: Started
) -> DeadlineFact:
    return DeadlineStarted(
        inquiry_id=inquiry_id,
        conversation_id=conversation_id,
        state="running",
        target=begun.target.value,
        due_at=begun.due_at,
        at=begun.at,
        channel=channel,
        promise=begun.promise,
    )


def _noticed(row: DeadlineRow, notice: Notice, about: Target) -> DeadlineFact:
    common: dict[str, Any] = {
        "inquiry_id": row.inquiry_id,
        "conversation_id": row.conversation_id,
        "target": about.kind.value,
        "due_at": about.due_at,
        "at": notice.at,
    }
    match notice.key.kind:
        case NoticeKind.BREACH:
            return DeadlineBreached(state="breached", **common)
        case NoticeKind.WARNING:
            return DeadlineWarning(state="running", level=notice.key.level, **common)
        case NoticeKind.WINDOW_CLOSING:
            return DeadlineWarning(state="running", level="window_closing", **common)


def _answer_events(
    row: DeadlineRow,
    before: Published,
    clock: ClockState,
    cause: Cause | None,
    sent: SentKeys,
) -> list[DeadlineFact]:
    """At most one: it moved, was opened again, ended, or ended otherwise than was published."""
    target = clock.targets[-1]
    stands, again = standing_answer(clock, target), sent.now_of(clock.targets)
    if not stands.is_open:
        return [] if stands == before and not again else [_ended(row, clock, target)]
    same = (before.is_paused, before.due_at, before.target)
    unmoved = before.is_open and same == (stands.is_paused, stands.due_at, stands.target)
    if unmoved and not again and not sent.long_ago(before, stands, target):
        return []
    cause = cause or _what_moved(before, target, clock)
    return [
        DeadlineMoved(
            **_common(row, target),
            state=published_state(target.phase),
            at=cause.at,
            cause=cause.kind,
        )
    ]


def _what_moved(before: Published, target: Target, clock: ClockState) -> Cause:
    """Found from how it stands: what was published waited, or nothing but time has passed."""
    if not before.is_open:
        return Cause("reopened", clock.as_of)
    if target.phase is Phase.PAUSED:
        return Cause("paused", target.pauses[-1].start)
    if target.kind is TargetKind.FOLLOW_UP and not target.pauses:
        return Cause("held", target.started_at)
    # Without an event only the bound of a pause can have moved it.
    return Cause("resumed", target.pauses[-1].end if target.pauses else clock.as_of)


def _ended(row: DeadlineRow, clock: ClockState, target: Target) -> DeadlineFact:
    common = _common(row, target) | {"at": target.ended_at}
    if clock.cancelled is not None:
        reason = clock.cancelled.value
        return DeadlineCancelled(state="cancelled", reason=reason, **common)
    return DeadlineMet(state=published_state(target.phase), **common)


def _common(row: DeadlineRow, target: Target) -> dict[str, Any]:
    return {
        "inquiry_id": row.inquiry_id,
        "conversation_id": row.conversation_id,
        "target": target.kind.value,
        "due_at": target.due_at,
    }


def _begin(events: Sequence[ClockEvent]) -> Started:
    return next(event for event in events if isinstance(event, Started))

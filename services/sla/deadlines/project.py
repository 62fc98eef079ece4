"""From the events of a clock to its row and to what has to be published: pure.

What an event changes (moved, met, cancelled) is found by comparing with what was published before,
which the locked row knows: so it is published once. What time brings (warnings, breaches) has a key
that is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.sla.businesstime.calendar import BusinessCalendar
from services.sla.businesstime.instants import TICK
from services.sla.clocks.events import ClockEvent, Started
from services.sla.clocks.evolve import ClockState, evolve
from services.sla.clocks.notices import DueNotices, Notice, NoticeKey, NoticeKind, due_notices
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.published import (
    SentKeys,
    answer_before,
    hand_over_before,
    stored,
    taken_over_at,
)
from services.sla.deadlines.store.deadlines import Columns, DeadlineRow
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.deadlines.store.sent_notices import SentNotice
from services.sla.deadlines.target_facts import (
    never_owed,
    notice_fact,
    started_fact,
    target_facts,
)
from services.sla.promises.policy_version import PolicyVersion
from services.sla.promises.promise import TermsOf
from shared.events.deadlines import DeadlineFact


@dataclass(frozen=True, slots=True)
class Before:
    """What is stored of a clock beside its events; `sent` are its notices."""

    row: DeadlineRow
    hand_over: HandOverRow | None
    sent: Collection[NoticeKey]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The new columns, the row of the hand-over, the facts to publish in order, and the notices
    among them.
    """

    columns: Columns
    hand_over: HandOverRow | None
    publish: tuple[DeadlineFact, ...]
    sent: tuple[SentNotice, ...]


@dataclass(frozen=True, slots=True)
class _Notices:
    """What is sent now, and when something may be due next."""

    certain: tuple[Notice, ...]
    next_actions: tuple[datetime, ...]


def project(
    before: Before,
    events: Sequence[ClockEvent],
    *,
    policy_version: PolicyVersion,
    terms_of: TermsOf,
    now: datetime,
    cause: Cause | None = None,
    publish_until: datetime | None = None,
) -> Outcome:
    """The clock at `now`, or at its newest event when that is later (clocks of hosts differ).

    `policy_version` is the one that the clock is under from now on. Warnings and breaches are
    published as far as they were due by `publish_until`, as the clock stood then: an answer in time
    may still be on its way. Without it none is, and what rests on a breach waits for it, see
    `published`.
    """
    row, sent = before.row, before.sent
    clock = evolve(events, terms_of, max(now, *(event.at for event in events)))
    if (target := clock.current) is None:
        raise ValueError(f"the clock of {row.inquiry_id} never started")
    if publish_until is None:
        owed = due_notices(clock, sent=sent)
        notices = _Notices((), (*(each.at for each in owed.due), *_next(owed, clock)))
    else:
        notices = _certain(events, clock, terms_of=terms_of, sent=sent, publish_until=publish_until)
    keys = SentKeys(sent, {each.key for each in notices.certain})
    answer, waiting = _answer(row, events, clock, cause, keys)
    second, hand_over = _hand_over(row, before.hand_over, clock, cause, keys)
    begun = _begin(events)
    start = started_fact(row.inquiry_id, row.conversation_id, row.channel or "", begun=begun)
    facts = [
        *([start] if row.due_at is None else []),
        *(notice_fact(row, each, _about(each, clock) or target) for each in notices.certain),
        *second,
        *answer,
    ]
    return Outcome(
        columns=_columns(row, clock, target, policy_version)
        | {"next_action_at": min(notices.next_actions, default=None), "published": waiting},
        hand_over=hand_over,
        publish=tuple(sorted(facts, key=lambda fact: fact.at)),
        sent=tuple(SentNotice(row.inquiry_id, each.key, each.at) for each in notices.certain),
    )


def _certain(
    events: Sequence[ClockEvent],
    clock: ClockState,
    *,
    terms_of: TermsOf,
    sent: Collection[NoticeKey],
    publish_until: datetime,
) -> _Notices:
    """What was due by then and is still so, `clock` being how it stands by now."""
    as_of = max(publish_until, _begin(events).at)
    owed = due_notices(evolve(events, terms_of, as_of), sent=sent)
    certain = tuple(each for each in owed.due if _still_of_use(each, clock))
    # What that moment knows nothing of may change what is due.
    later = (event.at for event in events if event.at > as_of)
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


def _answer(
    row: DeadlineRow,
    events: Sequence[ClockEvent],
    clock: ClockState,
    cause: Cause | None,
    keys: SentKeys,
) -> tuple[list[DeadlineFact], str | None]:
    """What has to be published of the answer, and what was as long as that has to wait."""
    before = answer_before(row, _begin(events))
    if clock.merged_into is None and keys.lacks_one_of(clock.targets):
        return [], stored(before)
    return target_facts(row, clock.targets[-1], before, clock, cause, keys), None


def _hand_over(
    row: DeadlineRow,
    hand_over: HandOverRow | None,
    clock: ClockState,
    cause: Cause | None,
    keys: SentKeys,
) -> tuple[list[DeadlineFact], HandOverRow | None]:
    """The same of the hand-over, with its row; None as long as nobody owes it."""
    before, target = hand_over_before(hand_over), clock.owed_hand_over
    if target is None:
        return never_owed(row, before, clock, cause), None
    facts, waiting = [], None
    if clock.merged_into is None and keys.lacks_one_of([target]):
        waiting = stored(before)
    else:
        facts = target_facts(row, target, before, clock, cause, keys)
    shown = HandOverRow(
        inquiry_id=row.inquiry_id,
        state=target.phase.value,
        due_at=target.due_at,
        breached_at=target.breached_at,
        taken_over_at=taken_over_at(target),
        published=waiting,
    )
    return facts, shown


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


def _begin(events: Sequence[ClockEvent]) -> Started:
    return next(event for event in events if isinstance(event, Started))

"""Warnings and breaches that a clock owes, and when something may be due next.

- A warning means: this much opening time is left before the deadline. It therefore always falls
  inside opening hours, however the target is counted, at a moment when people can still act. When
  less than that is left from the beginning, it comes at the first open moment. When there is no
  open moment before the deadline, there is no warning.
- A warning is for people who can still prevent something: one that was missed is made up for at
  the next open moment while the clock runs, and left out once the clock has ended, stands still,
  or is breached.
- A breach is always reported, also when the answer or a dismissal came before the report; but not
  of an inquiry that turned out to be part of another, whose own clock tells it.
- `window_closing` precedes the end of the platform's reply window when that is before the
  deadline, by the same rules.

A notice has a key that stays the same whenever it is computed; the caller keeps the keys it has
stored and passes them as `sent`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.sla.businesstime.instants import TICK, ZERO, as_utc
from services.sla.clocks.events import Started
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.target import Phase, Target
from services.sla.promises.promise import TargetKind, Terms

WINDOW_LEAD: Final = timedelta(hours=1)


class NoticeKind(StrEnum):
    """What a notice tells."""

    WARNING = "warning"
    WINDOW_CLOSING = "window_closing"
    BREACH = "breach"


@dataclass(frozen=True, slots=True, order=True)
class NoticeKey:
    """Identifies a notice within its clock; `target` is the key of the target.

    A reply window is the same whatever is awaited: its target is 0.
    """

    kind: NoticeKind
    level: str
    target: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.level}:{self.target}"


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be sent: since when it is due, and the deadline (or window end) it is about.

    `target` is the number of the target that was awaited.
    """

    key: NoticeKey
    at: datetime
    due_at: datetime
    target: int


@dataclass(frozen=True, slots=True)
class DueNotices:
    """Notices due now, in order, and the next instant at which something may become due.

    `next_action_at` is None when nothing can happen without another event.
    """

    due: tuple[Notice, ...]
    next_action_at: datetime | None


def due_notices(
    clock: ClockState,
    *,
    sent: Collection[NoticeKey] = frozenset(),
    window_lead: timedelta = WINDOW_LEAD,
) -> DueNotices:
    """What the clock owes at the moment of its state, without what was `sent`."""
    notices = [
        *_breaches(clock),
        *_warnings(clock),
        *_window(clock, window_lead),
    ]
    owed = [notice for notice in notices if notice.key not in sent]
    due = sorted((each for each in owed if each.at <= clock.as_of), key=_order)
    later = [each.at for each in owed if each.at > clock.as_of]
    later += [each.pauses[-1].end for each in clock.shown if each.phase is Phase.PAUSED]
    return DueNotices(tuple(due), min(later, default=None))


def first_due(started: Started, terms: Terms) -> datetime:
    """When a clock that has just started may first owe something: never later than it does.

    Much cheaper than evolving, for the many clocks that start.
    """
    if started.window_ends_at is not None and started.window_ends_at < started.due_at:
        return started.at
    begin, end = as_utc(started.at), as_utc(started.due_at)
    calendar = terms.calendar
    allowance = calendar.elapsed(begin, end)
    left = max(
        (level.opening_time_left(allowance) for level in terms.promise.warnings), default=ZERO
    )
    if left < allowance:
        return calendar.subtract(end, left)
    return min(calendar.next_open(begin), end)


def breach_key(target: Target) -> NoticeKey:
    """Under which its breach is sent."""
    return NoticeKey(NoticeKind.BREACH, "", target.key)


def _breaches(clock: ClockState) -> Iterator[Notice]:
    """Every breach that happened, and the one that will happen if nothing else does."""
    if clock.merged_into is not None:
        return
    for target in clock.shown:
        key = breach_key(target)
        if target.breached_at is not None:
            yield Notice(key, target.breached_at, target.due_at, target.number)
        elif target.phase is Phase.RUNNING:
            # An answer at the deadline is in time, so the breach is one tick later.
            yield Notice(key, target.due_at + TICK, target.due_at, target.number)


def _warnings(clock: ClockState) -> Iterator[Notice]:
    for target in clock.shown:
        if target.phase is Phase.RUNNING:
            yield from _warnings_of(target, clock)


def _warnings_of(target: Target, clock: ClockState) -> Iterator[Notice]:
    for level in target.promise.warnings:
        left = level.opening_time_left(target.allowance)
        if target.kind is TargetKind.HAND_OVER and left >= target.allowance:
            continue  # the levels are made for the answer: this one would come with the receipt
        at = _open_moment(target, target.due_at, left, clock.as_of)
        if at is not None:
            key = NoticeKey(NoticeKind.WARNING, level.name, target.key)
            yield Notice(key, at, target.due_at, target.number)


def _window(clock: ClockState, lead: timedelta) -> Iterator[Notice]:
    target, ends_at = clock.current, clock.window_ends_at
    if target is None or ends_at is None or target.phase is not Phase.RUNNING:
        return
    if not clock.as_of < ends_at < target.due_at:
        return
    at = _open_moment(target, ends_at, lead, clock.as_of)
    if at is not None:
        # A window is known by its end: when the customer writes again, it is another window.
        level = ends_at.isoformat()
        key = NoticeKey(NoticeKind.WINDOW_CLOSING, level, "0")
        yield Notice(key, at, ends_at, target.number)


def _open_moment(target: Target, end: datetime, left: timedelta, now: datetime) -> datetime | None:
    """When to speak so that `left` of opening time remains until `end`, or None if never."""
    begin, calendar = target.periods[-1].start, target.calendar
    if end <= begin:
        return None
    if left < calendar.elapsed(begin, end):
        at = calendar.subtract(end, left)
    else:
        at = calendar.next_open(begin)
    if at > now:
        return at if at < end else None
    soonest = calendar.next_open(now)
    if soonest >= end:
        return None
    return at if soonest == now else soonest


def _order(notice: Notice) -> tuple[datetime, NoticeKey]:
    return notice.at, notice.key

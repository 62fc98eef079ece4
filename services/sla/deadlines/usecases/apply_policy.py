"""A new policy: open clocks go under it, closed ones stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sla.businesstime.instants import as_utc
from services.sla.clocks.events import Assigned, ClockEvent, Moved
from services.sla.clocks.evolve import evolve
from services.sla.clocks.hand_over import TECHNICAL_DESK
from services.sla.clocks.standing import appealed_spans
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.deadlines import PAUSED, RUNNING, DeadlineRow
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.append import NewEvent, append_events
from services.sla.deadlines.usecases.desks import moved_for, subject_of
from services.sla.deadlines.usecases.unit_of_work import Histories
from services.sla.promises.policy_version import PolicyVersion
from services.sla.promises.promise import TargetKind
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.runtime.ids import new_id

_OPEN: Final = frozenset({RUNNING, PAUSED})


def apply_policy(
    tx: Write, inquiry_ids: Sequence[UUID], *, policy_versions: PolicyVersions, now: datetime
) -> int:
    """Put these clocks, as far as they are open, under the present policy: how many moved.

    A deadline that stays where it is is under the new calendar all the same: it counts when a pause
    ends.
    """
    policy_version = policy_versions.active(tx, now=now)
    locked = deadlines.lock(tx, inquiry_ids)
    rows = [
        row
        for row in locked.values()
        if row.state in _OPEN and row.policy_version != policy_version.key
    ]
    return _move(tx, rows, policy_version, policy_versions=policy_versions, now=now)


def catch_up(
    tx: Write, inquiry_ids: Sequence[UUID], *, policy_versions: PolicyVersions, now: datetime
) -> None:
    """Put clocks of which something was taken back under what the policy and their desk say by now.

    Policies and desks move no clock that has ended, nor one that awaits a follow-up.
    """
    policy_version = policy_versions.active(tx, now=now)
    open_ = [row for row in deadlines.lock(tx, inquiry_ids).values() if row.state in _OPEN]
    if not open_:
        return
    histories = Histories.read(
        tx, [row.inquiry_id for row in open_], policy_versions=policy_versions, now=now
    )
    rows = [row for row in open_ if _is_behind(row, histories, policy_version, now=now)]
    _move(tx, rows, policy_version, policy_versions=policy_versions, now=now)


def _is_behind(
    row: DeadlineRow, histories: Histories, policy_version: PolicyVersion, *, now: datetime
) -> bool:
    """Whether its first answer is counted otherwise than the policy would, for its desk, by now."""
    events = histories.of(row.inquiry_id)
    as_of = max(now, *(event.at for event in events))
    target = evolve(events, histories.terms_of, as_of).current
    if target is None or target.kind is TargetKind.FOLLOW_UP or row.received_at is None:
        return False
    choice = policy_version.choose(subject_of(row, desk=row.desk), row.received_at)
    if choice is None:
        return False
    counted = target.promise, target.calendar.rules
    return _moved_while_dismissed(events) or counted != (
        choice.promise,
        policy_version.calendar.rules,
    )


def _moved_while_dismissed(events: Sequence[ClockEvent]) -> bool:
    """Whether a clock was moved of which nobody knew here that it had been dismissed, and was to
    stand still until an appeal: the time that was left then is more than was thought.
    """
    spans = appealed_spans(events)
    moves = [as_utc(event.at) for event in events if isinstance(event, Moved)]
    return any(begin <= at < end for at in moves for begin, end in spans)


def _move(
    tx: Write,
    rows: Sequence[DeadlineRow],
    policy_version: PolicyVersion,
    *,
    policy_versions: PolicyVersions,
    now: datetime,
) -> int:
    """How many moved."""
    if not rows:
        return 0
    ids = [row.inquiry_id for row in rows]
    histories = Histories.read(tx, ids, policy_versions=policy_versions, now=now)
    new_events = []
    for row in rows:
        moved = moved_for(
            row, histories, policy_version=policy_version, desk=row.desk, at=now, reason="policy"
        )
        if moved is not None:
            stored = StoredEvent(row.inquiry_id, new_id(), moved)
            new_events.append(NewEvent(row.conversation_id, stored, Cause("policy", moved.at)))
    if new_events:
        append_events(tx, new_events, policy_versions=policy_versions, now=now)
    if policy_version.has_hand_over:
        _append_assignments(tx, rows, histories, policy_versions=policy_versions, now=now)
    deadlines.change(tx, {each: {"policy_version": policy_version.key} for each in ids})
    return len(new_events)


def _append_assignments(
    tx: Write,
    rows: Sequence[DeadlineRow],
    histories: Histories,
    *,
    policy_versions: PolicyVersions,
    now: datetime,
) -> None:
    """Without a hand-over in the policy nothing was noted of desks; from now on it is owed."""
    append_events(
        tx,
        [
            NewEvent(
                row.conversation_id,
                StoredEvent(row.inquiry_id, new_id(), Assigned(now, TECHNICAL_DESK)),
                Cause("policy", now),
            )
            for row in rows
            if row.desk == TECHNICAL_DESK
            and not any(isinstance(each, Assigned) for each in histories.of(row.inquiry_id))
        ],
        policy_versions=policy_versions,
        now=now,
    )

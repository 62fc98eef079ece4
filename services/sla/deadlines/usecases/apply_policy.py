"""A new policy: open clocks go under it, closed ones stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.sla.clocks.events import Assigned
from services.sla.clocks.evolve import state
from services.sla.clocks.hand_over import TECHNICAL_DESK
from services.sla.deadlines.move_cause import Change
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.deadlines import PAUSED, RUNNING, DeadlineRow
from services.sla.deadlines.store.events import Recorded
from services.sla.deadlines.usecases.append import Arrival, Histories, record
from services.sla.deadlines.usecases.desks import moved_for, subject_of
from services.sla.promises.policy_version import Edition
from services.sla.promises.promise import TargetKind
from services.sla.promises.versions import Library
from shared.db import Write
from shared.runtime.ids import new_id

_OPEN: Final = frozenset({RUNNING, PAUSED})


def adopt(tx: Write, inquiry_ids: Sequence[UUID], *, library: Library, now: datetime) -> int:
    """Put these clocks, as far as they are open, under the present policy: how many moved.

    A deadline that stays where it is is under the new calendar all the same: it counts when a pause
    ends.
    """
    edition = library.follow(tx, now=now)
    locked = deadlines.lock(tx, inquiry_ids)
    rows = [row for row in locked.values() if row.state in _OPEN and row.edition != edition.key]
    moved, _ = _move(tx, rows, edition, library=library, now=now)
    return moved


def catch_up(
    tx: Write, inquiry_ids: Sequence[UUID], *, library: Library, now: datetime
) -> datetime | None:
    """Put clocks of which something was taken back under what the policy and their desk say by now.

    Policies and desks move no clock that has ended, nor one that awaits a follow-up. Returns when
    the first of them needs a look.
    """
    edition = library.follow(tx, now=now)
    open_ = [row for row in deadlines.lock(tx, inquiry_ids).values() if row.state in _OPEN]
    if not open_:
        return None
    histories = Histories.read(tx, [row.inquiry_id for row in open_], library=library, now=now)
    rows = [row for row in open_ if _is_behind(row, histories, edition, now=now)]
    _, look = _move(tx, rows, edition, library=library, now=now)
    return look


def _is_behind(row: DeadlineRow, histories: Histories, edition: Edition, *, now: datetime) -> bool:
    """Whether its first answer is counted otherwise than the policy would, for its desk, by now."""
    facts = histories.of(row.inquiry_id)
    as_of = max(now, *(fact.at for fact in facts))
    target = state(facts, histories.began(row.inquiry_id), as_of).current
    if target is None or target.kind is TargetKind.FOLLOW_UP or row.received_at is None:
        return False
    choice = edition.choose(subject_of(row, desk=row.desk), row.received_at)
    counted = target.promise, target.calendar.rules
    return choice is not None and counted != (choice.promise, edition.calendar.rules)


def _move(
    tx: Write, rows: Sequence[DeadlineRow], edition: Edition, *, library: Library, now: datetime
) -> tuple[int, datetime | None]:
    """How many moved, and when the first of them needs a look."""
    if not rows:
        return 0, None
    ids = [row.inquiry_id for row in rows]
    histories = Histories.read(tx, ids, library=library, now=now)
    arrivals = []
    for row in rows:
        moved = moved_for(row, histories, edition=edition, desk=row.desk, at=now, reason="policy")
        if moved is not None:
            recorded = Recorded(row.inquiry_id, new_id(), moved, edition=edition.key)
            arrivals.append(Arrival(row.conversation_id, recorded, Change("policy", moved.at)))
    look = record(tx, arrivals, library=library, now=now) if arrivals else None
    if edition.hands_over:
        _tell_the_desks(tx, rows, histories, library=library, now=now)
    deadlines.change(tx, {each: {"edition": edition.key} for each in ids})
    return len(arrivals), look


def _tell_the_desks(
    tx: Write,
    rows: Sequence[DeadlineRow],
    histories: Histories,
    *,
    library: Library,
    now: datetime,
) -> None:
    """Without a hand-over in the policy nothing was noted of desks; from now on it is owed."""
    record(
        tx,
        [
            Arrival(
                row.conversation_id,
                Recorded(row.inquiry_id, new_id(), Assigned(now, TECHNICAL_DESK)),
                Change("policy", now),
            )
            for row in rows
            if row.desk == TECHNICAL_DESK
            and not any(isinstance(each, Assigned) for each in histories.of(row.inquiry_id))
        ],
        library=library,
        now=now,
    )

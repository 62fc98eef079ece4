"""Time passed: tell the warnings and breaches that became due, each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.deadlines.usecases.unit_of_work import UnitOfWork
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.runtime.trace import new_traceparent


def tick(
    tx: Write, *, policy_versions: PolicyVersions, due_until: datetime, now: datetime, limit: int
) -> int:
    """Work off clocks that were due by then, at most `limit`; how many.

    Several instances may do so side by side.
    """
    rows = deadlines.claim_due(tx, now=due_until, limit=limit)
    return _work_off(tx, rows, policy_versions=policy_versions, due_until=due_until, now=now)


def tick_one(
    tx: Write,
    *,
    inquiry_id: UUID,
    policy_versions: PolicyVersions,
    due_until: datetime,
    now: datetime,
) -> int:
    """Work off one clock if it was due and nobody else has it; how many."""
    row = deadlines.claim_one(tx, inquiry_id, now=due_until)
    rows = [] if row is None else [row]
    return _work_off(tx, rows, policy_versions=policy_versions, due_until=due_until, now=now)


def put_off(tx: Write, *, inquiry_id: UUID, due_until: datetime, until: datetime) -> None:
    """Leave a clock on which something is due alone until then, or until a fact of it arrives."""
    if deadlines.claim_one(tx, inquiry_id, now=due_until) is not None:
        deadlines.change(tx, {inquiry_id: {"next_action_at": until}})


def _work_off(
    tx: Write,
    rows: Sequence[DeadlineRow],
    *,
    policy_versions: PolicyVersions,
    due_until: datetime,
    now: datetime,
) -> int:
    if not rows:
        return 0
    unit, trace = UnitOfWork(tx, policy_versions, now), new_traceparent()
    unit.load([row.inquiry_id for row in rows])
    for row in rows:
        unit.project(row, publish_until=due_until, traceparent=trace)
    unit.write()
    return len(rows)

"""A person stops a clock while the customer is asked, and lets it run again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.sla.clocks.events import ClockEvent, Paused, ResumeCause, Resumed
from services.sla.clocks.target import Phase
from services.sla.deadlines.move_cause import Cause
from services.sla.deadlines.store import deadlines
from services.sla.deadlines.store.events import StoredEvent
from services.sla.deadlines.usecases.append import NewEvent, append_events
from services.sla.deadlines.usecases.view import ClockView, get_clock, promised, still_owed
from services.sla.promises.versions import PolicyVersions
from shared.db import Write
from shared.errors import ConflictError, FieldProblem, InvalidError
from shared.runtime.ids import new_id

BOUND_OF_FORGOTTEN_PROMISES = timedelta(days=14)
"""A clock may run by a promise that the present policy does not know any more."""


def pause(
    tx: Write,
    *,
    inquiry_id: UUID,
    reason: str,
    until: datetime | None,
    by: str,
    policy_versions: PolicyVersions,
    now: datetime,
) -> ClockView:
    """Stop counting until `until`, at most as long as the promise allows; without it, that long.
    `by` is the name of the API key.

    Pausing again changes how long; the bound counts from the first of them. Raises NotFoundError,
    ConflictError for a clock that has ended or was breached, InvalidError for a wrong `until`.
    """
    view = _locked(tx, inquiry_id, policy_versions=policy_versions, now=now)
    still_owed(view)
    bound = _bound(view, now)
    if until is not None:
        _check_until(until, now=now, bound=bound)
    elif bound <= now:
        raise ConflictError("pause-used-up", "the clock has been paused as long as it may be")
    event = Paused(now, until or bound, reason)
    return _append(
        tx, view, event, cause=Cause("paused", now), by=by, policy_versions=policy_versions, now=now
    )


def resume(
    tx: Write, *, inquiry_id: UUID, by: str, policy_versions: PolicyVersions, now: datetime
) -> ClockView:
    """Let a paused clock run again. Raises NotFoundError, ConflictError when it is not paused."""
    view = _locked(tx, inquiry_id, policy_versions=policy_versions, now=now)
    if view.clock.phase is not Phase.PAUSED:
        phase = view.clock.phase.value.replace("_", " ")
        raise ConflictError("clock-not-paused", f"the clock is {phase}, there is no pause to end")
    event = Resumed(now, ResumeCause.PERSON)
    return _append(
        tx,
        view,
        event,
        cause=Cause("resumed", now),
        by=by,
        policy_versions=policy_versions,
        now=now,
    )


def _locked(
    tx: Write, inquiry_id: UUID, *, policy_versions: PolicyVersions, now: datetime
) -> ClockView:
    promised(deadlines.lock(tx, [inquiry_id]).get(inquiry_id), inquiry_id)
    return get_clock(tx, inquiry_id=inquiry_id, policy_versions=policy_versions, now=now)


def _bound(view: ClockView, now: datetime) -> datetime:
    target = view.clock.current
    begun = now
    if target is not None and target.phase is Phase.PAUSED:
        begun = target.pauses[-1].start
    name = target.promise.name if target is not None else ""
    return begun + view.policy_version.pause_bounds.get(name, BOUND_OF_FORGOTTEN_PROMISES)


def _check_until(until: datetime, *, now: datetime, bound: datetime) -> None:
    if until <= now:
        raise InvalidError(
            "pause-ends-before-it-begins",
            "a pause ends later than it begins",
            FieldProblem("until", "is not in the future", f"give a moment after {now.isoformat()}"),
        )
    if until > bound:
        raise InvalidError(
            "pause-too-long",
            "the policy lets no clock stand still for so long",
            FieldProblem(
                "until", "is later than the policy allows", f"at most {bound.isoformat()}"
            ),
        )


def _append(
    tx: Write,
    view: ClockView,
    event: ClockEvent,
    *,
    cause: Cause,
    by: str,
    policy_versions: PolicyVersions,
    now: datetime,
) -> ClockView:
    row = view.row
    new_event = NewEvent(
        row.conversation_id, StoredEvent(row.inquiry_id, new_id(), event, by, key_name=by), cause
    )
    append_events(tx, [new_event], policy_versions=policy_versions, now=now)
    return get_clock(tx, inquiry_id=row.inquiry_id, policy_versions=policy_versions, now=now)

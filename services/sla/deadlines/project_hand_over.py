"""The hand-over's part of a clock's row, and what has to be published of it: pure.

As with the answer, what changed is found by comparing with what was published before.
"""

from __future__ import annotations

from typing import Any, Final

from services.sla.clocks.evolve import ClockState
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.move_cause import Cause, published_state
from services.sla.deadlines.store.deadlines import Columns, DeadlineRow
from services.sla.deadlines.usecases.published import Published, SentKeys, standing_hand_over
from shared.events.deadlines import (
    DeadlineCancelled,
    DeadlineFact,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
)

_TAKEN: Final = frozenset({Phase.MET, Phase.MET_LATE})


def hand_over_columns(clock: ClockState) -> Columns:
    """All of them null as long as nobody owes the hand-over."""
    target = clock.owed_hand_over
    if target is None:
        names = ("hand_over_state", "hand_over_due_at", "hand_over_breached_at", "taken_over_at")
        return dict.fromkeys(names)
    return {
        "hand_over_state": target.phase.value,
        "hand_over_due_at": target.due_at,
        "hand_over_breached_at": target.breached_at,
        "taken_over_at": target.ended_at if target.phase in _TAKEN else None,
    }


def hand_over_events(
    row: DeadlineRow,
    before: Published | None,
    clock: ClockState,
    cause: Cause | None,
    sent: SentKeys,
) -> list[DeadlineFact]:
    """At most one: it began, moved or ended. Warnings and breaches are notices."""
    target, stands = clock.owed_hand_over, standing_hand_over(clock)
    if target is None or stands is None:
        if before is None or before.state == Phase.CANCELLED.value:
            return []
        return [_never_owed(row, before, clock, cause)]
    if not stands.is_open:
        nothing_new = before is not None and _alike(before, stands) and not sent.now_of([target])
        return [] if nothing_new else [_ended(row, clock, target)]
    if before is None or not before.is_open:
        reopened = before is not None and cause is not None and cause.kind == "reopened"
        return [_moved(row, target, clock, cause) if reopened else _started(row, target)]
    unmoved = (before.is_paused, before.due_at) == (stands.is_paused, stands.due_at)
    if unmoved and not sent.long_ago(before, stands, target):
        return []
    return [_moved(row, target, clock, cause)]


def _alike(before: Published, stands: Published) -> bool:
    """Whether nothing new can be published of its end. Of a cancelled one only that it is."""
    if before.state == stands.state == Phase.CANCELLED.value:
        return True
    return (before.state, before.due_at, before.ended_at) == (
        stands.state,
        stands.due_at,
        stands.ended_at,
    )


def _started(row: DeadlineRow, target: Target) -> DeadlineFact:
    return DeadlineStarted(
        **_common(row, target),
        at=target.owed_since or target.started_at,
        state=published_state(target.phase),
        channel=row.channel or "",
        promise=target.promise.name,
    )


def _moved(
    row: DeadlineRow, target: Target, clock: ClockState, cause: Cause | None
) -> DeadlineFact:
    # Without an event only the bound of a pause can have moved it.
    last = target.pauses[-1].end if target.pauses else clock.as_of
    cause = cause or Cause("resumed", last)
    return DeadlineMoved(
        **_common(row, target),
        at=cause.at,
        state=published_state(target.phase),
        cause=cause.kind,
    )


def _ended(row: DeadlineRow, clock: ClockState, target: Target) -> DeadlineFact:
    common = _common(row, target) | {"at": target.ended_at}
    if target.phase in _TAKEN:
        return DeadlineMet(**common, state=published_state(target.phase))
    reason = "rerouted"
    if clock.cancelled is not None:
        reason = clock.cancelled.value
    elif clock.targets[-1].promise.hand_over is None:
        reason = "policy"
    return DeadlineCancelled(**common, state="cancelled", reason=reason)


def _never_owed(
    row: DeadlineRow, before: Published, clock: ClockState, cause: Cause | None
) -> DeadlineFact:
    """What arrived since came before the technical desk got it, such as an answer."""
    return DeadlineCancelled(
        inquiry_id=row.inquiry_id,
        conversation_id=row.conversation_id,
        state="cancelled",
        target="hand_over",
        due_at=before.due_at,
        at=clock.as_of if cause is None else cause.at,
        reason="not_owed",
    )


def _common(row: DeadlineRow, target: Target) -> dict[str, Any]:
    return {
        "inquiry_id": row.inquiry_id,
        "conversation_id": row.conversation_id,
        "target": target.kind.value,
        "due_at": target.due_at,
    }

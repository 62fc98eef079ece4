"""What has to be published of one target, the answer's or the hand-over: pure.

What changed is found by comparing with what was published before.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.sla.clocks.events import Started
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.notices import Notice, NoticeKind
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.move_cause import Cause, published_state
from services.sla.deadlines.published import Published, SentKeys, standing
from services.sla.deadlines.store.deadlines import DeadlineRow
from services.sla.promises.promise import TargetKind
from shared.events.deadlines import (
    DeadlineBreached,
    DeadlineCancelled,
    DeadlineFact,
    DeadlineMet,
    DeadlineMoved,
    DeadlineStarted,
    DeadlineWarning,
)


def target_facts(
    row: DeadlineRow,
    target: Target,
    before: Published | None,
    clock: ClockState,
    cause: Cause | None,
    keys: SentKeys,
) -> list[DeadlineFact]:
    """At most one: it began, moved, was opened again, ended, or ended otherwise than was published.

    Warnings and breaches are notices. `before` is None when nothing was published of it.
    """
    stands = standing(clock, target)
    again = keys.now_of(related_targets(clock, target))
    if not stands.is_open:
        same = before is not None and before.ended_like(stands)
        return [] if same and not again else [_ended(row, clock, target)]
    if before is None or (not before.is_open and not _opened_again(target, cause)):
        return [_begun(row, target)]
    moved_from = (before.is_paused, before.due_at, before.target)
    unmoved = before.is_open and moved_from == (stands.is_paused, stands.due_at, stands.target)
    if unmoved and not again and not keys.long_ago(before, stands, target):
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


def related_targets(clock: ClockState, target: Target) -> tuple[Target, ...]:
    """Those on whose breaches rests how it stands: of the answer also the ones before."""
    return (target,) if target.kind is TargetKind.HAND_OVER else clock.targets


def never_owed(
    row: DeadlineRow, before: Published | None, clock: ClockState, cause: Cause | None
) -> list[DeadlineFact]:
    """What arrived since came before the technical desk got it, such as an answer."""
    if before is None or before.state == Phase.CANCELLED.value:
        return []
    cancelled = DeadlineCancelled(
        inquiry_id=row.inquiry_id,
        conversation_id=row.conversation_id,
        state="cancelled",
        target="hand_over",
        due_at=before.due_at,
        at=clock.as_of if cause is None else cause.at,
        reason="not_owed",
    )
    return [cancelled]


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


def notice_fact(row: DeadlineRow, notice: Notice, about: Target) -> DeadlineFact:
    common = _common(row, about) | {"at": notice.at}
    match notice.key.kind:
        case NoticeKind.BREACH:
            return DeadlineBreached(state="breached", **common)
        case NoticeKind.WARNING:
            return DeadlineWarning(state="running", level=notice.key.level, **common)
        case NoticeKind.WINDOW_CLOSING:
            return DeadlineWarning(state="running", level="window_closing", **common)


def _opened_again(target: Target, cause: Cause | None) -> bool:
    """A hand-over that is owed again after another desk had the inquiry begins anew."""
    if target.kind is not TargetKind.HAND_OVER:
        return True
    return cause is not None and cause.kind == "reopened"


def _begun(row: DeadlineRow, target: Target) -> DeadlineFact:
    return DeadlineStarted(
        **_common(row, target),
        at=target.owed_since or target.started_at,
        state=published_state(target.phase),
        channel=row.channel or "",
        promise=target.promise.name,
    )


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
    if target.phase is not Phase.CANCELLED:
        return DeadlineMet(state=published_state(target.phase), **common)
    reason = "rerouted"
    if clock.cancelled is not None:
        reason = clock.cancelled.value
    elif clock.targets[-1].promise.hand_over is None:
        reason = "policy"
    return DeadlineCancelled(state="cancelled", reason=reason, **common)


def _common(row: DeadlineRow, target: Target) -> dict[str, Any]:
    return {
        "inquiry_id": row.inquiry_id,
        "conversation_id": row.conversation_id,
        "target": target.kind.value,
        "due_at": target.due_at,
    }

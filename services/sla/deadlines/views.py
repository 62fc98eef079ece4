"""From the domain's values to the bodies that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.sla.businesstime.calendar import Span
from services.sla.clocks.evolve import ClockState
from services.sla.clocks.target import Phase, Target
from services.sla.deadlines.history import history
from services.sla.deadlines.schemas import (
    Deadline,
    DeadlineDetail,
    ExplanationView,
    HandOver,
    IntervalView,
    MatchedPromise,
    Pause,
    Preview,
    PreviewRequest,
    TargetExplanation,
    TargetView,
)
from services.sla.deadlines.store.deadlines import PAUSED, RUNNING
from services.sla.deadlines.store.hand_overs import HandOverRow
from services.sla.deadlines.store.listing import Listed
from services.sla.deadlines.usecases.view import ClockView, ExplainedClock
from services.sla.promises.policy_version import zone_has_changed
from services.sla.promises.promise import Choice, Explanation, Promise, TargetKind
from shared.bounds import MOST_SHOWN

MOST_INTERVALS = 2000
"""Of all targets together: a year of working days, its nights and its pauses has fewer."""


def deadline(listed: Listed, now: datetime) -> Deadline:
    """The row as it stands at `now`, also before the timers have handled it."""
    row, hand_over_row = listed.row, listed.hand_over
    plain = Deadline.model_fields.keys() - {"hand_over"}
    hand_over = None if hand_over_row is None else _hand_over_of_row(hand_over_row, now)
    return Deadline.model_validate(
        {
            **{name: getattr(row, name) for name in plain},
            **_standing(row.state, row.due_at, row.breached_at, now),
            "hand_over": hand_over,
        }
    )


def _hand_over_of_row(row: HandOverRow, now: datetime) -> HandOver:
    standing = _standing(row.state, row.due_at, row.breached_at, now)
    return HandOver.model_validate(
        {**standing, "due_at": row.due_at, "taken_over_at": row.taken_over_at}
    )


def _standing(
    state: str, due_at: datetime | None, breached_at: datetime | None, now: datetime
) -> dict[str, object]:
    overdue = state in (RUNNING, PAUSED) and due_at is not None and due_at < now
    return {
        "state": "breached" if overdue else state,
        "breached_at": breached_at or (due_at if overdue else None),
    }


def detail(view: ClockView) -> DeadlineDetail:
    clock, row = view.clock, view.row
    target = clock.targets[-1]
    lines = history(view)
    return DeadlineDetail.model_validate(
        {
            "inquiry_id": row.inquiry_id,
            "conversation_id": row.conversation_id,
            "channel": row.channel,
            "desk": row.desk,
            "state": clock.phase.value,
            "target": target.kind.value,
            "promise": target.promise.name,
            "received_at": row.received_at,
            "due_at": target.due_at,
            "breached_at": clock.breached_at,
            "answered_at": clock.answered_at,
            "cancelled_at": None if clock.cancelled is None else target.ended_at,
            "cancel_reason": None if clock.cancelled is None else clock.cancelled.value,
            "window_ends_at": clock.window_ends_at,
            "merged_into": clock.merged_into,
            "as_of": clock.as_of,
            "remaining_seconds": seconds(clock.remaining),
            "hand_over": _hand_over(clock),
            "targets": [_target(each) for each in clock.shown[-MOST_SHOWN:]],
            "target_count": len(clock.shown),
            "history": lines[-MOST_SHOWN:],
            "history_count": len(lines),
        }
    )


def _hand_over(clock: ClockState) -> HandOver | None:
    target = clock.owed_hand_over
    if target is None:
        return None
    return HandOver.model_validate(
        {
            "state": target.phase.value,
            "due_at": target.due_at,
            "breached_at": target.breached_at,
            "taken_over_at": None if target.phase is Phase.CANCELLED else target.ended_at,
        }
    )


def _target(target: Target) -> TargetView:
    return TargetView.model_validate(
        {
            "number": target.number,
            "target": target.kind.value,
            "promise": target.promise.name,
            "state": target.phase.value,
            "started_at": target.started_at,
            "due_at": target.due_at,
            "breached_at": target.breached_at,
            "ended_at": target.ended_at,
            "pauses": [
                Pause(start=each.start, end=each.end, reason=each.reason)
                for each in target.pauses[-MOST_SHOWN:]
            ],
            "pause_count": len(target.pauses),
        }
    )


def explained(found: ExplainedClock) -> ExplanationView:
    view = found.view
    return ExplanationView(
        inquiry_id=view.row.inquiry_id,
        timezone=view.policy_version.calendar.rules.zone,
        timezone_changed=zone_has_changed(view.policy_version),
        as_of=view.clock.as_of,
        promises=matched(found.choice, counted_by=view.clock.targets[-1].promise),
        targets=_explanations([*zip(found.targets, view.clock.shown, strict=True)][-MOST_SHOWN:]),
        target_count=len(found.targets),
    )


def _explanations(targets: Sequence[tuple[Explanation, Target]]) -> list[TargetExplanation]:
    """The newest target has its intervals first; the others what is left of them."""
    shown, left = [], MOST_INTERVALS
    for each, of in reversed(targets):
        shown.append(target_explanation(each, of.kind, most=left))
        left -= len(shown[-1].intervals)
    return shown[::-1]


def matched(choice: Choice | None, *, counted_by: Promise) -> list[MatchedPromise]:
    """Every promise that holds; chosen is the one that the clock is counted by."""
    if choice is None:
        return []
    return [
        MatchedPromise(
            promise=promise.name,
            due_at=due_at,
            chosen=promise.name == counted_by.name,
            because=_because(promise),
        )
        for promise, due_at in choice.matched
    ]


def _because(promise: Promise) -> str:
    parts = [
        f"{what} {', '.join(sorted(names))}"
        for what, names in (
            ("channels", promise.match.channels),
            ("desks", promise.match.desks),
            ("hashtags", promise.match.hashtags),
            ("contacts", promise.match.contacts),
        )
        if names
    ]
    return f"holds for {'; '.join(parts) or 'every promised channel'}"


def target_explanation(
    explanation: Explanation, kind: TargetKind, *, most: int
) -> TargetExplanation:
    return TargetExplanation.model_validate(
        {
            "target": kind.value,
            "promise": explanation.promise,
            "counting": explanation.counting.value,
            "started_at": explanation.received_at,
            "target_seconds": seconds(explanation.target),
            "counted_seconds": seconds(explanation.counted),
            "runs_out_at": explanation.runs_out_at,
            "due_at": explanation.due_at,
            "pulled_back_seconds": seconds(explanation.pulled_back),
            "intervals": [_interval(span) for span in explanation.spans[:most]],
            "more_intervals": max(0, len(explanation.spans) - most),
        }
    )


def _interval(span: Span) -> IntervalView:
    return IntervalView(
        start=span.start,
        end=span.end,
        seconds=seconds(span.end - span.start),
        counted=span.counted,
        reason=span.reason.value,
        name=span.name or None,
    )


def seconds(duration: timedelta) -> int:
    """Whole seconds, rounded to the nearest: moments may carry microseconds."""
    return round(duration.total_seconds())


def preview(
    asked: PreviewRequest, found: tuple[Choice, Explanation] | None, *, zone: str
) -> Preview:
    received_at = asked.received_at.astimezone(UTC)
    if found is None:
        return Preview(
            channel=asked.channel,
            received_at=received_at,
            clock=False,
            due_at=None,
            timezone=zone,
            detail=f"{asked.channel} is a best-effort channel: no answer is promised, so there is"
            " no clock",
        )
    choice, why = found
    hours = why.target.total_seconds() / 3600
    return Preview(
        channel=asked.channel,
        received_at=received_at,
        clock=True,
        due_at=choice.due_at,
        timezone=zone,
        detail=f"{hours:g} hours, counted by {why.counting.value.replace('-', ' ')}",
        promises=matched(choice, counted_by=choice.promise),
        explanation=target_explanation(why, TargetKind.FIRST_ANSWER, most=MOST_INTERVALS),
    )
